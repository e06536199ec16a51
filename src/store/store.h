/*
 * store: Redis, shards and the transitions. Every change of state is one Lua script
 * (src/store/lua/, embedded at build), run in one shard; every read of more than one key too.
 * Nothing else writes.
 *
 * A call names the shard, the script and its arguments (documented in the head of each .lua file
 * and in docs/store.md) and gets rows back: each row a list of field/value pairs. One connection
 * per store handle, pipelined, EVALSHA with EVAL fallback on NOSCRIPT. One handle per loop and
 * thread.
 *
 * Errors: the callback gets rc
 *   0         rows hold the answer
 *   -ENOENT   nothing under that id            -EEXIST   already there with another content
 *   -ESTALE   the task's token is not (or no longer) ours: stop, write nothing more
 *   -EPERM    the transition is not legal      -EINVAL   arguments refused by the script
 *   -EAGAIN   Redis is in trouble: unreachable, LOADING, BUSY, MISCONF, OOM, READONLY, NOREPLICAS,
 *             CLUSTERDOWN, deadline passed. A write may or may not have happened; every script is
 *             idempotent, so the same call may be made again. Fronts answer 503.
 *   -EPROTO   an answer that no script of ours gives   -EMSGSIZE  arguments over 4 MiB
 * The callback runs exactly once, on the loop, never inside store_call() - also when the
 * connection dies or the deadline (redis.command_ms) passes; then the connection is closed and
 * made anew (a late answer must never meet the next command), with jittered back-off.
 *
 * The program must ignore SIGPIPE.
 *
 * crash points: "store.<script>.before" / "store.<script>.after" around every call.
 */
#ifndef LM_STORE_H
#define LM_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/id.h"
#include "base/str.h"
#include "config/config.h"

enum store_user { STORE_FRONT, STORE_WORKER, STORE_CLI };

enum store_script {
    /* front */
    STORE_LAND,    /* reg_hash channel product sealed_token ttl_ms extra_json [sign_in] */
    STORE_SIGN_IN, /* reg_hash sealed_answer : the sign-in page was left; starts the resolve task */
    STORE_CLAIM,   /* reg_hash cap_hash cap_ttl_ms : capability for an order registered before */
    STORE_REG_GET, /* reg_hash */
    STORE_SUBMIT,  /* reg_hash cap_hash cap_ttl_ms form_json email late_ms */
    STORE_STATUS,  /* cap_hash */
    STORE_READY,   /* - : row of meta: schema, shards, now, worker heartbeat age */
    STORE_KEYS_GET,  /* channel product -> keys fetched ttl now, of shard 0 like all STORE_KEYS_* */
    STORE_KEYS_WANT, /* channel product min_ms : task keys:<channel>/<product> */
    /* market role */
    STORE_REG_LOAD,     /* task token reg_hash -> every field, sealed token and form included */
    STORE_REG_IDENTITY, /* task token reg_hash (id_* v)* : who signed in */
    STORE_REG_RESOLVED, /* task token reg_hash order_id order_shard (k v)* */
    STORE_REG_REFUSED,  /* task token reg_hash code final(0|1) */
    STORE_REG_PLACED,   /* task token reg_hash [order_id: where it really went] */
    STORE_ORDER_UPSERT, /* order_id at_ms (k v)* : creates or updates what the channel says */
    STORE_ORDER_PLACE,  /* order_id cap_hash cap_ttl_ms form_json email late_ms */
    STORE_ORDER_FIND,   /* natural_order_id -> order (follows an alias), exists */
    STORE_ORDER_ALIAS,  /* natural_order_id order_id : a renewed purchase belongs to that order */
    STORE_ORDER_MERGE,  /* order_id into_order_id : an order without tenant closes into another */
    STORE_AGREEMENT,    /* channel agreement at_ms (k v)* -> the merged record */
    STORE_ACCOUNT_ADD,  /* channel product_code account order_id */
    STORE_ACCOUNT_GET,  /* channel product_code account -> one row per order */
    STORE_EVENT_PUT,    /* event_id dedupe_hash channel product type kind json raw at_ms -> dup=0|1;
                           by the front too: kind and json "" leave raw to market_ops.parse() */
    STORE_EVENT_GET,    /* event_id */
    STORE_KEYS_PUT,     /* task token channel product keys ttl_ms */
    /* tasks (all roles) */
    STORE_TASK_ADD,   /* id kind role subject delay_ms data */
    STORE_TASK_CLAIM, /* worker seed lease_ms max crash_limit role+ : row 0 {next_ms}, then tasks */
    STORE_TASK_RENEW, /* lease_ms (id token)* -> row per id {id, state=ok|lost} */
    STORE_TASK_FINISH, /* id token how(done|retry|wait|dead) delay_ms class error
                        * [worker seed lease_ms role+]: and claim the next one */
    STORE_TASK_STEP,   /* id token (k v)* : durable step fields of the task */
    /* deploy, notify: the running task's write */
    STORE_FULFIL_LOAD, /* task token order_id -> o.* t.* s.* now */
    STORE_ORDER_WRITE, /* task token order_id (k v)* : keys "o.x" "t.x" "s.x", "log.type" "log.text"
                          "log.data", "+mail" kind, "+task" "kind role delay_ms" ; "o.fulfilment"
                          and "o.contract" are checked against the transition tables */
    STORE_CAP_ADD,     /* order_id cap_hash ttl_ms */
    /* operators and upkeep */
    STORE_ORDER_GET,  /* order_id -> o.* t.* , then one row per task of the order */
    STORE_ORDERS,     /* after(score:id or "") limit -> summary rows, newest first */
    STORE_LOG,        /* order_id after count -> rows id at type text data */
    STORE_OPERATE,    /* order_id verb(retry|suspend|resume|cancel|delete) actor reason */
    STORE_INIT,       /* shards installation schema : creates or checks meta */
    STORE_BEAT,       /* worker roles ttl_ms */
    STORE_SWEEP,      /* cursor count -> row {cursor, repaired, ...} : repairs INV-1, INV-2 */
    STORE_INVARIANTS, /* cursor count -> row {cursor}, then rows {inv, key, text} */
    STORE_RESYNC,     /* cursor count jitter_ms : ensures a fulfil task for live orders */
    STORE_HASTEN,     /* cursor count role class : what waits after such a failure is due now */
    STORE_STATS,      /* - : counts per state, ready/lease/live/dead sizes */
    STORE_SCRIPTS
};

