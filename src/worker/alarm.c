/* alarm: a mail to the seller about a listing rather than an order. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/truth.h"

enum { DAY_MS = 24 * 3600 * 1000 };

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
    char id[256], subject[160], day[24];
    struct str args[6];

    snprintf(day, sizeof(day), "%lld", (long long)(clock_wall_ms() / DAY_MS));
    snprintf(subject, sizeof(subject), "%s/%s", m->channel, m->name);
    snprintf(id, sizeof(id), "mail:%s@%s:%s", subject, tag[0] ? tag : day, kind);
    args[0] = str_of(id);
    args[1] = STR("mail");
    args[2] = STR("notify");
    args[3] = str_of(subject);
    args[4] = STR("0");
    args[5] = str_sub(str_of(detail), 0, 500);
    store_call(w->store, 0, STORE_TASK_ADD, args, 6, queued, (void *)(uintptr_t)kind);
}
