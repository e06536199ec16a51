/* redis_internal: what redis.c, redis_io.c and redis_connect.c share. */
#ifndef LM_REDIS_INTERNAL_H
#define LM_REDIS_INTERNAL_H

#include "store/redis.h"

enum redis_state { REDIS_DOWN, REDIS_CONNECTING, REDIS_GREETING, REDIS_READY, REDIS_CLOSING };

struct redis_queue {
    struct redis_call *head, **tail;
};

struct redis {
    uv_loop_t *loop;
    struct redis_cfg cfg;
    struct redis_hooks hooks;
    enum redis_state state;
    bool ending;   /* redis_close() was called */
    bool failed;   /* an attempt failed since the connection was last up */
    bool writing;  /* a uv_write is under way with `sending` */
    bool flushing; /* the prepare handle is running */
    bool stream;   /* the stream handle is open or closing */
    bool looked;   /* a deadline has passed; what has come is being looked at once more */
    unsigned greetings, attempts, calls, open_handles;
    uint64_t since;     /* down since; monotonic ms */
    uint64_t retry_at;  /* next attempt, in REDIS_DOWN */
    uint64_t greet_end; /* deadline of connecting and greeting */
    struct redis_queue waiting, flight, broken;
    struct redis_call *spare;
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

void redis_queue_init(struct redis_queue *q);
void redis_queue_add(struct redis_queue *q, struct redis_call *call);
struct redis_call *redis_queue_pop(struct redis_queue *q);

/* redis.c: calls and deadlines */
void redis_arm(struct redis *c); /* timer to the nearest deadline */
void redis_write_call(struct redis *c, struct redis_call *call);
void redis_move_waiting(struct redis *c); /* the connection came up */
/* rc 0: each call's own. */
void redis_fail_queue(struct redis *c, struct redis_queue *q, int rc);
int redis_take_reply(struct redis *c, const struct reply *reply); /* 0, or drop the connection */

/* redis_io.c: bytes, and the end of a connection */
void redis_drop(struct redis *c, const char *why);
void redis_flush_later(struct redis *c);
void redis_end(struct redis *c);
void redis_free_if_over(struct redis *c);
int redis_read_start(struct redis *c);

/* redis_connect.c: from an address to AUTH and PING */
void redis_connect(struct redis *c);

#endif
