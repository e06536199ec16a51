/* store_internal: what the files of the store handle share. */
#ifndef LM_STORE_INTERNAL_H
#define LM_STORE_INTERNAL_H

#include "store/redis.h"
#include "store/script.h"
#include "store/store.h"

enum call_kind { CALL_SCRIPT, CALL_FIELDS, CALL_WAIT, CALL_INFO };

struct store {
    uv_loop_t *loop;
    const struct cfg_redis *cfg;
    struct redis_cfg redis_cfg;
    struct buf password;
    char tag[ID_SHARDS_MAX][16]; /* "{p12}:", in front of every key of a shard */
    struct redis *main;
    struct redis *waits[ID_SHARDS_MAX]; /* made when first waited on */
    unsigned open;                      /* connections not yet closed */
    char trouble[160];                  /* of the last answer, else the connection's counts */
};

extern const struct redis_hooks store_hooks;
enum redis_next store_on_reply(void *owner, struct redis_call *call, struct reply_reader *reader,
                               const struct reply *reply);

/* NULL after cb has been told -EAGAIN: no memory. */
struct redis_call *store_new_call(struct store *s, struct redis *c, enum call_kind kind,
                                  store_cb *cb, void *arg);
/* The reply to INFO and then the one to CONFIG GET. */
enum redis_next store_info_reply(struct redis_call *call, const struct reply *reply);

/* rows that outlive their reply; free() gives them back. NULL: no memory. */
struct store_rows *rows_copy(const struct store_rows *rows);

#endif
