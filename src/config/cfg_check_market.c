#include <string.h>

#include "config/cfg_check.h"
#include "config/cfg_suggest.h"

#define TEMPLATES_SHOWN 64

struct plan_ctx {
    const struct config *c;
    const struct cfg_market *m;
    const struct cfg_plan *p;
    const struct cfg_node *node;
    struct cfg_errs *errs;
};

static void check_template(const struct plan_ctx *x)
{
    struct cfg_pos at = cfg_check_pos(x->node, "deployment_template");
    const char *name = x->p->deployment_template;
    if (!name[0]) {
        cfg_errs_add(x->errs, at,
                     "plan %s: 'deployment_template' is missing (or set fulfilment: account "
                     "or manual)",
                     x->p->name);
        return;
    }
    if (config_template(x->c, name))
        return;
    const char *known[TEMPLATES_SHOWN];
    struct buf list;
    buf_init(&list, 400);
    size_t n = 0;
    for (; n < x->c->ntemplates && n < TEMPLATES_SHOWN; n++) {
        known[n] = x->c->templates[n].name;
        buf_fmt(&list, "%s%s", n ? ", " : "", known[n]);
    }
    cfg_errs_add(x->errs, at, "plan %s: there is no deployment template '%s'%s (defined: %s)",
                 x->p->name, name, cfg_suggest(x->errs->arena, str_of(name), known, n),
                 buf_err(&list) ? "many"
                 : n            ? buf_cstr(&list)
                                : "none");
    buf_free(&list);
}

/* A key that means something with one kind of fulfilment only. */
static void check_kind(const struct plan_ctx *x, enum cfg_fulfilment kind, const char *word,
                       const char *key, const char *value)
{
    bool has = cfg_node_get(x->node, key) != NULL;
    if (x->p->fulfilment == kind && !has)
        cfg_errs_add(x->errs, cfg_check_pos(x->node, "fulfilment"),
                     "plan %s: '%s' is needed with fulfilment: %s", x->p->name, key, word);
    else if (x->p->fulfilment != kind && value[0])
        cfg_errs_add(x->errs, cfg_check_pos(x->node, key),
                     "plan %s: '%s' has a meaning with fulfilment: %s only", x->p->name, key, word);
}

/* us-east-1, us-gov-west-1, ap-southeast-2: letters, a direction, one digit. */
static bool aws_region(const char *r)
{
    struct str s = str_of(r);
    ptrdiff_t first = str_chr(s, '-'), last = str_rchr(s, '-');
    return first == 2 && last > first + 1 && s.n == (size_t)last + 2 && s.p[s.n - 1] >= '1' &&
           s.p[s.n - 1] <= '9';
}

/* westeurope, eastus2: letters, then perhaps digits. */
static bool azure_region(const char *r)
{
    size_t letters = strspn(r, "abcdefghijklmnopqrstuvwxyz");
    size_t digits = strspn(r + letters, "0123456789");

    return letters > 3 && digits < 3 && r[letters + digits] == '\0';
}

/* europe-west4, us-central1: an area, a hyphen, a place that ends in digits. */
static bool gcp_region(const char *r)
{
    struct str s = str_of(r);
    ptrdiff_t dash = str_rchr(s, '-');
    char last = s.n ? s.p[s.n - 1] : '-';
    bool letter =
        dash > 0 && (size_t)dash + 1 < s.n && s.p[dash + 1] >= 'a' && s.p[dash + 1] <= 'z';

    return letter && last >= '0' && last <= '9';
}

static const struct {
    const char *cloud;
    bool (*is_region)(const char *r);
    const char *example;
} clouds[] = {
    {"aws", aws_region, "us-east-1"},
    {"azure", azure_region, "westeurope"},
    {"gcp", gcp_region, "europe-west4"},
};

static void check_region(const struct plan_ctx *x, const char *region, struct cfg_pos at)
{
    for (size_t i = 0; i < sizeof(clouds) / sizeof(*clouds); i++)
        if (strcmp(x->m->cloud, clouds[i].cloud) == 0 && !clouds[i].is_region(region))
            cfg_errs_add(x->errs, at, "plan %s: '%s' is not a region of %s; it looks like %s",
                         x->p->name, region, clouds[i].cloud, clouds[i].example);
}

