/*
 * server: the records transport: one loop, one listener, many connections.
 *
 * The listener is a uv_poll on the shared descriptor with accept4() of our own, so that it can be
 * paused when connections or descriptors run out. Deadlines are looked at by one coarse timer that
 * runs only while there are connections. Leaving (server_drain): the listener stops, requests in
 * work are finished, idle connections are handed over.
 *
 * Thread rule: the loop's thread only.
 */
#ifndef LM_SERVER_H
#define LM_SERVER_H

#include <uv.h>

#include "front.h"
#include "handover.h"
#include "req.h"

/* Milliseconds. Every wait of a connection has one of these. */
enum server_deadline {
    SERVER_FIRST_MS = 10000, /* accepted, no byte yet; and params once begun */
    SERVER_BODY_MS = 20000,  /* whole body */
    SERVER_HANDLER_MS = 10000,
    SERVER_WRITE_MS = 30000, /* a slow reader */
    SERVER_IDLE_MS = 90000,  /* kept; longer than the 60 s that web servers keep */
    SERVER_LINGER_MS = 2000,
    SERVER_TICK_MS = 500,
};

struct conn;

enum { SERVER_BUFS = 32, SERVER_READ = 65536 };

struct server {
    struct front *front;
    const struct req_limits *lim;
    uv_poll_t listener, receiver;
    uv_timer_t tick;
    uv_timer_t pause;
    struct handover handover;
    int listen_fd;
    struct conn *first, *last; /* most recently active last */
    size_t nconns, conns_max;
    bool draining, paused;
    void (*drained)(struct server *);
    struct buf out, late; /* answers to input being worked on; answers that come later */
    unsigned collecting;  /* depth of input() */
    uint64_t log_second;
    unsigned log_count;
    struct buf spare[SERVER_BUFS]; /* response bodies to use again */
    size_t nspare;
    char read[SERVER_READ];
};

/* listen_fd and handover stay the caller's. drained: see server_drain(). 0 or -errno. */
int server_open(struct server *s, struct front *front, int listen_fd, struct handover handover,
                void (*drained)(struct server *));
/* Begins to leave; calls drained() when the last connection is gone. */
void server_drain(struct server *s);
/* Afterwards; the loop must run once more for its handles. */
void server_close(struct server *s);

/* For conn.c. */
void server_conn_opened(struct server *s, struct conn *c);
void server_conn_active(struct server *s, struct conn *c);
void server_conn_closed(struct server *s, struct conn *c);
struct buf server_body(struct server *s);
/* False when too much was logged this second. */
bool server_may_log(struct server *s);
void server_body_back(struct server *s, struct buf *b);

#endif
