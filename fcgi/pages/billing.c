#include "pages/billing.h"

#include "pages/channel.h"

enum {
    ENDED = 1 << 0,
    HELD = 1 << 1,
    ASKED = 1 << 2,   /* of the held: we asked the channel to begin */
    BY_HAND = 1 << 3, /* of the held: begins when the seller approves */
    EARLY = 1 << 4,   /* of the held: begins with the registration */
    PAYMENT = 1 << 5, /* the channel suspended the contract */
    OFF = 1 << 6,
    TROUBLE = 1 << 7,
    READY = 1 << 8,
    SCHEDULED = 1 << 9, /* begins later */
    DATED = 1 << 10,    /* and when is known */
    OPEN = 1 << 11,     /* not confirmed by the channel */
    LAST = 1 << 12,     /* will not renew, and when it ends is known */
    TRIAL = 1 << 13,
    UNTIL = 1 << 14,   /* when the trial ends is known */
    AT_ONCE = 1 << 15, /* the channel could have waited for us and did not */
    USAGE = 1 << 16,   /* nothing but what is used is charged */
    DECLINED = 1 << 17,
    RUNNING = 1 << 18, /* the contract has not ended */
    GONE = 1 << 19     /* the environment has been deleted, or is */
};

/* The first row of which all is true. */
static const struct {
    unsigned all;
    const char *key;
} rows[] = {
    {DECLINED, "declined"},
    {ENDED | HELD, "never"},
    {ENDED, "ended"},
    {GONE | HELD, "declined"},
    {GONE | RUNNING, "removed"},
    {PAYMENT, "payment"},
    {OFF | HELD | ASKED, "asked"},
    {HELD | TROUBLE, "held_failed"},
    {HELD | ASKED, "asked"},
    {HELD | BY_HAND, "held_by_hand"},
    {HELD | EARLY, "held_early"},
    {HELD | TRIAL, "held_trial"},
    {HELD, "held"},
    {OFF, "suspended"},
    {SCHEDULED | DATED, "scheduled"},
    {SCHEDULED, "activating"},
    {OPEN, "open"},
    {TROUBLE | READY, "kept"},
    {TRIAL | LAST, "trial_last"},
    {TRIAL | UNTIL, "trial_until"},
    {TRIAL, "trial"},
    {LAST, "last"},
    {AT_ONCE, "at_once"},
    {USAGE | READY, "used"},
    {USAGE, "usage"},
    {0, "contract"},
};

bool billing_held(const struct billing *b)
{
    return str_is(b->commit, "held") || str_is(b->commit, "asked");
}

static unsigned bit(bool truth, unsigned mask)
{
    return truth ? mask : 0;
}

static unsigned facts(const struct billing *b)
{
    const struct channel *c = channel_find(b->market->channel);
    enum cfg_commit when = b->plan ? b->plan->commit : CFG_COMMIT_HEALTHY;
    bool open = b->contract == CONTRACT_PENDING, held = billing_held(b);
    bool later = b->starts > b->now || str_is(b->standing, "scheduled");
    bool running = b->contract == CONTRACT_ACTIVE;
    bool over = b->contract == CONTRACT_CANCELLED || b->contract == CONTRACT_EXPIRED;
    bool ahead = b->ends > b->now; /* a day that is over says nothing about today */

    return bit(over, ENDED) | bit(!over, RUNNING) | bit(b->gone, GONE) |
           bit(b->declined, DECLINED) | bit(held, HELD) | bit(str_is(b->commit, "asked"), ASKED) |
           bit(when == CFG_COMMIT_MANUAL, BY_HAND) | bit(when == CFG_COMMIT_REGISTERED, EARLY) |
           bit(b->contract == CONTRACT_SUSPENDED, PAYMENT) | bit(b->off, OFF) |
           bit(b->trouble, TROUBLE) | bit(b->was_ready, READY) |
           bit(later && (open || running), SCHEDULED) | bit(b->starts > b->now, DATED) |
           bit(open, OPEN) | bit(b->no_renewal && ahead, LAST) |
           bit(b->trial && (ahead || b->ends == 0), TRIAL) | bit(ahead, UNTIL) |
           bit(c && c->holds && running && b->commit.n == 0, AT_ONCE) |
           bit(!b->market->contract, USAGE);
}

const char *billing_key(const struct billing *b)
{
    unsigned have;
    size_t i = 0;

    if (!b->market)
        return "";
    have = facts(b);
    while ((have & rows[i].all) != rows[i].all) /* the last row asks for nothing */
        i++;
    return rows[i].key;
}
