/*
 * refresh_truth: one order of a channel that has its own record of each purchase (azure, gcp).
 *
 * Goes on asking while something is on its way: an accepted change, a charge that we asked to
 * begin, a start at a later time, an end that must be erased. Else it is done, and the resync asks
 * again after `worker.refresh`.
 */
#include "base/log.h"
#include "worker/kinds.h"
#include "worker/truth.h"

enum {
    STALE_MAX_MS = 60 * 1000,
    ASK_MIN_MS = 2000,
    ASK_MAX_MS = 3600 * 1000,
    USAGE_MS = 3600 * 1000,
    ERASE_TRIES = 72
};

/* Soon at first, then as often as a quarter of the time that it has taken. */
static void ask_later(struct truth *x, int64_t since)
{
    int64_t ms = (x->now.now - since) / 4;

    task_wait(x->t, (uint64_t)(ms < ASK_MIN_MS ? ASK_MIN_MS : ms > ASK_MAX_MS ? ASK_MAX_MS : ms));
}

/* A buyer or we wait for the channel, and no event is sure to come. */
static bool begins_soon(const struct truth *x)
{
    if (!x->now.registered && !x->now.unattended)
        return false;
    if (x->p.standing == STANDING_SCHEDULED)
        return true;
    return x->p.standing == STANDING_HELD && !str_is(x->now.commit, "held") && x->now.commit.n;
}

/* Something newer was written; by a worker whose clock is ahead of ours, for a while more. */
static uint64_t stale_ms(const struct truth *x)
{
    int64_t ahead = x->now.at - x->p.read_ms;

    return (uint64_t)(ahead < ASK_MIN_MS     ? ASK_MIN_MS
                      : ahead > STALE_MAX_MS ? STALE_MAX_MS
                                             : ahead);
}

/* Not every listing has it: an hour of asking is enough. */
static bool lacks_usage(const struct truth *x)
{
    int64_t since = x->now.at_asked ? x->now.at_asked : x->now.created;

    return standing_lacks_usage(x->cfg, &x->p) && x->now.now - since < USAGE_MS;
}

static void done(struct truth *x)
{
    struct task *t = x->t;

    if (x->end != TRUTH_WRITTEN)
        task_done(t);
    else if (x->erase && x->p.standing != STANDING_ENDED && t->tries >= ERASE_TRIES)
        task_dead(t, "STUCK", "to be erased, but the channel says that it runs");
    else if (x->erase && x->p.standing != STANDING_ENDED)
        task_retry(t, "WAIT", "to be erased when it has ended", ASK_MAX_MS);
    else if (x->stale)
        task_wait(t, stale_ms(x));
    else if (x->awaits)
        ask_later(x, x->unknown         ? x->now.gone_since
                     : x->now.change_at ? x->now.change_at
                                        : x->now.now);
    else if (begins_soon(x) || lacks_usage(x))
        ask_later(x, x->now.at_asked        ? x->now.at_asked
                     : x->now.at_registered ? x->now.at_registered
                                            : x->now.created);
    else
        task_done(t);
}

void refresh_truth(struct task *t, const struct store_rows *rows)
{
    struct truth *x = truth_new(t, store_get(rows, "o.channel"), store_get(rows, "o.product"),
                                store_get(rows, "o.purchase"));

    if (!x)
        return;
    x->order = t->subject;
    x->shard = t->shard;
    x->erase = x->ended = str_is(t->data, "erase");
    x->done = done;
    truth_ask(x);
}
