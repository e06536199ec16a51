#include "market/azure.h"

static bool same_tenant(const struct market_identity *who, const struct market_person *p)
{
    return azure_same(who->tenant, p->tenant);
}

static bool same_person(const struct market_identity *who, const struct market_person *p)
{
    return same_tenant(who, p) && azure_same(who->object, p->object);
}

bool azure_may_claim(const struct cfg_market *cfg, const struct market_identity *who,
                     const struct market_purchase *p)
{
    bool personal = str_ieq(str_of(who->tenant), STR(AZURE_PERSONAL_TENANT));

    if (!*who->tenant || !*who->object)
        return false;
    if (cfg->azure.sign_in_match == CFG_MATCH_ANY)
        return true;
    if (same_person(who, &p->beneficiary) || same_person(who, &p->purchaser))
        return true;
    return cfg->azure.sign_in_match == CFG_MATCH_TENANT && !personal &&
           (same_tenant(who, &p->beneficiary) || same_tenant(who, &p->purchaser));
}
