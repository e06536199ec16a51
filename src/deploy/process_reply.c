#include <string.h>

#include "deploy/process_int.h"

#define CLEANUP_GIVES_UP 3 /* TRIES in src/keeper/cleanup.c */

static const struct {
    const char *code;
    enum engine_class cls;
} refusals[] = {
    {"bad_request", CLASS_INVALID},    {"stale_fence", CLASS_RETRY},
    {"stale_generation", CLASS_RETRY}, {"no_spec", CLASS_GONE_EXTERNALLY},
    {"deleting", CLASS_RETRY},         {"storage", CLASS_RETRY},
};

static bool fail(const struct process_ask *ask, struct engine_result *r, enum engine_class cls,
                 const char *code, struct str detail)
{
    buf_reset(ask->detail);
    buf_str(ask->detail, str_sub(detail, 0, 1024));
    r->status = ENGINE_FAIL;
    r->cls = cls;
    r->code = code;
    r->detail = buf_cstr(ask->detail);
    return true;
}

static bool refused(const struct process_ask *ask, const cJSON *st, struct engine_result *r)
{
    struct str code = json_str(st, "code"), why = json_str(st, "why");

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (str_is(code, refusals[i].code))
            return fail(ask, r, refusals[i].cls,
                        refusals[i].cls == CLASS_INVALID ? "invalid_spec" : refusals[i].code, why);
    return fail(ask, r, CLASS_RETRY, "keeper_unavailable", why);
}

static bool done(const struct process_ask *ask, const cJSON *st, struct engine_result *r,
                 bool suspended)
{
    struct jsonw w;
    int64_t uid = 0;

    (void)json_int(st, "uid", &uid);
    buf_reset(ask->outputs);
    jsonw_init(&w, ask->outputs);
    jsonw_obj(&w);
    jsonw_kvs(&w, "endpoint", str_of(ask->endpoint));
    jsonw_kvi(&w, "uid", uid);
    jsonw_kvs(&w, "isolation", json_str(st, "isolation"));
    jsonw_kvs_opt(&w, "limits", json_str(st, "limits"));
    jsonw_obj_end(&w);
    r->status = ENGINE_DONE;
    r->outputs = buf_cstr(ask->outputs);
    r->suspended = suspended;
    r->pct = 100;
    return true;
}

static bool pending(struct engine_result *r, int pct, uint64_t poll_after_ms)
{
    r->status = ENGINE_PENDING;
    r->pct = pct;
    r->poll_after_ms = poll_after_ms;
    return false;
}

/* Something serves. Is it what the caller means? */
static bool serving(const struct process_ask *ask, const cJSON *st, struct engine_result *r)
{
    bool mine = str_is(json_str(st, "spec_sha256"), ask->call->spec_sha256);
    bool wanted = str_is(json_str(st, "want_sha256"), ask->call->spec_sha256);
    bool settled = str_is(json_str(st, "status"), "running");
    struct str failed = json_str(st, "failed");

    if (wanted && failed.n)
        return fail(ask, r, CLASS_INVALID, "update_failed", failed);
    if (wanted && (!mine || !json_bool(st, "want_is_good", false) || !settled))
        return pending(r, 60, 250);
    if (!json_bool(st, "healthy", false))
        return fail(ask, r, CLASS_RETRY, "environment_unhealthy", json_str(st, "error"));
    return done(ask, st, r, false);
}

static bool running(const struct process_ask *ask, const cJSON *st, struct engine_result *r)
{
    struct str status = json_str(st, "status");

    if (str_is(status, "running") || str_is(status, "updating"))
        return serving(ask, st, r);
    if (str_is(status, "failed"))
        return fail(ask, r, CLASS_INVALID, "start_failed", json_str(st, "failed"));
    if (str_is(status, "backoff") && ask->call->verb == ENGINE_OBSERVE)
        return fail(ask, r, CLASS_RETRY, "environment_unhealthy", json_str(st, "error"));
    if (str_is(status, "suspended")) {
        r->observed_sha256 = json_str(st, "want_sha256").p;
        return done(ask, st, r, true);
    }
    if (str_is(status, "idle"))
        return fail(ask, r, CLASS_GONE_EXTERNALLY, "no_spec", STR("a keeper without a spec"));
    if (str_is(status, "deleting") && ask->call->verb != ENGINE_OBSERVE)
        return fail(ask, r, CLASS_RETRY, "deleting", STR("this tenant is being deleted"));
    return pending(r, 30, 250);
}

static bool suspending(const struct process_ask *ask, const cJSON *st, struct engine_result *r)
{
    if (str_is(json_str(st, "status"), "suspended"))
        return done(ask, st, r, true);
    return pending(r, 50, 250);
}

static bool deleting(const struct process_ask *ask, const cJSON *st, struct engine_result *r)
{
    int64_t fails = 0;

    if (json_int(st, "cleanup_fails", &fails) == 0 && fails >= CLEANUP_GIVES_UP)
        return fail(ask, r, CLASS_RETRY, "archive_failed", json_str(st, "error"));
    return pending(r, 50, 500);
}

bool process_reply(const struct process_ask *ask, const cJSON *st, struct engine_result *r)
{
    memset(r, 0, sizeof(*r));
    r->code = r->detail = r->outputs = "";
    r->pct = -1;
    r->observed_sha256 = json_str(st, "spec_sha256").n ? json_str(st, "spec_sha256").p : "";
    if (!json_bool(st, "ok", false))
        return refused(ask, st, r);
    switch (ask->call->verb) {
    case ENGINE_SUSPEND:
        return suspending(ask, st, r);
    case ENGINE_DELETE:
        return deleting(ask, st, r);
    case ENGINE_OBSERVE:
        if (str_is(json_str(st, "desired"), "deleted"))
            return deleting(ask, st, r);
        return running(ask, st, r);
    default:
        return running(ask, st, r);
    }
}
