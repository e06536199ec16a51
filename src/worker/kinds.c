#include "worker/kinds.h"

static const struct task_kind kinds[] = {
    {.name = "resolve", .role = ROLE_MARKET, .run = resolve_run},
    {.name = "place", .role = ROLE_MARKET, .run = place_run},
    {.name = "event", .role = ROLE_MARKET, .run = event_run},
    {.name = "refresh", .role = ROLE_MARKET, .run = refresh_run},
    {.name = "tell", .role = ROLE_MARKET, .run = tell_run},
    {.name = "reconcile", .role = ROLE_MARKET, .run = reconcile_run, .steps = true},
    {.name = "keys", .role = ROLE_MARKET, .run = keys_run},
    {.name = "fulfil", .role = ROLE_DEPLOY, .run = fulfil_run},
    {.name = "purge", .role = ROLE_DEPLOY, .run = purge_run},
    {.name = "mail", .role = ROLE_NOTIFY, .run = mail_run, .steps = true},
    {.name = "late", .role = ROLE_NOTIFY, .run = late_run},
};

const struct task_kind *task_kind_find(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (str_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}
