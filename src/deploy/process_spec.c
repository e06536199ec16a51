#include <errno.h>
#include <string.h>

#include "deploy/process_int.h"

#define MESSAGE_MAX (96u * 1024u)
#define STOP_MS     10000

static uint64_t pick(const cJSON *limits, const char *key, uint64_t dflt)
{
    int64_t v;

    return limits && json_int(limits, key, &v) == 0 && v > 0 ? (uint64_t)v : dflt;
}

static struct cfg_limits merge(const cJSON *spec, const struct cfg_limits *t)
{
    const cJSON *l = json_obj(spec, "limits");
    struct cfg_limits out = {
        .memory = pick(l, "memory", t->memory),
        .cpu_pct = (uint32_t)pick(l, "cpu_pct", t->cpu_pct),
        .pids = (uint32_t)pick(l, "pids", t->pids),
        .disk = pick(l, "disk", t->disk),
    };

    return out;
}

static void put_limits(struct jsonw *w, const struct cfg_limits *l)
{
    jsonw_obj(w);
    jsonw_kvi(w, "memory", (int64_t)l->memory);
    jsonw_kvi(w, "cpu_pct", l->cpu_pct);
    jsonw_kvi(w, "pids", l->pids);
    jsonw_kvi(w, "disk", (int64_t)l->disk);
    jsonw_obj_end(w);
}

static bool in_template(const struct cfg_template *t, const char *name)
{
    size_t n = strlen(name);

    for (const char *const *e = t->environment; e && *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return true;
    return false;
}

/* The template's own setting of a name wins: the operator knows what his program wants. */
static void put_env(struct jsonw *w, const struct cfg_template *t, const char *name,
                    struct str value, bool *bad)
{
    struct buf b;

    if (value.n == 0 || in_template(t, name))
        return;
    *bad = *bad || !str_text(value);
    buf_init(&b, MESSAGE_MAX);
    buf_fmt(&b, "%s=", name);
    buf_str(&b, value);
    jsonw_str(w, buf_view(&b));
    buf_free(&b);
}

static struct str version_of(const cJSON *spec, const struct cfg_template *t)
{
    const cJSON *parameters = json_obj(spec, "parameters");
    struct str v = parameters ? json_str(parameters, "version") : (struct str){NULL, 0};

    for (size_t i = 0; v.n == 0 && i < t->nparameters; i++)
        if (strcmp(t->parameters[i].key, "version") == 0)
            v = str_of(t->parameters[i].value);
    return v;
}

static int put_environment(struct jsonw *w, const struct engine_call *call,
                           const struct cfg_template *t, const cJSON *spec,
                           const struct cfg_limits *limits)
{
    char *text = cJSON_PrintUnformatted(spec);
    struct jsonw lw;
    struct buf lb;
    bool bad = false;

    if (text == NULL)
        return -ENOMEM;
    buf_init(&lb, 512);
    jsonw_init(&lw, &lb);
    put_limits(&lw, limits);
    jsonw_arr(w);
    for (const char *const *e = t->environment; e && *e; e++)
        jsonw_str(w, str_of(*e));
    put_env(w, t, "LASTMILE_PLAN", str_of(call->plan), &bad);
    put_env(w, t, "LASTMILE_PLAN_TITLE", json_str(spec, "plan_title"), &bad);
    put_env(w, t, "LASTMILE_REGION", str_of(call->region), &bad);
    put_env(w, t, "LASTMILE_VERSION", version_of(spec, t), &bad);
    put_env(w, t, "LASTMILE_LIMITS", buf_view(&lb), &bad);
    put_env(w, t, "LASTMILE_SPEC", str_of(text), &bad);
    jsonw_arr_end(w);
    buf_free(&lb);
    cJSON_free(text);
    return bad ? -EINVAL : 0;
}

static int put_run(struct jsonw *w, const struct engine_call *call, const struct cfg_template *t,
                   const cJSON *spec)
{
    struct cfg_limits limits = merge(spec, &t->limits);
    int rc;

    jsonw_obj(w);
    jsonw_key(w, "command");
    jsonw_arr(w);
    for (const char *const *a = t->command; *a; a++)
        jsonw_str(w, str_of(*a));
    jsonw_arr_end(w);
    jsonw_key(w, "environment");
    rc = put_environment(w, call, t, spec, &limits);
    jsonw_key(w, "limits");
    put_limits(w, &limits);
    jsonw_kvs(w, "health_path", str_of(t->health_path[0] ? t->health_path : "/healthz"));
    jsonw_kvi(w, "health_timeout_ms",
              (int64_t)(t->health_timeout_ms ? t->health_timeout_ms : 60000));
    jsonw_kvi(w, "drain_ms", (int64_t)t->drain_ms);
    jsonw_kvi(w, "stop_ms", STOP_MS);
    jsonw_obj_end(w);
    return rc;
}

int process_spec(const struct engine_call *call, const struct cfg_template *t,
                 struct process_spec_result *out)
{
    cJSON *spec = NULL;
    struct jsonw w;
    int rc;

    buf_init(&out->json, MESSAGE_MAX);
    out->why = "the template's command must begin with an absolute path";
    if (t == NULL || t->command == NULL || t->command[0] == NULL || t->command[0][0] != '/')
        return -EINVAL;
    out->why = "the spec is not a JSON object";
    rc = json_parse(str_of(call->spec), MESSAGE_MAX, &spec);
    if (rc || !cJSON_IsObject(spec)) {
        cJSON_Delete(spec);
        return rc == -ENOMEM ? rc : -EINVAL;
    }
    out->why = "the spec holds control characters or is too large for an environment";
    jsonw_init(&w, &out->json);
    jsonw_obj(&w);
    jsonw_kvi(&w, "generation", (int64_t)call->generation);
    jsonw_kvs(&w, "spec_sha256", str_of(call->spec_sha256));
    jsonw_key(&w, "run");
    rc = put_run(&w, call, t, spec);
    jsonw_obj_end(&w);
    if (rc == 0 && buf_err(&out->json))
        rc = -EINVAL;
    cJSON_Delete(spec);
    return rc;
}
