#include "deploy/engine_call.h"

#include <string.h>

const char *engine_or_empty(const char *s)
{
    return s ? s : "";
}

static bool keep(struct arena *a, const char **s)
{
    *s = arena_dup(a, str_of(*s));
    return *s != NULL;
}

struct engine_call *engine_call_copy(struct arena *a, const struct engine_call *call)
{
    struct engine_call *c = arena_alloc(a, sizeof(*c));

    if (c == NULL)
        return NULL;
    *c = *call;
    if (!keep(a, &c->tenant) || !keep(a, &c->order) || !keep(a, &c->channel) ||
        !keep(a, &c->plan) || !keep(a, &c->region) || !keep(a, &c->spec) ||
        !keep(a, &c->spec_sha256) || !keep(a, &c->op_id) || !keep(a, &c->external_id) ||
        !keep(a, &c->outputs))
        return NULL;
    return c;
}

bool engine_tenant_ok(const char *tenant)
{
    size_t n = strlen(tenant);

    return n > 0 && n <= 40 && tenant[0] != '-' && tenant[n - 1] != '-' &&
           strcmp(tenant, "exec") != 0 &&
           strspn(tenant, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

const char *engine_render(struct arena *a, const char *text, const char *tenant)
{
    static const char mark[] = "{tenant}";
    const char *at = strstr(text, mark), *rest;

    if (at == NULL)
        return arena_dup(a, str_of(text));
    rest = engine_render(a, at + sizeof(mark) - 1, tenant);
    return rest ? arena_fmt(a, "%.*s%s%s", (int)(at - text), text, tenant, rest) : NULL;
}