static void check_regions(const struct plan_ctx *x)
{
    const struct cfg_node *list = cfg_node_get(x->node, "regions");
    size_t n = 0;
    for (; x->p->regions[n]; n++) {
        const struct cfg_node *item = cfg_node_at(list, n);

        check_region(x, x->p->regions[n], item ? item->at : x->node->at);
    }
    if (n > 1 && strcmp(x->p->region_policy, "fixed") == 0)
        cfg_errs_add(x->errs, cfg_check_pos(x->node, "regions"),
                     "plan %s: %zu regions with region_policy: fixed; name one, or let the buyer "
                     "choose with region_policy: buyer-selected",
                     x->p->name, n);
}

static void check_changes(const struct plan_ctx *x)
{
    const struct cfg_node *map = cfg_node_get(x->node, "changes");
    enum cfg_change word;

    for (size_t i = 0; i < x->p->nchanges; i++) {
        const struct cfg_kv *kv = &x->p->changes[i];
        struct cfg_pos at = cfg_check_pos(map, kv->key);

        if (strcmp(kv->key, "others") != 0 && !config_plan(x->m, str_of(kv->key)))
            cfg_errs_add(x->errs, at, "plan %s: changes: there is no plan '%s' in this listing",
                         x->p->name, kv->key);
        if (cfg_change_word(kv->value, &word))
            cfg_errs_add(x->errs, at,
                         "plan %s: changes: '%s' is not in-place, replace, at-renewal or refuse",
                         x->p->name, kv->value);
    }
}

static void check_plan(const struct plan_ctx *x)
{
    if (!x->node || x->node->kind != CFG_NODE_MAP)
        return;
    if (x->p->fulfilment == CFG_DEPLOYMENT)
        check_template(x);
    check_kind(x, CFG_ACCOUNT, "account", "account_url", x->p->account_url);
    check_kind(x, CFG_MANUAL, "manual", "manual_promise", x->p->manual_promise);
    check_regions(x);
    check_changes(x);
}

static void check_between_plans(const struct cfg_market *m, const struct cfg_node *plans,
                                struct cfg_errs *errs)
{
    const struct cfg_plan *dflt = NULL;
    for (size_t i = 0; i < m->nplans; i++) {
        const struct cfg_plan *p = &m->plans[i];
        const struct cfg_node *node = cfg_node_at(plans, i);
        if (p->is_default && dflt)
            cfg_errs_add(errs, cfg_check_pos(node, "default"),
                         "plan %s: plan %s is the default already; only one can be", p->name,
                         dflt->name);
        else if (p->is_default)
            dflt = p;
        for (size_t k = 0; k < i; k++)
            if (strcmp(m->plans[k].dimension, p->dimension) == 0)
                cfg_errs_add(errs, cfg_check_pos(node, "dimension"),
                             "plan %s: plan %s means dimension '%s' already", p->name,
                             m->plans[k].name, p->dimension);
    }
    if (m->nplans == 0 && plans && plans->kind == CFG_NODE_MAP)
        cfg_errs_add(errs, plans->at, "there is no plan; a listing has at least one");
}

static void check_legacy(const struct cfg_market *m, const struct cfg_node *node,
                         struct cfg_errs *errs)
{
    if (m->mode != CFG_LEGACY && m->sns_topics[0])
        cfg_errs_add(errs, cfg_check_pos(node, "sns_topics"),
                     "sns_topics has a meaning with mode: legacy only");
    if (m->mode == CFG_LEGACY && m->queue_url[0] && !m->sns_topics[0])
        cfg_errs_add(errs, cfg_check_pos(node, "queue_url"),
                     "mode: legacy needs sns_topics: without the list of topics no message of the "
                     "queue can be believed");
    if (m->external_id[0] && !m->role_arn[0])
        cfg_errs_add(errs, cfg_check_pos(node, "external_id"),
                     "external_id has a meaning with role_arn only");
    if (m->profile[0] && !m->credentials_file[0])
        cfg_errs_add(errs, cfg_check_pos(node, "profile"),
                     "profile has a meaning with credentials_file only");
}

void cfg_check_market(const struct config *c, const struct cfg_market *m,
                      const struct cfg_node *node, struct cfg_errs *errs)
{
    if (!node || node->kind != CFG_NODE_MAP)
        return;
    const struct cfg_node *plans = cfg_node_get(node, "plans");
    for (size_t i = 0; i < m->nplans; i++) {
        struct plan_ctx x = {c, m, &m->plans[i], cfg_node_at(plans, i), errs};
        check_plan(&x);
    }
    check_between_plans(m, plans, errs);
    check_legacy(m, node, errs);
    cfg_check_azure(m, node, errs);
    cfg_check_gcp(c, m, node, errs);
}
