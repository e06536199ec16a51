#include "worker/mail_coming.h"

#include <time.h>

static struct str title(const struct cfg_market *market, struct str name)
{
    const struct cfg_plan *p = market ? config_plan(market, name) : NULL;

    return p ? str_of(p->title) : name;
}

/* "on 3 March 2027" */
static const char *when(struct arena *a, int64_t ms)
{
    time_t sec = (time_t)(ms / 1000);
    char text[40];
    struct tm tm;

    if (ms == 0 || !gmtime_r(&sec, &tm) || strftime(text, sizeof(text), "%B %Y", &tm) == 0)
        return "at the end of your current billing period";
    return arena_fmt(a, "on %d %s", tm.tm_mday, text);
}

static const char *sentence(struct arena *a, const struct cfg_market *market,
                            const struct coming *c)
{
    struct str next = title(market, c->plan), today = title(market, c->today);
    const char *at = when(a, c->at_ms);
    unsigned long long n = (unsigned long long)c->quantity;

    if (!at)
        return NULL;
    if (c->plan.n == 0)
        return arena_fmt(a, "Your quantity changes to %llu %s. Until then nothing changes.\n\n", n,
                         at);
    if (n)
        return arena_fmt(a,
                         "Your subscription changes to plan %.*s with a quantity of %llu %s. Until "
                         "then you keep plan %.*s.\n\n",
                         STR_FMT(next), n, at, STR_FMT(today));
    return arena_fmt(a, "Your plan changes to %.*s %s. Until then you keep plan %.*s.\n\n",
                     STR_FMT(next), at, STR_FMT(today));
}

struct str mail_coming_text(struct arena *a, const struct cfg_market *market,
                            const struct coming *c)
{
    const char *s = c->plan.n || c->quantity ? sentence(a, market, c) : NULL;

    return str_of(s ? s : "");
}
