#include "sandbox/sb_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_sns.h"

#define RESELLER "210987654321"
#define BODY_MAX 16384

/* Proposer: to the seller as a contract party; Manufacturer: to him as owner of the product. In a
 * sale through a channel partner every event is of the second sort. */
static const struct {
    const char *name;
    bool manufacturer;
} kinds[SB_EVENTS] = {
    [SB_EVENT_CREATED] = {"Purchase Agreement Created", false},
    [SB_EVENT_AMENDED] = {"Purchase Agreement Amended", false},
    [SB_EVENT_ENDED] = {"Purchase Agreement Ended", false},
    [SB_EVENT_LICENSE_UPDATED] = {"License Updated", true},
    [SB_EVENT_DEPROVISIONED] = {"License Deprovisioned", true},
    [SB_EVENT_ADVISORY_ISSUED] = {"Purchase Agreement Advisory Issued", true},
    [SB_EVENT_ADVISORY_RESOLVED] = {"Purchase Agreement Advisory Resolved", true},
};

static void kv_time(struct jsonw *w, const char *key, int64_t ms)
{
    char iso[CLOCK_ISO];

    clock_iso(ms, iso);
    jsonw_kvs(w, key, str_of(iso));
}

static void kv_id(struct jsonw *w, const char *outer, const char *key, const char *value)
{
    jsonw_key(w, outer);
    jsonw_obj(w);
    jsonw_kvs(w, key, str_of(value));
    jsonw_obj_end(w);
}

static void write_agreement(struct jsonw *w, const struct sb_purchase *p, enum sb_event kind,
                            const struct sb_event_opt *opt)
{
    bool terms = kind == SB_EVENT_CREATED || kind == SB_EVENT_AMENDED;

    jsonw_key(w, "agreement");
    jsonw_obj(w);
    jsonw_kvs(w, "id", str_of(p->agreement));
    if (terms)
        jsonw_kvs(w, "intent", str_of(opt->intent));
    if (terms || kind == SB_EVENT_ENDED)
        jsonw_kvs(w, "status", str_of(sb_purchase_status(p->status)));
    if (terms) {
        kv_time(w, "acceptanceTime", p->accepted_ms);
        kv_time(w, "startTime", p->start_ms);
    }
    if (terms && p->end_ms)
        kv_time(w, "endTime", p->end_ms);
    if (kind == SB_EVENT_AMENDED)
        jsonw_kvb(w, "autoRenewalEnabled", p->auto_renew);
    if (kind == SB_EVENT_CREATED && opt->link && p->previous[0])
        jsonw_kvs(w, "previousAgreementId", str_of(p->previous));
    jsonw_obj_end(w);
}

static void write_product(struct jsonw *w, const struct sb_purchase *p, enum sb_event kind,
                          const struct sb_event_opt *opt)
{
    bool license = kind == SB_EVENT_LICENSE_UPDATED || kind == SB_EVENT_DEPROVISIONED;
    bool named = kind == SB_EVENT_AMENDED || (kind == SB_EVENT_CREATED && opt->link);
    bool advisory = kind == SB_EVENT_ADVISORY_ISSUED || kind == SB_EVENT_ADVISORY_RESOLVED;

    if (!license && !named && !advisory)
        return;
    jsonw_key(w, "product");
    jsonw_obj(w);
    if (license)
        jsonw_kvs(w, "code", str_of(p->product->code));
    jsonw_kvs(w, "id", str_of(p->product->id));
    if (named)
        jsonw_kvs(w, "title", str_of(p->product->title));
    jsonw_obj_end(w);
}

static void write_extra(struct sb *s, struct jsonw *w, const struct sb_purchase *p,
                        enum sb_event kind)
{
    char arn[160];

    if (kind == SB_EVENT_LICENSE_UPDATED || kind == SB_EVENT_DEPROVISIONED) {
        /* The documents print the ARN without "arn:" and with other parts; see the pitfall list. */
        bool doc = sb_fault_event(s, kinds[kind].name, SB_FAULT_DOC_ARN, NULL);
        snprintf(arn, sizeof(arn), "aws:license-manager:us-east-1:294406891311:%s", p->license);
        kv_id(w, "license", "arn", doc ? arn : p->license_arn);
    }
    if (kind == SB_EVENT_ADVISORY_ISSUED || kind == SB_EVENT_ADVISORY_RESOLVED) {
        jsonw_key(w, "advisory");
        jsonw_obj(w);
        kv_time(w, kind == SB_EVENT_ADVISORY_ISSUED ? "issuedAt" : "resolvedAt", sb_core_now(s));
        jsonw_obj_end(w);
    }
    if (kind == SB_EVENT_AMENDED && p->end_ms) {
        jsonw_key(w, "renewalSummary");
        jsonw_obj(w);
        kv_time(w, "lockoutStartTime", p->end_ms - 31 * (int64_t)SB_DAY_MS);
        jsonw_key(w, "disabledBy");
        jsonw_null(w);
        jsonw_obj_end(w);
    }
    if (p->cppo && kind == SB_EVENT_CREATED)
        kv_id(w, "resaleAuthorization", "id", "resaleauthz-sandbox000000");
}

