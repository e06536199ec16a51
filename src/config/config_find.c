/* Look-ups in a loaded configuration. The arrays are short: a walk is fine. */
#include "config/config.h"

#include <errno.h>
#include <string.h>

int cfg_change_word(const char *word, enum cfg_change *out)
{
    static const char *const words[] = {
        [CFG_CHANGE_IN_PLACE] = "in-place",
        [CFG_CHANGE_REPLACE] = "replace",
        [CFG_CHANGE_AT_RENEWAL] = "at-renewal",
        [CFG_CHANGE_REFUSE] = "refuse",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_is(str_of(word), words[i])) {
            *out = (enum cfg_change)i;
            return 0;
        }
    return -EINVAL;
}

const struct cfg_market *config_market(const struct config *c, struct str channel, struct str name)
{
    for (size_t i = 0; i < c->nmarkets; i++)
        if (str_is(channel, c->markets[i].channel) && str_is(name, c->markets[i].name))
            return &c->markets[i];
    return NULL;
}

const char *config_market_title(const struct cfg_market *m)
{
    if (m->product[0])
        return m->product;
    return strcmp(m->name, "default") == 0 ? "" : m->name;
}

const struct cfg_market *config_market_by_code(const struct config *c, struct str product_code)
{
    for (size_t i = 0; i < c->nmarkets && product_code.n > 0; i++)
        if (str_is(product_code, c->markets[i].product_code))
            return &c->markets[i];
    return NULL;
}

const struct cfg_market *config_market_by_id(const struct config *c, struct str product_id)
{
    for (size_t i = 0; i < c->nmarkets && product_id.n > 0; i++)
        if (str_is(product_id, c->markets[i].product_id))
            return &c->markets[i];
    return NULL;
}

const struct cfg_plan *config_plan(const struct cfg_market *m, struct str name)
{
    for (size_t i = 0; i < m->nplans; i++)
        if (str_is(name, m->plans[i].name))
            return &m->plans[i];
    return NULL;
}

const struct cfg_plan *config_plan_default(const struct cfg_market *m)
{
    for (size_t i = 0; i < m->nplans; i++)
        if (m->plans[i].is_default)
            return &m->plans[i];
    return NULL;
}

const struct cfg_plan *config_plan_by_dimension(const struct cfg_market *m, struct str dimension)
{
    for (size_t i = 0; i < m->nplans && dimension.n > 0; i++)
        if (str_is(dimension, m->plans[i].dimension))
            return &m->plans[i];
    return NULL;
}

enum cfg_change config_change(const struct cfg_market *m, struct str from, struct str to)
{
    const struct cfg_plan *p = config_plan(m, from);
    enum cfg_change change = CFG_CHANGE_IN_PLACE;

    for (size_t i = 0; p && i < p->nchanges; i++) {
        if (str_is(to, p->changes[i].key))
            return cfg_change_word(p->changes[i].value, &change) ? CFG_CHANGE_IN_PLACE : change;
        if (str_is(STR("others"), p->changes[i].key))
            cfg_change_word(p->changes[i].value, &change);
    }
    return change;
}

const struct cfg_template *config_template(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->ntemplates; i++)
        if (str_is(str_of(name), c->templates[i].name))
            return &c->templates[i];
    return NULL;
}
