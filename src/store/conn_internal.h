/* conn_internal: what conn.c (calls, deadlines) and conn_io.c (bytes, life) share. */
#ifndef LM_CONN_INTERNAL_H
#define LM_CONN_INTERNAL_H

#include "store/conn.h"

enum conn_state { CONN_DOWN, CONN_CONNECTING, CONN_GREETING, CONN_READY, CONN_CLOSING };

struct conn_queue {
    struct conn_call *head, **tail;
};

struct conn {
    uv_loop_t *loop;
    struct conn_cfg cfg;
    struct conn_hooks hooks;
    enum conn_state state;
    bool ending;   /* conn_close() was called */
    bool failed;   /* an attempt failed since the connection was last up */
    bool writing;  /* a uv_write is under way with `sending` */
    bool flushing; /* the prepare handle is running */
    bool stream;   /* the stream handle is open or closing */
    unsigned greetings, attempts, calls, open_handles;
    uint64_t since;     /* down since; monotonic ms */
    uint64_t retry_at;  /* next attempt, in CONN_DOWN */
    uint64_t greet_end; /* deadline of connecting and greeting */
    struct conn_queue waiting, flight, broken;
    struct conn_call *spare;
    unsigned nspare;
    struct reply_reader *reader;
    struct buf out, sending;
    union {
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } h;
    uv_connect_t connect;
    uv_getaddrinfo_t resolve;
    bool resolving;
    uv_write_t write;
    uv_timer_t timer;
    uv_prepare_t prepare;
    char trouble[160];
    char in[64 * 1024];
};

void conn_queue_init(struct conn_queue *q);
void conn_queue_add(struct conn_queue *q, struct conn_call *call);
struct conn_call *conn_queue_pop(struct conn_queue *q);

/* conn.c */
void conn_arm(struct conn *c); /* timer to the nearest deadline */
void conn_write_call(struct conn *c, struct conn_call *call);
void conn_move_waiting(struct conn *c); /* the connection came up */
/* rc 0: each call's own. */
void conn_fail_queue(struct conn *c, struct conn_queue *q, int rc);
int conn_take_reply(struct conn *c, const struct reply *reply); /* 0, or drop the connection */

/* conn_io.c */
void conn_connect(struct conn *c);
void conn_drop(struct conn *c, const char *why);
void conn_flush_later(struct conn *c);
void conn_end(struct conn *c);

#endif
