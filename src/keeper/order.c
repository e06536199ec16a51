#include "order.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "ctl.h"
#include "record.h"
#include "state.h"

struct refusal {
    const char *code; /* NULL: accepted */
    const char *why;
};

#define ACCEPTED ((struct refusal){NULL, ""})

/* What an order may have changed, to take it back when it cannot be recorded. */
struct before {
    enum keeper_desired desired;
    uint64_t fence;
    struct spec *want;
    char failed[KEEPER_WHY];
};

static struct refusal do_apply(struct keeper *k, const cJSON *req)
{
    const cJSON *obj = json_obj(req, "spec");
    const char *why = "spec: an object is needed";
    struct spec *s = NULL;
    bool newer;

    if (obj == NULL || spec_parse(obj, &s, &why))
        return (struct refusal){"bad_request", why};
    if (k->want && s->generation < k->want->generation) {
        spec_unref(&s);
        return (struct refusal){"stale_generation", "a newer generation is known"};
    }
    newer = !spec_same(s, k->want);
    /* The same program under a new number: what runs is already right. */
    for (size_t n = 0; n < KEEPER_INSTS; n++)
        if (k->inst[n].state != INST_FREE && spec_same(k->inst[n].spec, s)) {
            spec_unref(&k->inst[n].spec);
            k->inst[n].spec = spec_ref(s);
        }
    if (spec_same(k->good, s)) {
        spec_unref(&k->good);
        k->good = spec_ref(s);
    }
    spec_unref(&k->want);
    k->want = s;
    if (newer || k->failed[0]) {
        k->failed[0] = '\0';
        k->attempts = 0;
        k->retry_at = 0;
    }
    return ACCEPTED;
}

static struct refusal do_suspend(struct keeper *k, const cJSON *req)
{
    (void)req;
    k->desired = DESIRED_SUSPENDED;
    return ACCEPTED;
}

static struct refusal do_resume(struct keeper *k, const cJSON *req)
{
    (void)req;
    if (k->want == NULL)
        return (struct refusal){"no_spec", "nothing was ever applied"};
    if (k->desired != DESIRED_RUNNING) {
        k->desired = DESIRED_RUNNING;
        k->attempts = k->crashes = 0;
        k->retry_at = 0;
        k->failed[0] = '\0';
    }
    return ACCEPTED;
}

static struct refusal do_delete(struct keeper *k, const cJSON *req)
{
    (void)req;
    k->desired = DESIRED_DELETED;
    k->cleanup_fails = 0;
    k->retry_at = 0;
    return ACCEPTED;
}

static struct refusal do_detach(struct keeper *k, const cJSON *req)
{
    (void)req;
    k->finished = true;
    return ACCEPTED;
}

static struct refusal do_status(struct keeper *k, const cJSON *req)
{
    (void)req;
    (void)k;
    return ACCEPTED;
}

static const struct {
    const char *name;
    bool order; /* changes something: fenced and recorded */
    struct refusal (*run)(struct keeper *k, const cJSON *req);
} commands[] = {
    {"status", false, do_status}, {"apply", true, do_apply},   {"suspend", true, do_suspend},
    {"resume", true, do_resume},  {"delete", true, do_delete}, {"detach", true, do_detach},
};

static struct refusal fenced(struct keeper *k, size_t cmd, const cJSON *req)
{
    struct before was = {k->desired, k->fence, spec_ref(k->want), ""};
    struct refusal r = {"storage", "the record could not be written"};
    int64_t fence = 0;

    if (json_int(req, "fence", &fence) || fence < 0)
        r = (struct refusal){"bad_request", "fence: a whole number is needed"};
    else if ((uint64_t)fence < k->fence)
        r = (struct refusal){"stale_fence", "a newer lease has been here"};
    else if (k->desired == DESIRED_DELETED && commands[cmd].run != do_delete)
        r = (struct refusal){"deleting", "this tenant is being deleted"};
    else {
        memcpy(was.failed, k->failed, sizeof(was.failed));
        k->fence = (uint64_t)fence;
        r = commands[cmd].run(k, req);
        k->hold_until = 0;
        k->dirty = true;
        if (r.code == NULL && record_write(k)) {
            k->desired = was.desired;
            k->fence = was.fence;
            spec_unref(&k->want);
            k->want = spec_ref(was.want);
            memcpy(k->failed, was.failed, sizeof(was.failed));
            r = (struct refusal){"storage", "the record could not be written"};
        }
        LOG(LOG_INFO, "order", F("cmd", commands[cmd].name), FI("fence", fence),
            F("refused", r.code ? r.code : ""));
    }
    spec_unref(&was.want);
    return r;
}

static struct refusal dispatch(struct keeper *k, const cJSON *req)
{
    struct str cmd = json_str(req, "cmd");

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (str_is(cmd, commands[i].name))
            return commands[i].order ? fenced(k, i, req) : commands[i].run(k, req);
    return (struct refusal){"bad_request", "cmd: unknown"};
}

void order_take(struct keeper *k, struct str line, struct buf *out)
{
    struct refusal r = {"bad_request", "one line of JSON is needed"};
    cJSON *req = NULL;
    struct jsonw w;

    if (json_parse(line, CTL_MAX, &req) == 0)
        r = dispatch(k, req);
    cJSON_Delete(req);
    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvb(&w, "ok", r.code == NULL);
    jsonw_kvs_opt(&w, "code", str_of(r.code));
    jsonw_kvs_opt(&w, "why", str_of(r.why));
    state_fields(k, &w);
    jsonw_obj_end(&w);
    buf_ch(out, '\n');
}
