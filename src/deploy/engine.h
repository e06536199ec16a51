/*
 * engine: who runs deployments. One table of functions per engine; the worker knows no other way.
 *
 * Every verb is asynchronous: it returns at once and later calls done() exactly once on the loop
 * thread, at the latest shortly after call->deadline. The engine copies what it needs of *call
 * before returning. A verb is idempotent: the name at the engine derives from the tenant id, so a
 * second apply of the same generation changes nothing and answers DONE or PENDING.
 *
 * apply creates and updates. observe never changes anything. cancel of a running verb: engine_op
 * handle returned by start; cancelling TERMs children and still calls done().
 *
 * PENDING: the task is handed back to the queue and observe is called after poll_after_ms; nothing
 * stays in memory. progress() may be called any number of times before done(); external_id() must
 * be made durable at once by the receiver (crash between create and record).
 */
#ifndef LM_ENGINE_H
#define LM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/arena.h"
#include "base/str.h"

enum engine_verb {
    ENGINE_VALIDATE,
    ENGINE_APPLY,
    ENGINE_OBSERVE,
    ENGINE_SUSPEND,
    ENGINE_RESUME,
    ENGINE_DELETE
};

enum engine_status { ENGINE_DONE, ENGINE_PENDING, ENGINE_ABSENT, ENGINE_FAIL };

enum engine_class {
    CLASS_NONE,
    CLASS_RETRY,
    CLASS_WAIT_QUOTA,
    CLASS_AUTH,
    CLASS_INVALID,
    CLASS_UNKNOWN_OUTCOME,
    CLASS_GONE_EXTERNALLY,
    CLASS_STUCK
};

struct engine_call {
    enum engine_verb verb;
    const char *tenant;  /* tenant id */
    const char *order;   /* order id */
    const char *channel; /* aws, ... */
    const char *plan;
    const char *region; /* "" when none */
    uint64_t generation;
    const char *spec;        /* JSON object: plan, limits, parameters, buyer fields */
    const char *spec_sha256; /* hex */
    const char *op_id;       /* depends on tenant, generation and verb, never on the attempt */
    uint64_t fence;
    uint64_t deadline_ms;    /* milliseconds from now */
    const char *external_id; /* "" when none yet */
    const char *outputs;     /* JSON object of the last DONE, "" when none */
    uint32_t slot;           /* number unique per tenant on this installation (uid, port) */
    void *template;          /* const struct cfg_template * */
};

struct engine_result {
    enum engine_status status;
    enum engine_class cls;
    uint64_t poll_after_ms;
    const char *outputs;         /* DONE: JSON object; "endpoint" when the engine knows it */
    const char *code;            /* FAIL: catalogue key for the buyer's text */
    const char *detail;          /* FAIL: private text for the operator, capped, may be "" */
    const char *observed_sha256; /* observe, DONE: what runs now */
    bool suspended;              /* observe, DONE: present but suspended */
    int pct;                     /* PENDING: 0..100, or -1 */
};

struct engine_events {
    void (*progress)(void *arg, int pct, const char *message);
    void (*external_id)(void *arg, const char *id);
    void (*done)(void *arg, const struct engine_result *result); /* result dies on return */
    void *arg;
};

struct engine;    /* an instance: loop + configuration */
struct engine_op; /* a running verb */

struct engine_ops {
    const char *name; /* as in deployment_templates.<x>.engine */
    /* cfg: const struct config *. 0 or -errno; *err then says why (static text). */
    int (*open)(uv_loop_t *loop, const void *cfg, struct engine **out, const char **err);
    void (*close)(struct engine *e);
    /* NULL on no memory; done() may already have been called when this returns. */
    struct engine_op *(*start)(struct engine *e, const struct engine_call *call,
                               const struct engine_events *ev);
    void (*cancel)(struct engine_op *op);
    /* Kills at once every child that works for this op, from any thread: the lease is lost. */
    void (*abandon)(struct engine_op *op);
};

extern const struct engine_ops engine_process;
extern const struct engine_ops engine_exec;
const struct engine_ops *engine_find(const char *name);
const char *engine_class_name(enum engine_class c); /* "RETRY" ... */
const char *engine_verb_name(enum engine_verb v);   /* "apply" ... */
int engine_class_parse(struct str s, enum engine_class *out);

#endif
