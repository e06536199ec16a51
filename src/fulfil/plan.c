#include "fulfil/plan.h"

#include <errno.h>
#include <string.h>

enum { FORM_MAX = 65536 };

static bool truthy(struct str v)
{
    return v.n && !str_is(v, "0") && !str_is(v, "false");
}

const struct cfg_plan *plan_named_by(const struct cfg_market *m, const struct market_entitlement *e,
                                     size_t n, uint64_t *quantity)
{
    const struct cfg_plan *best = NULL;

    *quantity = 1;
    for (size_t i = 0; i < n; i++) {
        const struct cfg_plan *p = config_plan_by_dimension(m, str_of(e[i].dimension));
        uint64_t q = 1;

        if (!p || !truthy(str_of(e[i].value)) || (best && p < best))
            continue;
        best = p;
        if (str_u64(str_of(e[i].value), UINT32_MAX, &q) || q == 0)
            q = 1;
        *quantity = q;
    }
    return best;
}

const struct cfg_plan *plan_of_entitlements(const struct cfg_market *m,
                                            const struct market_entitlement *e, size_t n,
                                            uint64_t *quantity)
{
    const struct cfg_plan *p = plan_named_by(m, e, n, quantity);

    return p ? p : config_plan_default(m);
}

void plan_entitlements_json(const struct market_entitlement *e, size_t n, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        jsonw_obj(&w);
        jsonw_kvs(&w, "dimension", str_of(e[i].dimension));
        jsonw_kvs(&w, "value", str_of(e[i].value));
        if (e[i].expires_ms)
            jsonw_kvi(&w, "expires", e[i].expires_ms);
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
}

static uint64_t or_else(uint64_t a, uint64_t b)
{
    return a ? a : b;
}

static void limits(struct jsonw *w, const struct cfg_limits *plan, const struct cfg_limits *tmpl)
{
    jsonw_key(w, "limits");
    jsonw_obj(w);
    jsonw_kvi(w, "memory", (int64_t)or_else(plan->memory, tmpl->memory));
    jsonw_kvi(w, "cpu_pct", (int64_t)or_else(plan->cpu_pct, tmpl->cpu_pct));
    jsonw_kvi(w, "pids", (int64_t)or_else(plan->pids, tmpl->pids));
    jsonw_kvi(w, "disk", (int64_t)or_else(plan->disk, tmpl->disk));
    jsonw_obj_end(w);
}

static bool overridden(const struct cfg_plan *p, const char *key)
{
    for (size_t i = 0; i < p->nparameters; i++)
        if (strcmp(p->parameters[i].key, key) == 0)
            return true;
    return false;
}

static void parameters(struct jsonw *w, const struct cfg_plan *p, const struct cfg_template *t)
{
    jsonw_key(w, "parameters");
    jsonw_obj(w);
    for (size_t i = 0; t && i < t->nparameters; i++)
        if (!overridden(p, t->parameters[i].key))
            jsonw_kvs(w, t->parameters[i].key, str_of(t->parameters[i].value));
    for (size_t i = 0; i < p->nparameters; i++)
        jsonw_kvs(w, p->parameters[i].key, str_of(p->parameters[i].value));
    jsonw_obj_end(w);
}

struct str plan_region(struct arena *a, const struct cfg_plan *plan, struct str form)
{
    struct str region = STR("");
    cJSON *j = NULL;

    if (form.n && json_parse(form, FORM_MAX, &j) == 0)
        region = arena_str(a, json_str(j, "region"));
    cJSON_Delete(j);
    if (region.n == 0 && plan && plan->regions && plan->regions[0])
        region = str_of(plan->regions[0]);
    return region;
}

bool plan_elsewhere(struct str outputs, const struct plan_place *want, struct buf *why)
{
    struct str cloud, region;
    cJSON *j = NULL;
    bool wrong;

    if (outputs.n == 0 || json_parse(outputs, FORM_MAX, &j))
        return false;
    cloud = json_str(j, "cloud");
    region = json_str(j, "region");
    wrong = (cloud.n && want->cloud.n && !str_ieq(cloud, want->cloud)) ||
            (region.n && want->region.n && !str_ieq(region, want->region));
    if (wrong)
        buf_fmt(why, "the engine reports %.*s %.*s, the order is for %.*s %.*s", STR_FMT(cloud),
                STR_FMT(region), STR_FMT(want->cloud), STR_FMT(want->region));
    cJSON_Delete(j);
    return wrong;
}

int plan_spec(const struct plan_spec_in *in, struct buf *out)
{
    static const struct cfg_limits none;
    const struct cfg_plan *p = in->plan;
    cJSON *form = NULL;
    struct jsonw w;
    uint64_t q = 1;
    int rc = in->form.n ? json_parse(in->form, FORM_MAX, &form) : 0;

    if (rc)
        return rc;
    if (in->quantity.n && str_u64(in->quantity, UINT32_MAX, &q))
        q = 1;
    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "plan", str_of(p->name));
    jsonw_kvs(&w, "plan_title", str_of(p->title));
    jsonw_kvi(&w, "quantity", (int64_t)q);
    jsonw_kvs(&w, "region", in->region);
    jsonw_kvb(&w, "high_availability", p->high_availability);
    jsonw_kvs(&w, "network", str_of(p->network));
    jsonw_kvs(&w, "support_tier", str_of(p->support_tier));
    limits(&w, &p->limits, in->tmpl ? &in->tmpl->limits : &none);
    parameters(&w, p, in->tmpl);
    jsonw_key(&w, "buyer");
    jsonw_obj(&w);
    jsonw_kvs_opt(&w, "company", json_str(form, "company"));
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    cJSON_Delete(form);
    return buf_err(out);
}
