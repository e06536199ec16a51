#include "config/cfg_check.h"

#include <string.h>

#include "config/cfg_color.h"
#include "config/cfg_suggest.h"

#define CONTRAST_MIN 4.5 /* WCAG 2.2, 1.4.3 */
#define WHITE        "#ffffff"
#define DARK         "#111111"

struct cfg_pos cfg_check_pos(const struct cfg_node *map, const char *key)
{
    const struct cfg_node *n = cfg_node_get(map, key);
    if (n)
        return n->at;
    if (map && map->key.n > 0)
        return map->key_at;
    return map ? map->at : (struct cfg_pos){1, 1};
}

const struct cfg_node *cfg_check_market_node(const struct cfg_node *root, size_t i)
{
    const struct cfg_node *list = cfg_node_get(root, "marketplaces");
    return list ? cfg_node_at(list, i) : i == 0 ? cfg_node_get(root, "marketplace") : NULL;
}

static void check_markets(const struct config *c, const struct cfg_node *root,
                          struct cfg_errs *errs)
{
    const struct cfg_node *one = cfg_node_get(root, "marketplace");
    const struct cfg_node *list = cfg_node_get(root, "marketplaces");
    if (one && list) {
        const struct cfg_node *later = one->key_at.line < list->key_at.line ? list : one;
        cfg_errs_add(errs, later->key_at,
                     "both marketplace and marketplaces; put all listings into marketplaces");
        return;
    }
    if (!one && !list)
        cfg_errs_add(errs, root->at, "'marketplace' is missing");
    else if (list && list->kind == CFG_NODE_LIST && list->n == 0)
        cfg_errs_add(errs, list->at, "marketplaces is empty; there must be one at least");
    for (size_t i = 0; i < c->nmarkets; i++) {
        const struct cfg_market *m = &c->markets[i];
        const struct cfg_node *node = cfg_check_market_node(root, i);
        cfg_check_market(c, m, node, errs);
        for (size_t k = 0; k < i; k++) {
            const struct cfg_market *o = &c->markets[k];
            if (strcmp(o->channel, m->channel) == 0 && strcmp(o->name, m->name) == 0)
                cfg_errs_add(errs, cfg_check_pos(node, "name"),
                             "%s/%s is taken by marketplaces[%zu]; give each its own name",
                             m->channel, m->name, k);
            if (m->product_code[0] && strcmp(o->product_code, m->product_code) == 0)
                cfg_errs_add(errs, cfg_check_pos(node, "product_code"),
                             "product code '%s' is that of marketplaces[%zu] already",
                             m->product_code, k);
        }
    }
}

static void check_templates(const struct config *c, const struct cfg_node *root,
                            struct cfg_errs *errs)
{
    const struct cfg_node *map = cfg_node_get(root, "deployment_templates");
    for (size_t i = 0; i < c->ntemplates; i++) {
        const struct cfg_template *t = &c->templates[i];
        const struct cfg_node *node = cfg_node_at(map, i);
        if (strcmp(t->engine, "process") == 0 && !t->endpoint[0])
            cfg_errs_add(errs, cfg_check_pos(node, "engine"),
                         "template %s: where will its environments be reached? Set "
                         "deploy.endpoint or the template's endpoint, with {tenant}",
                         t->name);
        if (t->health_timeout_ms >= t->deadline_ms)
            cfg_errs_add(errs, cfg_check_pos(node, "health_timeout"),
                         "template %s: health_timeout is not shorter than deadline", t->name);
    }
}

static bool known_plan(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->nmarkets; i++)
        if (config_plan(&c->markets[i], str_of(name)))
            return true;
    return false;
}

