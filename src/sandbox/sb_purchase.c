#include "sandbox/sb_purchase.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sb_event.h"
#include "sandbox/sb_id.h"

#define LICENSE_ACCOUNT "294406891311"
#define CONTRACT_DAYS   365

static const char *const status_names[SB_STATUSES] = {
    [SB_ACTIVE] = "ACTIVE",         [SB_CANCELLED] = "CANCELLED", [SB_EXPIRED] = "EXPIRED",
    [SB_TERMINATED] = "TERMINATED", [SB_RENEWED] = "RENEWED",     [SB_REPLACED] = "REPLACED",
};

const char *sb_purchase_status(enum sb_status st)
{
    return status_names[st];
}

struct sb_purchase *sb_purchase_by_license(const struct sb *s, struct str arn)
{
    for (size_t i = 0; i < s->purchases.n; i++) {
        struct sb_purchase *p = s->purchases.p[i];
        if (str_is(arn, p->license_arn) && p->product->mode == SB_MODE_CONCURRENT)
            return p;
    }
    return NULL;
}

struct sb_purchase *sb_purchase_find(const struct sb *s, struct str id)
{
    for (size_t i = 0; i < s->purchases.n; i++) {
        struct sb_purchase *p = s->purchases.p[i];
        if (str_is(id, p->id) || str_is(id, p->agreement) ||
            (id.n > 2 && str_ends(id, str_of(p->license))))
            return p;
    }
    return NULL;
}

bool sb_purchase_entitled(const struct sb *s, const struct sb_purchase *p)
{
    return p->status == SB_ACTIVE && sb_core_now(s) >= p->provisioned_ms;
}

static void note(struct sb *s, const struct sb_purchase *p, const char *op)
{
    sb_ledger_add(&s->ledger, sb_core_now(s), op, p->id, status_names[p->status], p->agreement);
    s->dirty = true;
}

/* The customer identifier is the same for all purchases of an account. */
static void name_customer(const struct sb *s, struct sb_purchase *p)
{
    for (size_t i = 0; i < s->purchases.n; i++) {
        const struct sb_purchase *o = s->purchases.p[i];
        if (o->customer[0] && str_is(str_of(o->account), p->account)) {
            snprintf(p->customer, sizeof(p->customer), "%s", o->customer);
            return;
        }
    }
    sb_id_alnum("", 11, p->customer, sizeof(p->customer));
}

static struct sb_purchase *make(struct sb *s, const struct sb_product *product,
                                const struct sb_plan *plan, int64_t quantity, struct str account)
{
    struct sb_purchase *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->product = product;
    p->plan = plan;
    p->quantity = quantity > 0 ? quantity : plan->quantity;
    p->auto_renew = product->auto_renew;
    str_copy(account, p->account, sizeof(p->account));
    sb_id_alnum("agmt-", 25, p->agreement, sizeof(p->agreement));
    sb_id_hex("l-", 32, p->license, sizeof(p->license));
    sb_id_alnum("offer-", 13, p->offer, sizeof(p->offer));
    snprintf(p->license_arn, sizeof(p->license_arn),
             "arn:aws:license-manager::" LICENSE_ACCOUNT ":license:%s", p->license);
    if (product->mode == SB_MODE_LEGACY)
        name_customer(s, p);
    p->accepted_ms = p->start_ms = p->provisioned_ms = sb_core_now(s);
    if (sb_vec_add(&s->purchases, p)) {
        free(p);
        return NULL;
    }
    snprintf(p->id, sizeof(p->id), "p%u", s->next_purchase++);
    return p;
}

static bool digits12(struct str s)
{
    bool ok = s.n == 12;

    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] >= '0' && s.p[i] <= '9';
    return ok;
}

