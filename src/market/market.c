#include "market/market.h"

#include <errno.h>

const struct market_purchase market_purchase_none = {
    .purchase = "",
    .license = "",
    .agreement = "",
    .account = "",
    .customer = "",
    .product_code = "",
    .offer = "",
    .status = "",
    .plan = "",
    .term = "",
    .usage_id = "",
    .pending_plan = "",
    .change_id = "",
    .beneficiary = {"", "", ""},
    .purchaser = {"", "", ""},
};

const struct market_event market_event_none = {
    .dedupe = "",
    .type = "",
    .purchase = "",
    .license = "",
    .agreement = "",
    .previous_agreement = "",
    .account = "",
    .customer = "",
    .offer = "",
    .product_code = "",
    .product_id = "",
    .reason = "",
    .change_id = "",
    .plan = "",
};

static const struct market_ops *const channels[] = {&market_aws, &market_azure, &market_gcp};

static const char *const events[] = {
    [EVENT_IGNORED] = "ignored",
    [EVENT_PURCHASED] = "purchased",
    [EVENT_ENTITLEMENT_CHANGED] = "entitlement-changed",
    [EVENT_RENEWED] = "renewed",
    [EVENT_REPLACED] = "replaced",
    [EVENT_ENDING] = "ending",
    [EVENT_ENDED] = "ended",
    [EVENT_SUPERSEDED] = "superseded",
    [EVENT_FAILED] = "failed",
    [EVENT_ADVISORY] = "advisory",
    [EVENT_ADVISORY_RESOLVED] = "advisory-resolved",
    [EVENT_CHANGE_ASKED] = "change-asked",
    [EVENT_SUSPENDED] = "suspended",
    [EVENT_REINSTATED] = "reinstated",
    [EVENT_ACCOUNT] = "account",
    [EVENT_ERASE] = "erase",
};
enum { EVENTS = sizeof(events) / sizeof(*events) };

const struct market_ops *market_find(const char *channel)
{
    for (size_t i = 0; i < sizeof(channels) / sizeof(*channels); i++)
        if (str_is(str_of(channel), channels[i]->channel))
            return channels[i];
    return NULL;
}

const struct market_caps *market_caps_of(const struct market_ops *ops, const struct cfg_market *m)
{
    static const struct market_caps none;

    return ops && ops->caps ? ops->caps(m) : &none;
}

const char *market_event_name(enum market_event_kind k)
{
    return (unsigned)k < EVENTS ? events[k] : "ignored";
}

int market_event_parse(struct str name, enum market_event_kind *out)
{
    for (unsigned i = 0; i < EVENTS; i++)
        if (str_is(name, events[i])) {
            *out = (enum market_event_kind)i;
            return 0;
        }
    return -EINVAL;
}

const char *market_class_name(enum market_class c)
{
    static const char *const names[] = {
        [MARKET_OK] = "ok",           [MARKET_RETRY] = "retry",     [MARKET_CONFIG] = "config",
        [MARKET_EXPIRED] = "expired", [MARKET_INVALID] = "invalid", [MARKET_PRODUCT] = "product",
        [MARKET_GONE] = "gone",       [MARKET_REFUSED] = "refused",
    };

    return (unsigned)c < sizeof(names) / sizeof(*names) ? names[c] : "config";
}

const char *market_transport_code(int rc, enum market_class *cls)
{
    static const struct {
        int rc;
        enum market_class cls;
        const char *code;
    } rows[] = {
        {-ETIMEDOUT, MARKET_RETRY, "Timeout"},
        {-ECONNREFUSED, MARKET_RETRY, "ConnectionRefused"},
        {-EHOSTUNREACH, MARKET_RETRY, "NameNotFound"},
        {-EHOSTDOWN, MARKET_RETRY, "CircuitOpen"},
        {-EMSGSIZE, MARKET_RETRY, "ReplyTooBig"},
        {-EPROTO, MARKET_RETRY, "TruncatedReply"},
        {-ECANCELED, MARKET_RETRY, "Canceled"},
        {-EKEYREJECTED, MARKET_CONFIG, "TlsNotVerified"},
        {-EACCES, MARKET_CONFIG, "AddressRefused"},
        {-EINVAL, MARKET_CONFIG, "BadEndpoint"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].rc == rc) {
            *cls = rows[i].cls;
            return rows[i].code;
        }
    *cls = MARKET_RETRY;
    return "TransportError";
}
