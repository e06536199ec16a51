#include "sandbox/sb_az_sub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/rand.h"
#include "sandbox/sb_az_op.h"

static int64_t day_of(int64_t ms)
{
    return ms - ms % SB_DAY_MS;
}

/* Midnight of the same day so many months later; shorter months end earlier. */
static int64_t add_months(int64_t ms, uint64_t months)
{
    uint64_t year = 1970, month = 1, day = 1;
    char text[CLOCK_ISO], next[48];
    int64_t out = ms;

    clock_iso(ms, text);
    str_u64(str_make(text, 4), 9999, &year);
    str_u64(str_make(text + 5, 2), 12, &month);
    str_u64(str_make(text + 8, 2), 31, &day);
    months += year * 12 + month - 1;
    for (;; day--) {
        snprintf(next, sizeof(next), "%04u-%02u-%02uT00:00:00Z", (unsigned)(months / 12 % 10000),
                 (unsigned)(months % 12 + 1), (unsigned)day);
        if (clock_parse_iso(str_of(next), &out) == 0 || day <= 28)
            return out;
    }
}

/* First instant after a term that begins at ms: P<n>D, W, M or Y. */
static int64_t after_term(const char *term, int64_t ms)
{
    struct str t = str_of(term);
    uint64_t n = 1;

    if (t.n < 3 || str_u64(str_sub(t, 1, t.n - 2), 100, &n))
        return add_months(ms, 1);
    switch (t.p[t.n - 1]) {
    case 'D':
        return ms + (int64_t)n * SB_DAY_MS;
    case 'W':
        return ms + (int64_t)n * 7 * SB_DAY_MS;
    case 'Y':
        return add_months(ms, n * 12);
    default:
        return add_months(ms, n);
    }
}

static void set_term(struct sb_az_sub *sub, int64_t begin)
{
    sub->has_term = true;
    sub->start_ms = day_of(begin);
    sub->end_ms = after_term(sub->plan->term, sub->start_ms) - SB_DAY_MS;
}

void sb_az_start(struct sb *s, struct sb_az_sub *sub)
{
    sub->status = SB_AZ_SUBSCRIBED;
    sub->settle_ms = 0;
    sub->activated++;
    set_term(sub, sb_core_now(s));
    s->dirty = true;
    sb_ledger_add(&s->ledger, sb_core_now(s), "Subscribed", sub->id, "effect", sub->plan->id);
}

void sb_az_renew(struct sb *s, struct sb_az_sub *sub)
{
    sub->trial = false;
    set_term(sub, sub->has_term ? sub->end_ms + SB_DAY_MS : sb_core_now(s));
    s->dirty = true;
}

static const char *check(const struct sb_az_buy *b)
{
    if (!b->product || !b->plan)
        return "there is no such product or plan";
    if (b->plan->seats && (b->quantity < b->plan->min_seats || b->quantity > b->plan->max_seats))
        return "the number of seats is out of range";
    if (!b->plan->seats && b->quantity)
        return "the plan is not per seat";
    if (b->trial && b->plan->trial_days == 0)
        return "the plan has no free trial";
    if (b->private_offer.n >= SB_AZ_GUID)
        return "private_offer is a GUID";
    return NULL;
}

static void fill(struct sb *s, const struct sb_az_buy *b, struct sb_az_sub *sub)
{
    sb_id_uuid(sub->id);
    if (b->name.n == 0 || str_copy(b->name, sub->name, sizeof(sub->name)))
        snprintf(sub->name, sizeof(sub->name), "%.120s", b->product->title);
    str_copy(b->private_offer, sub->private_offer, sizeof(sub->private_offer));
    sub->product = b->product;
    sub->plan = b->plan;
    sub->quantity = b->quantity;
    sub->purchaser = b->purchaser ? b->purchaser : sb_az_person(STR("alice"));
    if (b->reseller)
        sub->purchaser = sb_az_person(STR("riley"));
    sub->beneficiary = b->beneficiary ? b->beneficiary : sb_az_person(STR("bob"));
    sub->trial = b->trial;
    sub->test = b->test;
    sub->reseller = b->reseller;
    sub->auto_renew = true;
    sub->activate_fails = b->activate_fails;
    sub->created_ms = sb_core_now(s);
    sub->not_before = b->start_in_ms > 0 ? sub->created_ms + b->start_in_ms : 0;
}

int sb_az_buy(struct sb *s, const struct sb_az_buy *b, struct sb_az_sub **out, const char **why)
{
    struct sb_az_sub *sub;
    struct sb_az_ask ask = {.action = "Subscribe"};

    *out = NULL;
    *why = check(b);
    if (*why)
        return -EINVAL;
    *why = "too many subscriptions";
    sub = calloc(1, sizeof(*sub));
    if (!sub)
        return -ENOMEM;
    fill(s, b, sub);
    if (sb_vec_add(&s->az->subs, sub)) {
        free(sub);
        return -ENOBUFS;
    }
    *out = sub;
    s->dirty = true;
    sb_ledger_add(&s->ledger, sb_core_now(s), "Purchase", sub->id, "effect", sub->plan->id);
    if (!b->auto_activate)
        return 0;
    sb_az_start(s, sub);
    return sb_az_ask(s, sub, &ask, NULL, why);
}

const struct sb_az_token *sb_az_token_new(struct sb *s, const struct sb_az_sub *sub)
{
    struct sb_az_token *t = calloc(1, sizeof(*t));
    unsigned char raw[160];
    struct buf b;

    if (!t)
        return NULL;
    buf_init(&b, SB_AZ_TOKEN - 1);
    do {
        buf_reset(&b);
        rand_bytes(raw, sizeof(raw));
        enc_b64(&b, raw, sizeof(raw));
    } while (str_chr(buf_view(&b), '+') < 0 || str_chr(buf_view(&b), '/') < 0);
    str_copy(buf_view(&b), t->value, sizeof(t->value));
    buf_free(&b);
    t->sub = sub;
    t->expires_ms = sb_core_now(s) + SB_DAY_MS;
    if (sb_vec_add(&s->az->tokens, t)) {
        free(t);
        return NULL;
    }
    s->dirty = true;
    return t;
}

const struct sb_az_token *sb_az_token(const struct sb_az *az, struct str value)
{
    for (size_t i = az->tokens.n; i-- > 0;) {
        const struct sb_az_token *t = az->tokens.p[i];
        if (str_is(value, t->value))
            return t;
    }
    return NULL;
}

void sb_az_token_expire(struct sb *s, const struct sb_az_sub *sub)
{
    for (size_t i = 0; i < s->az->tokens.n; i++) {
        struct sb_az_token *t = s->az->tokens.p[i];
        if (t->sub == sub)
            t->expires_ms = 0;
    }
    s->dirty = true;
}

void sb_az_landing(const struct sb_az_sub *sub, const char *token, bool raw, struct buf *out)
{
    buf_fmt(out, "%s%ctoken=", sub->product->landing,
            str_chr(str_of(sub->product->landing), '?') < 0 ? '?' : '&');
    if (raw)
        buf_cat(out, token);
    else
        enc_pct(out, str_of(token));
}
