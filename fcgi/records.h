/*
 * records: the FastCGI 1.0 responder side of one connection, as a pure parser.
 *
 * Bytes in, steps out; no I/O, no clock, no log. Record layouts and constants are those of
 * libfcgi's <fastcgi.h>; the rules are those of the FastCGI specification 1.0 (sections 3 to 5).
 * Input may be cut anywhere. A length that the peer claims allocates nothing beyond struct
 * req_limits.
 *
 * One request at a time: a BEGIN for another id while one is being read is answered
 * CANT_MPX_CONN; a BEGIN that arrives while a complete request waits for its answer is held
 * (REC_HOLD), so that a peer may send ahead. Over-long params or bodies are not malformed: they are
 * read to their end and handed on with the status to refuse with, so that the connection survives.
 *
 * Ownership: rec_take() hands the arena of the finished request to the caller; what was not
 * taken dies in rec_free(). Thread rule: one thread at a time.
 */
#ifndef LM_RECORDS_H
#define LM_RECORDS_H

#include <fastcgi.h>

#include "req.h"

enum rec_step {
    REC_MORE,    /* all input used */
    REC_REQUEST, /* a request is complete: rec_take() it; later input is untouched */
    REC_HOLD,    /* the next request came before rec_answered(): keep the rest of the input */
    REC_ABORT,   /* the peer gave up its request: rec_aborted_*() */
    REC_BAD      /* malformed: close the connection; rec_why() says what */
};

enum rec_state { REC_IDLE, REC_PARAMS, REC_STDIN, REC_BUSY };

/* A decoder of name-value pairs (specification 3.4) that can stop at any byte. */
struct rec_pairs {
    unsigned char len[8];
    unsigned nlen;
    size_t name, value; /* lengths of the pair being read */
    size_t left;        /* of name and value together */
    char *at;           /* where the next byte goes; NULL: thrown away */
    bool open;          /* between the lengths and the last byte */
};

struct rec_request {
    struct arena *arena;
    struct req_param *params;
    size_t nparams;
    struct str body;
    uint16_t id;
    bool keep;   /* FCGI_KEEP_CONN */
    bool unread; /* refused before its end: linger after the answer */
    int refuse;  /* 0, or the status to answer without a handler */
};

#define REC_SMALL 512 /* longest management record that is understood */

struct rec {
    const struct req_limits *lim;
    enum rec_state state;
    unsigned char head[FCGI_HEADER_LEN];
    unsigned nhead;
    bool inside; /* header done, content or padding to come */
    bool held;
    uint8_t type;
    uint16_t id;
    size_t length;       /* of this record's content */
    size_t content, pad; /* still to come */
    int sink;
    unsigned char small[REC_SMALL];
    size_t nsmall;
    struct rec_pairs pairs;
    struct rec_request cur;
    size_t params_cap, params_bytes, raw;
    size_t body_cap;
    uint64_t expect; /* CONTENT_LENGTH */
    bool expected;
    const char *why;
};

void rec_init(struct rec *p, const struct req_limits *lim);
void rec_free(struct rec *p);
/* Consumes from the front of *in; appends management and refusal records to reply. */
enum rec_step rec_feed(struct rec *p, struct str *in, struct buf *reply);
/* After REC_REQUEST. The parser is REC_BUSY until rec_answered(). */
void rec_take(struct rec *p, struct rec_request *out);
void rec_answered(struct rec *p);
/* Gives up a request whose body does not come: as if complete, with that status. Only in
 * REC_STDIN. */
void rec_give_up(struct rec *p, int status);
/* Between two requests, with nothing consumed of a next one: the connection may change hands. */
bool rec_idle(const struct rec *p);
/* Static text for the log. */
const char *rec_why(const struct rec *p);

/* Output. A header with no padding; content records of any length; the end of a request. */
void rec_put_head(unsigned char out[FCGI_HEADER_LEN], int type, uint16_t id, size_t length);
void rec_put_stream(struct buf *out, int type, uint16_t id, struct str data);
void rec_put_end(struct buf *out, uint16_t id, int protocol_status);
/* STDOUT records around what was appended to out since `from` (where FCGI_HEADER_LEN bytes were
 * left free), then END_REQUEST. */
void rec_seal(struct buf *out, size_t from, uint16_t id);

/* records_pairs.c: used by records.c. 0, or -EINVAL when the stream was cut within a pair. */
int rec_params_data(struct rec *p, const unsigned char *d, size_t n);
int rec_params_end(struct rec *p);
/* Answers to the variables of a GET_VALUES record (specification 4.1). */
int rec_get_values(const unsigned char *d, size_t n, struct buf *reply);

#endif
