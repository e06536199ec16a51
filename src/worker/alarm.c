/* alarm: a mail to the seller about a listing rather than an order. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/truth.h"

enum { DAY_MS = 24 * 3600 * 1000, ARGS = 6 };

struct alarm {
    char id[256], subject[160];
    struct str args[ARGS];
};

static void build(struct alarm *m, const struct cfg_market *cfg, const char *kind, const char *tag,
                  const char *detail)
{
    snprintf(m->subject, sizeof(m->subject), "%s/%s", cfg->channel, cfg->name);
    snprintf(m->id, sizeof(m->id), "mail:%s@%s:%s", m->subject, tag, kind);
    m->args[0] = str_of(m->id);
    m->args[1] = STR("mail");
    m->args[2] = STR("notify");
    m->args[3] = str_of(m->subject);
    m->args[4] = STR("0");
    m->args[5] = str_sub(str_of(detail), 0, 500);
}

static void queued(void *arg, int rc, const struct store_rows *rows)
{
    const char *kind = arg;

    if (rc)
        LOG(LOG_ERROR, "alarm.lost", F("kind", kind), FI("rc", rc));
    else if (str_is(store_get(rows, "changed"), "1"))
        LOG(LOG_ERROR, "alarm.raised", F("kind", kind));
}

void alarm_raise(struct worker *w, const struct cfg_market *m, const char *kind, const char *tag,
                 const char *detail)
{
    struct alarm one = {.id = ""};
    char day[24];

    snprintf(day, sizeof(day), "%lld", (long long)(clock_wall_ms() / DAY_MS));
    build(&one, m, kind, tag[0] ? tag : day, detail);
    store_call(w->store, 0, STORE_TASK_ADD, one.args, ARGS, queued, (void *)(uintptr_t)kind);
}

void alarm_once(struct task *t, const struct cfg_market *m, const char *kind, const char *tag,
                const char *detail, task_cont *next)
{
    struct alarm *one = arena_alloc(t->arena, sizeof(*one));

    if (!one) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    build(one, m, kind, tag, detail);
    task_store(t, 0, STORE_TASK_ADD, one->args, ARGS, next);
}
