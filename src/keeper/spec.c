#include "spec.h"

#include <errno.h>
#include <string.h>

#define NUM_MAX ((int64_t)1 << 50)

static int get_num(const cJSON *obj, const char *key, uint64_t dflt, uint64_t *out)
{
    int64_t v;
    int rc = json_int(obj, key, &v);

    *out = dflt;
    if (rc == -ENOENT)
        return 0;
    if (rc || v < 0 || v > NUM_MAX)
        return -EINVAL;
    *out = (uint64_t)v;
    return 0;
}

static int get_list(struct arena *a, const cJSON *arr, size_t max, const char ***out, size_t *n)
{
    const cJSON *item;
    int len = cJSON_GetArraySize(arr);

    if (len < 0 || (size_t)len > max)
        return -EINVAL;
    *out = arena_alloc(a, ((size_t)len + 1) * sizeof(**out));
    if (*out == NULL)
        return -ENOMEM;
    *n = 0;
    cJSON_ArrayForEach(item, arr)
    {
        if (!cJSON_IsString(item) || !str_text(str_of(item->valuestring)))
            return -EINVAL;
        (*out)[*n] = arena_dup(a, str_of(item->valuestring));
        if ((*out)[(*n)++] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static bool env_name_ok(struct str name)
{
    static const char *const ours[] = {"TENANT_SOCKET", "LASTMILE_GENERATION"};

    if (name.n == 0 || name.n > 64 || str_starts(name, STR("LISTEN_")))
        return false;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (str_is(name, ours[i]))
            return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool digit = c >= '0' && c <= '9';

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (digit && i)))
            return false;
    }
    return true;
}

static bool path_ok(const char *p)
{
    if (p[0] != '/' || strlen(p) > 256)
        return false;
    for (; *p; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    return true;
}

static int parse_numbers(const cJSON *run, struct spec *s)
{
    const cJSON *l = json_obj(run, "limits");

    if (get_num(run, "health_timeout_ms", 60000, &s->health_timeout_ms) ||
        get_num(run, "health_interval_ms", 10000, &s->health_interval_ms) ||
        get_num(run, "drain_ms", 5000, &s->drain_ms) ||
        get_num(run, "stop_ms", 10000, &s->stop_ms) || s->health_interval_ms == 0)
        return -EINVAL;
    if (l == NULL)
        return 0;
    if (get_num(l, "memory", 0, &s->limits.memory) ||
        get_num(l, "cpu_pct", 0, &s->limits.cpu_pct) || get_num(l, "pids", 0, &s->limits.pids) ||
        get_num(l, "disk", 0, &s->limits.disk) || s->limits.cpu_pct > 1000000)
        return -EINVAL;
    return 0;
}

static int parse_run(const cJSON *run, struct spec *s, const char **why)
{
    struct str health = json_str(run, "health_path"), rest;
    size_t argc = 0;
    int rc = get_list(s->arena, json_arr(run, "command"), SPEC_ARGS, &s->argv, &argc);

    *why = "command: an absolute program path and text arguments are needed";
    if (rc || argc == 0 || s->argv[0][0] != '/')
        return rc ? rc : -EINVAL;
    *why = "environment: K=V texts without control characters are needed";
    rc = get_list(s->arena, json_arr(run, "environment"), SPEC_ENVS, &s->env, &s->nenv);
    if (rc)
        return rc;
    for (size_t i = 0; i < s->nenv; i++)
        if (strchr(s->env[i], '=') == NULL || !env_name_ok(str_cut(str_of(s->env[i]), '=', &rest)))
            return -EINVAL;
    *why = "health_path: an absolute path of printable ASCII is needed";
    s->health_path = health.n ? arena_dup(s->arena, health) : "/healthz";
    if (s->health_path == NULL)
        return -ENOMEM;
    if (!path_ok(s->health_path))
        return -EINVAL;
    *why = "limits and times: whole numbers are needed";
    return parse_numbers(run, s);
}

static int keep_text(const cJSON *obj, struct arena *a, struct str *out)
{
    char *text = cJSON_PrintUnformatted(obj);

    if (text == NULL)
        return -ENOMEM;
    *out = arena_str(a, str_of(text));
    cJSON_free(text);
    return out->n ? 0 : -ENOMEM;
}

int spec_parse(const cJSON *obj, struct spec **out, const char **why)
{
    struct arena *a = arena_new(4096, 4 * SPEC_MAX);
    struct spec *s = a ? arena_alloc(a, sizeof(*s)) : NULL;
    const cJSON *run = json_obj(obj, "run");
    struct str run_text;
    int rc = -ENOMEM;

    *out = NULL;
    *why = "out of memory";
    if (s == NULL)
        goto out;
    s->arena = a;
    s->refs = 1;
    rc = -EINVAL;
    *why = "a run object, a generation and a spec_sha256 are needed";
    if (run == NULL || get_num(obj, "generation", 0, &s->generation))
        goto out;
    s->spec_sha256 = arena_dup(a, json_str(obj, "spec_sha256"));
    rc = s->spec_sha256 ? parse_run(run, s, why) : -ENOMEM;
    if (rc == 0)
        rc = keep_text(obj, a, &s->json);
    if (rc == 0)
        rc = keep_text(run, a, &run_text);
    if (rc)
        goto out;
    hash_sha256_hex(run_text, s->hash);
    *out = s;
    a = NULL;
out:
    arena_free(&a);
    return rc;
}

struct spec *spec_ref(struct spec *s)
{
    if (s)
        s->refs++;
    return s;
}

void spec_unref(struct spec **s)
{
    struct arena *a;

    if (*s && --(*s)->refs == 0) {
        a = (*s)->arena;
        arena_free(&a);
    }
    *s = NULL;
}

bool spec_same(const struct spec *a, const struct spec *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a->hash, b->hash) == 0;
}
