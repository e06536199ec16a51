#include "worker/standing.h"

#include <string.h>

#include "worker/purchase.h"

enum { AZURE_KEEP_MS = 7 * 24 * 3600 * 1000 };

static bool is_azure(const struct cfg_market *m)
{
    return strcmp(m->channel, "azure") == 0;
}

bool standing_channel(const struct cfg_market *m)
{
    return m && (is_azure(m) || strcmp(m->channel, "gcp") == 0);
}

bool standing_listed(const struct cfg_market *m)
{
    return standing_channel(m) || (m->mode == CFG_CONCURRENT && m->product_id[0]);
}

const char *standing_word(enum market_standing s)
{
    static const char *const words[] = {
        [STANDING_UNKNOWN] = "unknown",     [STANDING_HELD] = "held",
        [STANDING_SCHEDULED] = "scheduled", [STANDING_ACTIVE] = "active",
        [STANDING_SUSPENDED] = "suspended", [STANDING_ENDED] = "ended",
    };

    return words[s];
}

/* "-P1Y", "-P1Y6M": how Google names the terms of one plan. */
static struct str without_term(struct str id)
{
    ptrdiff_t dash = str_rchr(id, '-');
    struct str term = dash < 0 ? STR("") : str_from(id, (size_t)dash + 1);

    if (term.n < 3 || term.p[0] != 'P')
        return id;
    for (size_t i = 1; i < term.n; i++)
        if (!((term.p[i] >= '0' && term.p[i] <= '9') || (i > 1 && strchr("YMWD", term.p[i]))))
            return id;
    return str_sub(id, 0, (size_t)dash);
}

const struct cfg_plan *standing_plan(const struct cfg_market *m, struct str plan_id)
{
    const struct cfg_plan *p = plan_id.n ? config_plan_by_dimension(m, plan_id) : NULL;

    if (!p && plan_id.n && !is_azure(m))
        p = config_plan_by_dimension(m, without_term(plan_id));
    return p;
}

const struct cfg_market *standing_market(const struct config *c, const char *channel,
                                         struct str product_code)
{
    const struct cfg_market *only = NULL;
    size_t n = 0;

    if (strcmp(channel, "azure") == 0 && str_ends(product_code, STR("-preview")))
        product_code = str_sub(product_code, 0, product_code.n - sizeof("-preview") + 1);
    for (size_t i = 0; i < c->nmarkets; i++) {
        const struct cfg_market *m = &c->markets[i];

        if (strcmp(m->channel, channel) != 0)
            continue;
        if (product_code.n && str_is(product_code, m->product_code))
            return m;
        only = m;
        n++;
    }
    return product_code.n == 0 && n == 1 ? only : NULL;
}

bool standing_lacks_usage(const struct cfg_market *m, const struct market_purchase *p)
{
    return !is_azure(m) && m->metered && p->standing == STANDING_ACTIVE && p->usage_id[0] == '\0';
}

uint64_t standing_grace_ms(const struct cfg_market *m, struct str plan)
{
    uint64_t grace = purchase_grace_ms(m, plan);

    /* Microsoft's contract: data is kept for at least 7 days after Unsubscribe. */
    return is_azure(m) && grace < AZURE_KEEP_MS ? AZURE_KEEP_MS : grace;
}

static bool ended_word(struct str contract)
{
    return str_is(contract, "CANCELLED") || str_is(contract, "EXPIRED");
}

static void order_now_times(const struct store_row *r, struct order_now *out)
{
    const struct {
        const char *key;
        int64_t *to;
    } times[] = {
        {"o.at", &out->at},
        {"now", &out->now},
        {"o.created", &out->created},
        {"o.at_registered", &out->at_registered},
        {"o.at_asked", &out->at_asked},
        {"o.change_at", &out->change_at},
        {"o.change_seen", &out->change_seen},
        {"o.change_over", &out->change_over},
        {"o.gone_since", &out->gone_since},
        {"o.starts", &out->known.starts_ms},
        {"o.ends", &out->known.ends_ms},
        {"o.next_at", &out->known.pending_at_ms},
    };

    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        *times[i].to = store_row_int(r, times[i].key, 0);
}

void order_now_read(struct task *t, const struct store_rows *rows, struct order_now *out)
{
    const struct {
        const char *key;
        const char **to;
    } texts[] = {
        {"o.purchase", &out->known.purchase},
        {"o.license", &out->known.license},
        {"o.agreement", &out->known.agreement},
        {"o.account", &out->known.account},
        {"o.customer", &out->known.customer},
        {"o.product_code", &out->known.product_code},
        {"o.offer", &out->known.offer},
        {"o.plan_id", &out->known.plan},
        {"o.term", &out->known.term},
        {"o.usage_id", &out->known.usage_id},
        {"o.pending_plan", &out->known.pending_plan},
        {"o.change_id", &out->known.change_id},
        {"o.reason", &out->known.status},
    };
    const struct {
        const char *key;
        struct str *to;
    } words[] = {
        {"o.product", &out->product}, {"o.contract", &out->contract},
        {"o.plan", &out->plan},       {"o.standing", &out->standing},
        {"o.commit", &out->commit},   {"o.plan_unknown", &out->plan_unknown},
    };
    const struct store_row *r;

    *out = (struct order_now){.known = market_purchase_none};
    if (!rows || rows->n == 0)
        return;
    r = &rows->row[0];
    out->exists = store_row_get(r, "o.id").n > 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const char *s = arena_dup(t->arena, store_row_get(r, texts[i].key));

        *texts[i].to = s ? s : "";
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        *words[i].to = arena_str(t->arena, store_row_get(r, words[i].key));
    out->change_id = str_of(out->known.change_id);
    out->registered = str_is(store_row_get(r, "o.registered"), "1");
    out->unattended = str_is(store_row_get(r, "o.unattended"), "1");
    out->known.unattended = out->unattended;
    out->ended = ended_word(out->contract);
    order_now_times(r, out);
    out->known.no_renewal = str_is(store_row_get(r, "o.no_renewal"), "1");
    out->known.signup_wanted = str_is(store_row_get(r, "o.signup"), "wanted");
    out->known.pending_quantity = (uint64_t)store_row_int(r, "o.pending_quantity", 0);
    out->quantity = (uint64_t)store_row_int(r, "o.quantity", 0);
    if (str_is(store_row_get(r, "o.seats"), "1"))
        out->known.quantity = (uint64_t)store_row_int(r, "o.quantity", 0);
}