/* NULL when the account may buy; else the reason, with -EEXIST in *rc. */
static const char *refused(const struct sb *s, const struct sb_buy *b, struct str account, int *rc)
{
    *rc = -EEXIST;
    for (size_t i = 0; i < s->purchases.n; i++) {
        const struct sb_purchase *o = s->purchases.p[i];
        if (b->agreement.n && str_is(b->agreement, o->agreement))
            return "this agreement id is taken";
        if (o->product != b->product || !str_is(account, o->account))
            continue;
        if (b->product->mode == SB_MODE_LEGACY && o->status == SB_ACTIVE)
            return "this account already subscribes to the product";
        if (b->trial && o->trial)
            return "this account has had its free trial of the product";
    }
    *rc = -EINVAL;
    if (b->trial && b->product->trial_days == 0)
        return "the product has no free trial";
    if (!digits12(account))
        return "an AWS account id has twelve digits";
    if (b->agreement.n && !str_starts(b->agreement, STR("agmt-")))
        return "an agreement id begins with agmt-";
    if (b->agreement.n > 60 || b->quantity < 0 || b->quantity > 1000000000)
        return "agreement or quantity is out of range";
    if (b->days < 0 || b->days > 3660 || b->settle_ms < 0 || b->start_in_ms < 0)
        return "a duration is out of range";
    *rc = 0;
    return NULL;
}

static int64_t end_of(const struct sb_purchase *p, int64_t days)
{
    if (p->trial)
        return p->start_ms + p->product->trial_days * SB_DAY_MS;
    if (!sb_product_entitles(p->product))
        return 0;
    return p->start_ms + (days ? days : CONTRACT_DAYS) * (int64_t)SB_DAY_MS;
}

int sb_purchase_buy(struct sb *s, const struct sb_buy *b, struct sb_purchase **out,
                    const char **why)
{
    struct str account = b->account.n ? b->account : STR(SB_DEFAULT_ACCOUNT);
    struct sb_event_opt opt = {.intent = "NEW", .fail = b->fail};
    int rc;

    *why = refused(s, b, account, &rc);
    if (*why)
        return rc;
    struct sb_purchase *p = make(s, b->product, b->plan, b->quantity, account);
    *why = "too many purchases";
    if (!p)
        return -ENOBUFS;
    if (b->agreement.n)
        str_copy(b->agreement, p->agreement, sizeof(p->agreement));
    p->trial = b->trial;
    p->cppo = b->cppo;
    p->start_ms += b->start_in_ms;
    p->provisioned_ms = p->start_ms + b->settle_ms;
    p->end_ms = end_of(p, b->days);
    for (size_t i = 0; p->customer[0] && i < s->purchases.n; i++) {
        const struct sb_purchase *o = s->purchases.p[i];
        if (o->product == p->product && str_is(account, o->account))
            sb_event_withdraw(s, o->id, "unsubscribe-success");
    }
    if (b->fail) {
        p->status = SB_TERMINATED;
        p->ended_ms = sb_core_now(s);
    }
    note(s, p, b->trial ? "subscribe-trial" : "subscribe");
    sb_event_send(s, p, SB_EVENT_CREATED, &opt);
    opt.after_ms = p->provisioned_ms - p->accepted_ms;
    if (!b->fail)
        sb_event_send(s, p, SB_EVENT_LICENSE_UPDATED, &opt);
    *out = p;
    return 0;
}

static void end(struct sb *s, struct sb_purchase *p, enum sb_status st, const char *op)
{
    p->status = st;
    p->ended_ms = sb_core_now(s);
    if (p->start_ms > p->ended_ms) /* it never began: no licence will be handed out */
        sb_event_withdraw(s, p->id, "License Updated - Manufacturer");
    note(s, p, op);
    sb_event_send(s, p, SB_EVENT_ENDED, NULL);
    sb_event_send(s, p, SB_EVENT_DEPROVISIONED, NULL);
}

/* A new agreement takes the place of the old one. */
static int supersede(struct sb *s, struct sb_purchase *old, enum sb_status st,
                     const struct sb_change *c, struct sb_purchase **out)
{
    struct sb_event_opt opt = {.intent = st == SB_RENEWED ? "RENEW" : "REPLACE", .link = c->link};
    const char *op = st == SB_RENEWED ? "renew" : "replace";
    struct sb_purchase *p =
        make(s, old->product, c->plan ? c->plan : old->plan,
             c->quantity ? c->quantity : (c->plan ? 0 : old->quantity), str_of(old->account));

    if (!p)
        return -ENOBUFS;
    p->cppo = old->cppo;
    p->auto_renew = old->auto_renew;
    p->start_ms += c->start_in_ms;
    p->provisioned_ms = p->start_ms;
    p->end_ms = end_of(p, 0);
    snprintf(p->previous, sizeof(p->previous), "%s", old->agreement);
    if (c->start_in_ms) {
        /* Agreed upon: the old one runs until it begins (sb_purchase_tick). */
        old->end_ms = p->start_ms;
        note(s, p, op);
        sb_event_send(s, p, SB_EVENT_CREATED, &opt);
        opt.after_ms = c->start_in_ms;
        sb_event_send(s, p, SB_EVENT_LICENSE_UPDATED, &opt);
        *out = p;
        return 0;
    }
    if (c->ended_first)
        end(s, old, st, op);
    note(s, p, op);
    sb_event_send(s, p, SB_EVENT_CREATED, &opt);
    if (!c->ended_first)
        end(s, old, st, op);
    sb_event_send(s, p, SB_EVENT_LICENSE_UPDATED, NULL);
    *out = p;
    return 0;
}

