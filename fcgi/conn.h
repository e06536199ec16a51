/*
 * conn: one connection from the web server: bytes to requests, answers to bytes.
 *
 * States: reading (idle, or a request is coming) -> busy (a handler works) -> reading again when
 * the web server keeps the connection, else closing. Writing is beside these: while an answer is
 * not wholly taken, nothing more is read. Lingering: the answer to a refused request was written,
 * the rest of its bytes are thrown away so that the answer is not lost to a reset.
 *
 * A handler that is still at work when its connection goes keeps its request: the request is cut
 * loose and dies in req_done().
 */
#ifndef LM_CONN_H
#define LM_CONN_H

#include "records.h"
#include "server.h"

enum conn_state { CONN_READING, CONN_BUSY, CONN_LINGER, CONN_CLOSING };

struct conn {
    unsigned magic;
    enum conn_state state;
    struct server *srv;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } u;
    struct conn *prev, *next;
    uint64_t deadline; /* by uv_now() */
    uint64_t active;   /* accepted, or last answer */
    struct rec rec;
    struct exchange *ex; /* being worked on */
    struct buf *collect; /* answers go here while input is worked on */
    bool reading, writing;
    bool eof;     /* the peer sends no more */
    bool aborted; /* the peer wants no answer */
    bool last;    /* close after what is being written */
    bool rest;    /* ... lingering, since more of the request is coming */
    char *held;   /* input that came too early */
    size_t nheld;
};

/* Takes fd; it is closed with the connection or at once on error. kept: it has been in use in
 * another process. 0 or -errno. */
int conn_open(struct server *s, int fd, bool kept);
/* Its deadline has passed. */
void conn_expire(struct conn *c);
/* The process leaves: hand over or close as soon as nothing is in work. */
void conn_leave(struct conn *c);
/* Nothing of a request is here: may be closed or handed over. */
bool conn_is_idle(const struct conn *c);
void conn_close(struct conn *c);

#endif
