/* What the gcp keys of a listing need of each other, and of its neighbours. */
#include <ctype.h>
#include <string.h>

#include "config/cfg_check.h"

/* "acme-public", "DEMO-acme", "example.com:acme-public" */
static bool provider_ok(const char *id)
{
    for (; *id; id++)
        if (!isascii(*id) || !(isalnum((unsigned char)*id) || strchr("-._:", *id)))
            return false;
    return true;
}

/* projects/P/subscriptions/S */
static bool subscription_ok(struct str s)
{
    struct str rest, project, name, word = str_cut(s, '/', &rest);
    if (!str_is(word, "projects"))
        return false;
    project = str_cut(rest, '/', &rest);
    word = str_cut(rest, '/', &name);
    return project.n && str_is(word, "subscriptions") && name.n && str_chr(name, '/') < 0 &&
           str_chr(name, ':') < 0 && str_text(s) && str_chr(s, ' ') < 0 && str_chr(s, '?') < 0;
}

static void check_push(const struct cfg_gcp *g, const struct cfg_node *node, struct cfg_errs *errs)
{
    if (g->push_audience[0] && !g->push_account[0])
        cfg_errs_add(errs, cfg_check_pos(node, "push_audience"),
                     "gcp: push_audience needs push_account: any Google account could push "
                     "otherwise");
    if (g->push_account[0] && !g->push_audience[0])
        cfg_errs_add(errs, cfg_check_pos(node, "push_account"),
                     "gcp: push_account has a meaning with push_audience only");
    if (g->push_account[0] && str_chr(str_of(g->push_account), '@') < 1)
        cfg_errs_add(errs, cfg_check_pos(node, "push_account"),
                     "gcp: push_account '%s' is not a service account; it looks like "
                     "push@acme-public.iam.gserviceaccount.com",
                     g->push_account);
}

/* Keys of another cloud that are easily taken for Google's. */
static void check_strangers(const struct cfg_node *market, struct cfg_errs *errs)
{
    static const struct {
        const char *key, *instead;
    } rows[] = {{"queue_url", "gcp.subscription"}, {"credentials_file", "gcp.credentials_file"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (cfg_node_get(market, rows[i].key))
            cfg_errs_add(errs, cfg_check_pos(market, rows[i].key),
                         "%s has no meaning with cloud: gcp; use %s", rows[i].key, rows[i].instead);
}

static void check_plans(const struct cfg_market *m, const struct cfg_node *market,
                        struct cfg_errs *errs)
{
    const struct cfg_node *plans = cfg_node_get(market, "plans");
    for (size_t i = 0; m->gcp.automatic_approval && i < m->nplans; i++)
        if (m->plans[i].commit == CFG_COMMIT_MANUAL)
            cfg_errs_add(errs, cfg_check_pos(cfg_node_at(plans, i), "commit"),
                         "plan %s: commit: manual, but gcp.automatic_approval leaves nothing to "
                         "approve",
                         m->plans[i].name);
}

/* Listings of one provider share a topic: only the product's name tells their orders apart. */
static void check_neighbours(const struct config *c, const struct cfg_market *m,
                             const struct cfg_node *node, struct cfg_errs *errs)
{
    for (const struct cfg_market *o = c->markets; o < m; o++)
        if (strcmp(o->cloud, "gcp") == 0 && strcmp(o->gcp.provider_id, m->gcp.provider_id) == 0 &&
            (!o->gcp.product_name[0] || !m->gcp.product_name[0]))
            cfg_errs_add(errs, cfg_check_pos(node, "provider_id"),
                         "gcp: provider '%s' has several listings here; give each its product_name",
                         m->gcp.provider_id);
}

void cfg_check_gcp(const struct config *c, const struct cfg_market *m,
                   const struct cfg_node *market, struct cfg_errs *errs)
{
    const struct cfg_node *node = cfg_node_get(market, "gcp");
    const struct cfg_gcp *g = &m->gcp;
    if (strcmp(m->cloud, "gcp") == 0)
        check_strangers(market, errs);
    if (!node || node->kind != CFG_NODE_MAP)
        return;
    if (strcmp(m->cloud, "gcp") != 0) {
        cfg_errs_add(errs, cfg_check_pos(market, "gcp"), "gcp has a meaning with cloud: gcp only");
        return;
    }
    if (!provider_ok(g->provider_id))
        cfg_errs_add(errs, cfg_check_pos(node, "provider_id"),
                     "gcp: provider_id '%s' is not a partner id; it looks like acme-public",
                     g->provider_id);
    if (g->subscription[0] && !subscription_ok(str_of(g->subscription)))
        cfg_errs_add(errs, cfg_check_pos(node, "subscription"),
                     "gcp: '%s' is not a subscription; it looks like "
                     "projects/acme-public/subscriptions/lastmile",
                     g->subscription);
    if (g->token_uri[0] && !g->credentials_file[0])
        cfg_errs_add(errs, cfg_check_pos(node, "token_uri"),
                     "gcp: token_uri has a meaning with credentials_file only");
    check_push(g, node, errs);
    check_plans(m, market, errs);
    check_neighbours(c, m, node, errs);
}

void cfg_check_gcp_needs(const struct cfg_market *m, const struct cfg_node *market,
                         struct cfg_errs *errs)
{
    const struct cfg_node *node = cfg_node_get(market, "gcp");
    const struct cfg_gcp *g = &m->gcp;
    const struct {
        const char *key, *value, *why;
    } rows[] = {
        {"provider_id", g->provider_id, "nothing can be asked of Google"},
        {"product_name", g->product_name,
         "orders of your other products would be approved as this one's"},
        {"audiences", g->audiences && g->audiences[0] ? g->audiences[0] : "",
         "no buyer's sign-up can be believed"},
        {"subscription", g->subscription[0] ? "-" : g->push_audience,
         "no event arrives (push_audience does as well)"},
    };
    struct cfg_pos at = node ? node->at : cfg_check_pos(market, "gcp");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!rows[i].value[0])
            cfg_errs_add(errs, at, "gcp: %s is missing; %s", rows[i].key, rows[i].why);
}
