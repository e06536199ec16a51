/* EventBridge events of source aws.agreement-marketplace, made canonical. Seller guide: "SaaS
 * product integration with EventBridge", "Amazon EventBridge events". */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "market/aws.h"

enum { EVENT_MAX = 1 << 20, FIELD_MAX = 1024 };

struct meaning {
    const char *word;
    enum market_event_kind kind;
};

/* agreement.intent of Created. An unknown one is a reason to look, not to guess. */
static const struct meaning intents[] = {
    {"NEW", EVENT_PURCHASED},
    {"RENEW", EVENT_RENEWED},
    {"REPLACE", EVENT_REPLACED},
    {NULL, EVENT_ENTITLEMENT_CHANGED},
};

/* agreement.status of Ended. */
static const struct meaning statuses[] = {
    {"CANCELLED", EVENT_ENDED},        {"EXPIRED", EVENT_ENDED},
    {"TERMINATED", EVENT_ENDED},       {"ARCHIVED", EVENT_ENDED},
    {"RENEWED", EVENT_SUPERSEDED},     {"REPLACED", EVENT_SUPERSEDED},
    {"SUPERSEDED", EVENT_SUPERSEDED},  {"ROLLED_BACK", EVENT_SUPERSEDED},
    {NULL, EVENT_ENTITLEMENT_CHANGED},
};

struct type {
    const char *name; /* without " - Proposer" and the like; a final * matches any rest */
    enum market_event_kind kind;
    const char *reason;
    const char *member;            /* of detail.agreement: decides by the table */
    const struct meaning *members; /* and is the reason */
    bool license;                  /* must name one */
    bool grants;
};

static const struct type types[] = {
    {"Purchase Agreement Created", 0, "", "intent", intents, false, false},
    {"Purchase Agreement Amended", EVENT_ENTITLEMENT_CHANGED, "AMEND", NULL, NULL, false, false},
    {"Purchase Agreement Ended", 0, "", "status", statuses, false, false},
    {"License Updated", EVENT_ENTITLEMENT_CHANGED, "LICENSE_UPDATED", NULL, NULL, true, true},
    {"License Deprovisioned", EVENT_ENDED, "DEPROVISIONED", NULL, NULL, true, false},
    {"Purchase Agreement Advisory Issued", EVENT_ADVISORY, "ADVISORY", NULL, NULL, false, false},
    {"Purchase Agreement Advisory Resolved", EVENT_ADVISORY_RESOLVED, "ADVISORY", NULL, NULL, false,
     false},
    {"Purchase Agreement Ending*", EVENT_ENDING, "AGREEMENT_ENDING", NULL, NULL, false, false},
    {"Purchase Agreement Renewal Upcoming", EVENT_ENDING, "RENEWAL_UPCOMING", NULL, NULL, false,
     false},
    {"Purchase Agreement Renewal Terms Finalized", EVENT_ENDING, "RENEWAL_TERMS", NULL, NULL, false,
     false},
    {"Purchase Agreement Vet Failed", EVENT_ADVISORY, "VET_FAILED", NULL, NULL, false, false},
};

static bool type_is(struct str name, const char *pattern)
{
    struct str p = str_of(pattern);

    if (p.n && p.p[p.n - 1] == '*')
        return str_starts(name, str_sub(p, 0, p.n - 1));
    return str_eq(name, p);
}

static const struct type *find_type(struct str full)
{
    const char *dash = memmem(full.p, full.n, " - ", 3);
    struct str name = dash ? str_make(full.p, (size_t)(dash - full.p)) : full;

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (type_is(name, types[i].name))
            return &types[i];
    return NULL;
}

static enum market_event_kind meaning(const struct meaning *m, struct str word)
{
    while (m->word && !str_is(word, m->word))
        m++;
    return m->kind;
}

/* "" for what is absent, too long or not plain text: nothing of the kind is an id. */
static const char *text(struct arena *a, const cJSON *obj, const char *key)
{
    struct str s = json_str(obj, key);

    return s.n <= FIELD_MAX && str_text(s) ? aws_keep(a, s) : "";
}

static const char *either(const char *a, const char *b)
{
    return *a ? a : b;
}

