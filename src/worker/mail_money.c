#include "worker/mail_money.h"

#include <string.h>

enum when {
    EARLY,   /* held, and begins with the registration */
    WAITS,   /* held or asked for: nothing has begun */
    HELD,    /* we have not even asked */
    ASKED,   /* we asked, the channel has not confirmed */
    PAYMENT, /* the channel suspended the contract */
    ENDED,
    RUNNING, /* the contract has not ended */
    NEVER    /* ended or refused before anything began */
};

/* %s is the marketplace. */
static const struct {
    const char *kind;
    enum when when;
    const char *text;
} rows[] = {
    {"registered", EARLY, "You are not charged yet. Billing starts when %s confirms."},
    {"delayed", EARLY, ""},
    {"registered", WAITS,
     "You are not charged yet. Billing starts when your environment is ready."},
    {"delayed", WAITS, "You are not charged yet. Billing starts when your environment is ready."},
    {"failed", EARLY, ""},
    {"failed", HELD,
     "You have not been charged. Billing only starts when your environment is ready."},
    {"ready", ASKED, "You are not charged yet. Billing starts when %s confirms."},
    {"suspended", PAYMENT,
     "%s has suspended your subscription, which usually means a problem with the payment. When it "
     "is settled there, your environment comes back."},
    {"suspended", ENDED,
     "Your subscription has ended. The status page says until when your data is kept."},
    {"suspended", HELD, "You have not been charged."},
    {"closed", NEVER, "You have not been charged."},
    {"closed", ENDED, "Your subscription has ended."},
    {"closed", RUNNING,
     "Your subscription has not ended by that. You can end it in %s, if it has not been ended for "
     "you."},
};

static const struct {
    const char *channel, *name;
} names[] = {{"aws", "AWS Marketplace"},
             {"azure", "Microsoft Marketplace"},
             {"gcp", "Google Cloud Marketplace"}};

static const char *marketplace(struct str channel)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_is(channel, names[i].channel))
            return names[i].name;
    return "The marketplace";
}

static bool holds(const struct mail_money *m, enum when w)
{
    bool held = str_is(m->commit, "held"), asked = str_is(m->commit, "asked");

    switch (w) {
    case EARLY:
        return m->early && (held || asked);
    case WAITS:
        return held || asked;
    case HELD:
        return held;
    case ASKED:
        return asked;
    case ENDED:
        return str_is(m->contract, "CANCELLED") || str_is(m->contract, "EXPIRED");
    case RUNNING:
        return !holds(m, ENDED);
    case NEVER:
        return held || asked || str_is(m->commit, "rejected");
    case PAYMENT:
        return str_is(m->contract, "SUSPENDED");
    }
    return false;
}

struct str mail_money_text(struct arena *a, const struct mail_money *m)
{
    const char *name = marketplace(m->channel), *at;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(rows[i].kind, m->kind) != 0 || !holds(m, rows[i].when))
            continue;
        at = strstr(rows[i].text, "%s");
        if (rows[i].text[0] == '\0')
            break;
        if (!at)
            return str_of(arena_fmt(a, "%s\n\n", rows[i].text));
        return str_of(
            arena_fmt(a, "%.*s%s%s\n\n", (int)(at - rows[i].text), rows[i].text, name, at + 2));
    }
    return str_make(NULL, 0);
}