struct store_field {
    struct str k, v;
};
struct store_row {
    const struct store_field *f;
    size_t n;
};
struct store_rows {
    const struct store_row *row;
    size_t n;
};

struct store;
typedef void store_cb(void *arg, int rc, const struct store_rows *rows);

/* Connects in the background; calls made before are queued until the deadline. cfg must outlive the
 * handle. The password file is read here, once. */
int store_open(uv_loop_t *loop, const struct cfg_redis *cfg, enum store_user user,
               struct store **out);
/* Calls back everything in flight with -EAGAIN; the loop must run until the handles are closed.
 * Those callbacks may still call (and fail with -EAGAIN); nobody else may use the handle any more.
 */
void store_close(struct store **s);
unsigned store_shards(const struct store *s);
void store_call(struct store *s, unsigned shard, enum store_script script, const struct str *args,
                size_t nargs, store_cb *cb, void *arg);
/* The hot read of the status poll: HMGET of the given fields of one order, without a script. The
 * first must be one that every order has ("ver"). One row; absent fields are empty; -ENOENT when
 * the order is gone. */
void store_order_fields(struct store *s, struct str order_id, const char *const *fields, size_t n,
                        store_cb *cb, void *arg);
/* The order that a capability opens, for a poll, without a script: one row of "order"; -ENOENT when
 * it opens none here, STORE_STATUS then knows why. */
void store_capability(struct store *s, unsigned shard, struct str cap_hash, store_cb *cb,
                      void *arg);
/* Blocks (BZPOPMIN on a connection of its own) until a task of one of the roles may be due, or
 * wait_ms. One wait per shard at a time. rc 0: woken; -ETIMEDOUT; -EAGAIN. */
void store_wait(struct store *s, unsigned shard, const char *const *roles, size_t nroles,
                uint64_t wait_ms, store_cb *cb, void *arg);
/* INFO and CONFIG GET: one row of version, role, appendonly (yes|no), appendfsync (empty where
 * CONFIG is forbidden), maxmemory_policy, maxmemory, used_memory, loading, aof_last_write_status,
 * connected_slaves. */
void store_server_info(struct store *s, store_cb *cb, void *arg);
/* What that row means for the wanted durability: 0 fine, 1 warn, -1 refuse to start; why (cap
 * bytes) then says it for a person. */
int store_check(const struct store_row *info, enum cfg_durability durability, char *why,
                size_t cap);
bool store_connected(const struct store *s);
/* What went wrong last with Redis, for a log line; "" when nothing did. */
const char *store_trouble(const struct store *s);

/* First row's field; empty slice when absent. */
struct str store_get(const struct store_rows *rows, const char *key);
struct str store_row_get(const struct store_row *row, const char *key);
int64_t store_row_int(const struct store_row *row, const char *key, int64_t dflt);
const char *store_script_name(enum store_script s);

#endif