static int64_t when(const cJSON *obj, const char *key)
{
    int64_t ms = 0;

    return clock_parse_iso(json_str(obj, key), &ms) ? 0 : ms;
}

/* "arn:aws:aws-marketplace::aws:agreement:agmt-..." */
static const char *agreement_of(const cJSON *j, const cJSON *agreement, struct arena *a)
{
    const cJSON *first = cJSON_GetArrayItem(json_arr(j, "resources"), 0);
    const char *id = text(a, agreement, "id");
    struct str arn = cJSON_IsString(first) ? str_of(first->valuestring) : str_make(NULL, 0);
    ptrdiff_t at = str_rchr(arn, ':');

    if (*id || at < 0 || arn.n > FIELD_MAX || !str_text(arn))
        return id;
    return aws_keep(a, str_from(arn, (size_t)at + 1));
}

static void take_ids(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                     struct market_event *e)
{
    const cJSON *d = json_obj(j, "detail"), *agreement = json_obj(d, "agreement");
    const cJSON *product = json_obj(d, "product"), *license = json_obj(d, "license");

    e->agreement = agreement_of(j, agreement, a);
    e->previous_agreement = text(a, agreement, "previousAgreementId");
    e->account =
        either(text(a, json_obj(d, "acceptor"), "accountId"), text(a, agreement, "acceptorId"));
    e->offer = either(text(a, json_obj(d, "offer"), "id"), text(a, agreement, "offerId"));
    e->product_code = text(a, product, "code");
    e->product_id = either(text(a, product, "id"), text(a, agreement, "productId"));
    e->license = text(a, license, "arn");
    if (cfg->mode == CFG_CONCURRENT)
        e->purchase = aws_license_id(a, str_of(e->license));
    e->starts_ms = when(agreement, "startTime");
    e->ends_ms = when(agreement, "endTime");
}

static const char *dedupe_of(const cJSON *j, struct arena *a)
{
    const char *request = text(a, json_obj(j, "detail"), "requestId"), *key;

    if (!*request)
        return text(a, j, "id");
    key = arena_fmt(a, "%s|%s", request, text(a, j, "detail-type"));
    return key ? key : "";
}

static int parse_bridge(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                        struct market_event *e, const char **why)
{
    const cJSON *detail = json_obj(j, "detail");
    const struct type *t;
    struct str word;

    e->type = text(a, j, "detail-type");
    e->dedupe = dedupe_of(j, a);
    *why = "no detail, id or time";
    if (!detail || !*e->type || !*e->dedupe || clock_parse_iso(json_str(j, "time"), &e->time_ms))
        return -EBADMSG;
    take_ids(cfg, j, a, e);
    t = find_type(str_of(e->type));
    if (!t)
        return 0;
    *why = "no agreement id";
    if (!*e->agreement)
        return -EBADMSG;
    *why = "no licence id";
    if (t->license && !*aws_license_id(a, str_of(e->license)))
        return -EBADMSG;
    word = t->member ? json_str(json_obj(detail, "agreement"), t->member) : str_make(NULL, 0);
    e->kind = t->members ? meaning(t->members, word) : t->kind;
    e->reason = t->members ? text(a, json_obj(detail, "agreement"), t->member) : t->reason;
    e->grants = t->grants;
    return 0;
}

int aws_event_parse(const struct cfg_market *cfg, struct sns_trust *trust, struct str body,
                    struct arena *a, struct market_event *out, const char **why)
{
    cJSON *j;
    int rc;

    *out = market_event_none;
    *why = "not JSON";
    if (json_parse(body, EVENT_MAX, &j))
        return -EBADMSG;
    *why = "neither an agreement event nor a listing's notification";
    if (str_is(json_str(j, "source"), "aws.agreement-marketplace"))
        rc = parse_bridge(cfg, j, a, out, why);
    else if (sns_is_envelope(j))
        rc = aws_event_envelope(cfg, trust, j, a, out, why);
    else
        rc = aws_event_bare(cfg, j, a, out, why);
    cJSON_Delete(j);
    if (rc == 0)
        *why = "";
    return rc;
}
