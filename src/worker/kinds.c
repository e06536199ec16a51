#include "worker/kinds.h"

static const struct task_kind kinds[] = {
    {"resolve", ROLE_MARKET, resolve_run}, {"place", ROLE_MARKET, place_run},
    {"event", ROLE_MARKET, event_run},     {"fulfil", ROLE_DEPLOY, fulfil_run},
    {"purge", ROLE_DEPLOY, purge_run},     {"mail", ROLE_NOTIFY, mail_run},
    {"late", ROLE_NOTIFY, late_run},       {"refresh", ROLE_MARKET, refresh_run},
};

const struct task_kind *task_kind_find(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (str_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}
