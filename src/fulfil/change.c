#include "fulfil/change.h"

#include <string.h>

static const char *engine_of(const struct change_in *in, struct str plan)
{
    const struct cfg_plan *p = config_plan(in->market, plan);
    const struct cfg_template *t = p ? config_template(in->cfg, p->deployment_template) : NULL;

    return t ? t->engine : "";
}

enum change change_of(const struct change_in *in)
{
    if (in->deployed.n == 0 || str_eq(in->deployed, in->bought) ||
        !config_plan(in->market, in->deployed))
        return CHANGE_NONE;
    switch (config_change(in->market, in->deployed, in->bought)) {
    case CFG_CHANGE_REPLACE:
        return CHANGE_REPLACE;
    case CFG_CHANGE_AT_RENEWAL:
        if (in->until_ms > in->now_ms)
            return CHANGE_LATER;
        break;
    case CFG_CHANGE_REFUSE:
        return CHANGE_REFUSED;
    default:
        break;
    }
    return strcmp(engine_of(in, in->deployed), engine_of(in, in->bought)) == 0 ? CHANGE_NOW
                                                                               : CHANGE_REPLACE;
}

const struct cfg_plan *change_plan(const struct change_in *in, enum change c)
{
    bool stays = c == CHANGE_LATER || c == CHANGE_REFUSED;

    return config_plan(in->market, stays ? in->deployed : in->bought);
}