/* Legacy and amended purchases keep their agreement and licence. */
static void amend(struct sb *s, struct sb_purchase *p, const char *op)
{
    struct sb_event_opt opt = {.intent = "AMEND"};

    note(s, p, op);
    sb_event_send(s, p, SB_EVENT_AMENDED, &opt);
    sb_event_send(s, p, SB_EVENT_LICENSE_UPDATED, NULL);
}

int sb_purchase_upgrade(struct sb *s, struct sb_purchase *p, const struct sb_change *c,
                        struct sb_purchase **out, const char **why)
{
    bool concurrent = p->product->mode == SB_MODE_CONCURRENT;

    *out = p;
    *why = "only an active purchase can change";
    if (p->status != SB_ACTIVE)
        return -EPERM;
    *why = "too many purchases";
    if (concurrent && (c->replace || p->trial)) /* a trial becomes paid by replacement */
        return supersede(s, p, SB_REPLACED, c, out);
    if (c->plan) {
        p->plan = c->plan;
        p->quantity = c->plan->quantity;
    }
    if (c->quantity > 0)
        p->quantity = c->quantity;
    if (p->trial) {
        p->trial = false;
        p->end_ms = end_of(p, 0);
    }
    amend(s, p, "amend");
    return 0;
}

int sb_purchase_renew(struct sb *s, struct sb_purchase *p, const struct sb_change *c,
                      struct sb_purchase **out, const char **why)
{
    *out = p;
    *why = "only an active contract can be renewed";
    if (p->status != SB_ACTIVE || p->trial || !sb_product_entitles(p->product))
        return -EPERM;
    *why = "too many purchases";
    if (p->product->mode == SB_MODE_CONCURRENT)
        return supersede(s, p, SB_RENEWED, c, out);
    p->end_ms += CONTRACT_DAYS * (int64_t)SB_DAY_MS;
    amend(s, p, "renew");
    return 0;
}

int sb_purchase_cancel(struct sb *s, struct sb_purchase *p, enum sb_status st, const char **why)
{
    *why = "the purchase has ended already";
    if (p->status != SB_ACTIVE)
        return -EPERM;
    end(s, p, st, "cancel");
    return 0;
}

int sb_purchase_advise(struct sb *s, struct sb_purchase *p, bool issue, const char **why)
{
    *why = issue ? "an advisory is open already" : "no advisory is open";
    if (p->advisory == issue)
        return -EPERM;
    p->advisory = issue;
    note(s, p, issue ? "advisory" : "advisory-resolve");
    sb_event_send(s, p, issue ? SB_EVENT_ADVISORY_ISSUED : SB_EVENT_ADVISORY_RESOLVED, NULL);
    return 0;
}

/* A renewal that was agreed upon begins. */
static bool renewed(const struct sb *s, const struct sb_purchase *old)
{
    for (size_t i = 0; i < s->purchases.n; i++) {
        const struct sb_purchase *p = s->purchases.p[i];
        if (p->status == SB_ACTIVE && p->previous[0] && !strcmp(p->previous, old->agreement))
            return true;
    }
    return false;
}

void sb_purchase_tick(struct sb *s)
{
    const struct sb_change c = {.link = true};
    int64_t now = sb_core_now(s);
    const char *why;

    for (size_t i = 0; i < s->purchases.n; i++) {
        struct sb_purchase *next, *p = s->purchases.p[i];
        if (p->status != SB_ACTIVE || p->end_ms == 0 || p->end_ms > now)
            continue;
        if (renewed(s, p))
            end(s, p, SB_RENEWED, "renew");
        else if (!p->auto_renew || p->trial || sb_purchase_renew(s, p, &c, &next, &why))
            end(s, p, SB_EXPIRED, "expire");
    }
}