static void check_field(const struct config *c, const struct cfg_field *f,
                        const struct cfg_node *node, struct cfg_errs *errs)
{
    if (str_is(str_of(f->name), "email"))
        cfg_errs_add(errs, cfg_check_pos(node, "name"),
                     "field email: it is always asked; leave it out");
    bool select = f->type == CFG_FIELD_SELECT;
    if (select && !f->options[0])
        cfg_errs_add(errs, cfg_check_pos(node, "type"), "field %s: a select needs options",
                     f->name);
    if (!select && f->options[0])
        cfg_errs_add(errs, cfg_check_pos(node, "options"),
                     "field %s: options have a meaning with type: select only", f->name);
    if (f->max > 0 && f->min > f->max)
        cfg_errs_add(errs, cfg_check_pos(node, "min"), "field %s: min %u is above max %u", f->name,
                     f->min, f->max);
    const struct cfg_node *plans = cfg_node_get(node, "plans");
    for (size_t i = 0; f->plans && f->plans[i]; i++) {
        const struct cfg_node *item = cfg_node_at(plans, i);
        if (!known_plan(c, f->plans[i]))
            cfg_errs_add(errs, item ? item->at : node->at, "field %s: no listing has a plan '%s'",
                         f->name, f->plans[i]);
    }
}

static void check_fields(const struct config *c, const struct cfg_node *root, struct cfg_errs *errs)
{
    const struct cfg_node *list = cfg_node_get(root, "fields");
    for (size_t i = 0; i < c->nfields; i++) {
        const struct cfg_node *node = cfg_node_at(list, i);
        check_field(c, &c->fields[i], node, errs);
        for (size_t k = 0; k < i; k++)
            if (c->fields[i].name[0] && strcmp(c->fields[i].name, c->fields[k].name) == 0)
                cfg_errs_add(errs, cfg_check_pos(node, "name"), "field %s: it is there already",
                             c->fields[i].name);
    }
}

static void check_brand(struct config *c, const struct cfg_node *root, struct cfg_errs *errs)
{
    double white = cfg_color_contrast(c->brand.color, WHITE);
    double dark = cfg_color_contrast(c->brand.color, DARK);
    c->brand.on_color = white >= CONTRAST_MIN || white >= dark ? WHITE : DARK;
    if (white < CONTRAST_MIN && dark < CONTRAST_MIN)
        cfg_errs_add(errs, cfg_check_pos(cfg_node_get(root, "branding"), "color"),
                     "branding.color: text on '%s' cannot be read: contrast %.2f:1 with white, "
                     "%.2f:1 with dark text; 4.5:1 is needed",
                     c->brand.color, white, dark);
}

static void check_install(const struct config *c, const struct cfg_node *root,
                          struct cfg_errs *errs)
{
    const struct cfg_node *redis = cfg_node_get(root, "redis");
    if (c->redis.socket[0] && c->redis.host[0])
        cfg_errs_add(errs, cfg_check_pos(redis, "host"),
                     "redis: both socket and host; one of them");
    if (c->redis.host[0] == 0 && cfg_node_get(redis, "port"))
        cfg_errs_add(errs, cfg_check_pos(redis, "port"), "redis: a port without host");
    const struct cfg_node *notify = cfg_node_get(root, "notifications");
    if (c->notify.smtp_url[0] && !cfg_node_get(notify, "from"))
        cfg_errs_add(errs, cfg_check_pos(notify, "smtp_url"),
                     "notifications: 'from' is needed with smtp_url");
    if (c->notify.alert_to[0] && !cfg_node_get(notify, "smtp_url"))
        cfg_errs_add(errs, cfg_check_pos(notify, "alert_to"),
                     "notifications: 'smtp_url' is needed with alert_to");
    if (c->notify.smtp_user[0] && !cfg_node_get(notify, "smtp_password_file"))
        cfg_errs_add(errs, cfg_check_pos(notify, "smtp_user"),
                     "notifications: 'smtp_password_file' is needed with smtp_user");
}

void cfg_check(struct config *c, const struct cfg_node *root, struct cfg_errs *errs)
{
    check_markets(c, root, errs);
    check_templates(c, root, errs);
    check_fields(c, root, errs);
    check_brand(c, root, errs);
    check_install(c, root, errs);
}