static void write_event(struct sb *s, struct jsonw *w, const struct sb_purchase *p,
                        enum sb_event kind, const struct sb_event_opt *opt, const char *type)
{
    char id[SB_ID_UUID], arn[160];

    jsonw_obj(w);
    jsonw_kvs(w, "version", STR("0"));
    sb_id_uuid(id);
    jsonw_kvs(w, "id", str_of(id));
    jsonw_kvs(w, "detail-type", str_of(type));
    jsonw_kvs(w, "source", STR("aws.agreement-marketplace"));
    jsonw_kvs(w, "account", str_of(s->conf.seller));
    kv_time(w, "time", sb_core_now(s) + opt->after_ms);
    jsonw_kvs(w, "region", STR("us-east-1"));
    jsonw_key(w, "resources");
    jsonw_arr(w);
    snprintf(arn, sizeof(arn), "arn:aws:aws-marketplace::aws:agreement:%s", p->agreement);
    jsonw_str(w, str_of(arn));
    jsonw_arr_end(w);
    jsonw_key(w, "detail");
    jsonw_obj(w);
    sb_id_uuid(id);
    jsonw_kvs(w, "requestId", str_of(id));
    jsonw_kvs(w, "catalog", STR("AWSMarketplace"));
    write_agreement(w, p, kind, opt);
    kv_id(w, "acceptor", "accountId", p->account);
    kv_id(w, "proposer", "accountId", p->cppo ? RESELLER : s->conf.seller);
    kv_id(w, "offer", "id", p->offer);
    write_product(w, p, kind, opt);
    write_extra(s, w, p, kind);
    jsonw_obj_end(w);
    jsonw_obj_end(w);
}

void sb_event_send(struct sb *s, const struct sb_purchase *p, enum sb_event kind,
                   const struct sb_event_opt *opt)
{
    static const struct sb_event_opt plain = {.intent = "NEW"};
    struct jsonw w;
    struct buf b;
    char type[96];

    if (!opt)
        opt = &plain;
    if (p->product->mode == SB_MODE_LEGACY) {
        sb_sns_send(s, p, kind, opt);
        return;
    }
    snprintf(type, sizeof(type), "%s - %s", kinds[kind].name,
             kinds[kind].manufacturer || p->cppo ? "Manufacturer" : "Proposer");
    buf_init(&b, BODY_MAX);
    jsonw_init(&w, &b);
    write_event(s, &w, p, kind, opt, type);
    if (buf_err(&b) == 0)
        sb_event_put(s, buf_view(&b), p->id, type, opt->after_ms);
    buf_free(&b);
}

/* A message that was held back to come after its successor. */
static void release_held(struct sb *s, int64_t now)
{
    for (size_t i = 0; i < s->queue.msgs.n; i++) {
        struct sb_queue_msg *m = s->queue.msgs.p[i];
        if (!m->held)
            continue;
        m->held = false;
        m->due_ms = now;
        sb_queue_last(&s->queue, m);
    }
}

int sb_event_put(struct sb *s, struct str body, const char *purchase, const char *label,
                 int64_t after_ms)
{
    int64_t now = sb_core_now(s);
    struct sb_queue_put m = {body, purchase, label, now, now + after_ms};
    struct sb_fault f;
    size_t copies = 1;

    if (sb_fault_event(s, label, SB_FAULT_DROP, NULL)) {
        sb_ledger_add(&s->ledger, now, "event", purchase, "dropped", label);
        return 0;
    }
    if (sb_fault_event(s, label, SB_FAULT_DELAY, &f))
        m.due_ms += (int64_t)f.ms;
    if (sb_fault_event(s, label, SB_FAULT_DUPLICATE, &f))
        copies += f.n;
    bool hold = sb_fault_event(s, label, SB_FAULT_REORDER, &f);
    for (size_t i = 0; i < copies; i++) {
        struct sb_queue_msg *stored = sb_queue_put(&s->queue, &m);
        if (!stored)
            return -ENOBUFS;
        if (hold) {
            stored->held = true;
            stored->due_ms += (int64_t)f.ms;
        }
        sb_ledger_add(&s->ledger, now, "event", purchase, hold ? "held" : "queued", label);
    }
    if (!hold)
        release_held(s, now);
    s->dirty = true;
    sb_core_announce(s);
    return 0;
}

void sb_event_withdraw(struct sb *s, const char *purchase, const char *label)
{
    for (size_t i = s->queue.msgs.n; i-- > 0;) {
        const struct sb_queue_msg *m = s->queue.msgs.p[i];
        if (!strcmp(m->purchase, purchase) && !strcmp(m->label, label) && m->receives == 0)
            sb_vec_del(&s->queue.msgs, i);
    }
}
