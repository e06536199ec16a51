#include <stdio.h>

#include "base/clock.h"
#include "sandbox/sb_az_sub.h"

void sb_az_time_write(const struct sb *s, struct jsonw *w, const char *key, int64_t ms, bool exact)
{
    const char *zone = s->az->set.times == SB_AZ_T_NO_ZONE ? "" : "Z";
    char iso[CLOCK_ISO], text[48];

    clock_iso(ms, iso);
    if (exact && s->az->set.times != SB_AZ_T_WHOLE)
        snprintf(text, sizeof(text), "%.19s.%03d1234%s", iso, (int)(ms % 1000), zone);
    else
        snprintf(text, sizeof(text), "%.19s%s", iso, zone);
    jsonw_kvs(w, key, str_of(text));
}

void sb_az_quantity_write(const struct sb *s, struct jsonw *w, bool seats, int64_t quantity)
{
    int64_t style = s->az->set.quantity;
    char text[24];

    if (seats && style == SB_AZ_Q_STRING) {
        snprintf(text, sizeof(text), "%lld", (long long)quantity);
        jsonw_kvs(w, "quantity", str_of(text));
    } else if (seats) {
        jsonw_kvi(w, "quantity", quantity);
    } else if (style == SB_AZ_Q_NULL) {
        jsonw_key(w, "quantity");
        jsonw_null(w);
    } else if (style == SB_AZ_Q_EMPTY) {
        jsonw_kvs(w, "quantity", STR(""));
    }
}

static void write_person(struct jsonw *w, const char *key, const struct sb_az_person *p)
{
    jsonw_key(w, key);
    jsonw_obj(w);
    jsonw_kvs(w, "emailId", str_of(p->email[0] ? p->email : p->login));
    jsonw_kvs(w, "objectId", str_of(p->oid));
    jsonw_kvs(w, "tenantId", str_of(p->tid));
    jsonw_kvs(w, "puid", str_of(p->puid));
    jsonw_obj_end(w);
}

static void write_term(const struct sb *s, struct jsonw *w, const struct sb_az_sub *sub)
{
    jsonw_key(w, "term");
    jsonw_obj(w);
    if (sub->has_term) {
        sb_az_time_write(s, w, "startDate", sub->start_ms, false);
        sb_az_time_write(s, w, "endDate", sub->end_ms, false);
    }
    jsonw_kvs(w, "termUnit", str_of(sub->plan->term));
    jsonw_obj_end(w);
}

static void write_status(const struct sb *s, struct jsonw *w, const struct sb_az_sub *sub)
{
    char text[40];
    const char *pad = s->az->set.padded ? " " : "";

    snprintf(text, sizeof(text), "%s%s%s", pad, sb_az_status(sub->status), pad);
    jsonw_kvs(w, "saasSubscriptionStatus", str_of(text));
}

void sb_az_sub_write(const struct sb *s, struct jsonw *w, const struct sb_az_sub *sub)
{
    char offer[80];

    sb_az_offer(sub, offer);
    jsonw_obj(w);
    jsonw_kvs(w, "id", str_of(sub->id));
    jsonw_kvs(w, "publisherId", str_of(sub->product->publisher));
    jsonw_kvs(w, "offerId", str_of(offer));
    jsonw_kvs(w, "name", str_of(sub->name));
    write_status(s, w, sub);
    write_person(w, "beneficiary", sub->beneficiary);
    write_person(w, "purchaser", sub->purchaser);
    jsonw_kvs(w, "planId", str_of(sub->plan->id));
    sb_az_quantity_write(s, w, sub->plan->seats, sub->quantity);
    write_term(s, w, sub);
    jsonw_kvb(w, "autoRenew", sub->auto_renew);
    jsonw_kvb(w, "isTest", sub->test);
    jsonw_kvb(w, "isFreeTrial", sub->trial);
    jsonw_key(w, "allowedCustomerOperations");
    jsonw_arr(w);
    if (!sub->reseller) {
        jsonw_str(w, STR("Delete"));
        jsonw_str(w, STR("Update"));
    }
    jsonw_str(w, STR("Read"));
    jsonw_arr_end(w);
    jsonw_kvs(w, "sandboxType", STR("None"));
    sb_az_time_write(s, w, "created", sub->created_ms, true);
    jsonw_kvs(w, "lastModified", STR("0001-01-01T00:00:00"));
    jsonw_kvs(w, "sessionMode", STR("None"));
    if (s->az->set.extra) {
        jsonw_key(w, "futureMember");
        jsonw_obj(w);
        jsonw_kvs(w, "kind", STR("unknown"));
        jsonw_obj_end(w);
    }
    jsonw_obj_end(w);
}
