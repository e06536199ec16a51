/*
 * standing_tasks: the tasks that a listing always has: keys for the front, the reconciler. Asked
 * for at every start and reload; their ids are derived, so any number of workers ask for the same.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/rand.h"
#include "worker/standing.h"
#include "worker/worker.h"

enum { SPREAD_MS = 2000 };

static void added(void *arg, int rc, const struct store_rows *rows)
{
    (void)arg;
    (void)rows;
    if (rc)
        LOG(LOG_WARN, "standing_tasks.failed", FI("rc", rc));
}

static void add(struct worker *w, const struct cfg_market *m, const char *kind, uint64_t delay_ms)
{
    char id[256], subject[160], delay[24];
    struct str args[6];

    snprintf(subject, sizeof(subject), "%s/%s", m->channel, m->name);
    snprintf(id, sizeof(id), "%s:%s", kind, subject);
    snprintf(delay, sizeof(delay), "%llu", (unsigned long long)delay_ms);
    args[0] = str_of(id);
    args[1] = str_of(kind);
    args[2] = STR("market");
    args[3] = str_of(subject);
    args[4] = str_of(delay);
    args[5] = STR("");
    store_call(w->store, 0, STORE_TASK_ADD, args, 6, added, w);
}

void standing_tasks_start(struct worker *w)
{
    struct snapshot *s = w->now;

    for (size_t i = 0; i < s->cfg->nmarkets && i < MARKETS_MAX; i++) {
        if (!s->markets[i])
            continue;
        if (s->market_ops[i]->keys)
            add(w, &s->cfg->markets[i], "keys", 0);
        if (s->market_ops[i]->list && standing_listed(&s->cfg->markets[i]))
            add(w, &s->cfg->markets[i], "reconcile", rand_below(SPREAD_MS));
    }
}
