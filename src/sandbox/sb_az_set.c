#include "sandbox/sb_az_set.h"

#include <errno.h>
#include <stddef.h>

#include "sandbox/sb_az_jwt.h"

static const char *const quantities[] = {"absent", "null", "empty", "string", NULL};
static const char *const times[] = {"seven", "whole", "no-zone", NULL};

static const struct number {
    const char *name;
    size_t at;
    int64_t min, max;
    const char *const *words; /* NULL = a number */
} numbers[] = {
    {"settle_ms", offsetof(struct sb_az_set, settle_ms), 0, 86400000, NULL},
    {"change_ms", offsetof(struct sb_az_set, change_ms), 0, 86400000, NULL},
    {"auto_accept_ms", offsetof(struct sb_az_set, auto_accept_ms), 1, 86400000, NULL},
    {"redeliver_ms", offsetof(struct sb_az_set, redeliver_ms), 1, 86400000, NULL},
    {"redeliver_max", offsetof(struct sb_az_set, redeliver_max), 1, 500, NULL},
    {"suspend_days", offsetof(struct sb_az_set, suspend_days), 1, 365, NULL},
    {"jwt_version", offsetof(struct sb_az_set, jwt_version), 1, 2, NULL},
    {"token_s", offsetof(struct sb_az_set, token_s), 0, 86400, NULL},
    {"page_size", offsetof(struct sb_az_set, page_size), 1, 1000, NULL},
    {"unknown_operation", offsetof(struct sb_az_set, unknown_operation), 400, 404, NULL},
    {"quantity", offsetof(struct sb_az_set, quantity), 0, 0, quantities},
    {"times", offsetof(struct sb_az_set, times), 0, 0, times},
};

static const struct {
    const char *name;
    size_t at;
} flags[] = {
    {"padded", offsetof(struct sb_az_set, padded)},
    {"extra", offsetof(struct sb_az_set, extra)},
    {"sparse", offsetof(struct sb_az_set, sparse)},
    {"minimal", offsetof(struct sb_az_set, minimal)},
    {"strict_activate", offsetof(struct sb_az_set, strict_activate)},
    {"revert", offsetof(struct sb_az_set, revert)},
    {"secret_expired", offsetof(struct sb_az_set, secret_expired)},
    {"every_operation", offsetof(struct sb_az_set, every_operation)},
};

static int64_t *number_of(struct sb_az_set *set, size_t i)
{
    return (int64_t *)(void *)((char *)set + numbers[i].at);
}

static bool *flag_of(struct sb_az_set *set, size_t i)
{
    return (bool *)((char *)set + flags[i].at);
}

static bool take_number(const cJSON *o, const struct number *n, int64_t *out)
{
    if (!n->words) {
        if (!cJSON_IsNumber(o) || o->valuedouble < (double)n->min ||
            o->valuedouble > (double)n->max)
            return false;
        *out = (int64_t)o->valuedouble;
        return true;
    }
    for (int64_t i = 0; n->words[i]; i++) {
        if (cJSON_IsString(o) && str_is(str_of(o->valuestring), n->words[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool take(struct sb_az_set *set, const cJSON *o)
{
    struct str name = str_of(o->string);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (str_is(name, numbers[i].name))
            return take_number(o, &numbers[i], number_of(set, i));
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (str_is(name, flags[i].name)) {
            *flag_of(set, i) = cJSON_IsTrue(o);
            return cJSON_IsBool(o);
        }
    }
    return str_is(name, "signin_attack") && cJSON_IsArray(o) &&
           sb_az_wrong(o, &set->signin_attack) == 0;
}

int sb_az_set(struct sb_az_set *set, const cJSON *in, const char **why)
{
    struct sb_az_set next = *set;
    const cJSON *o;

    *why = "a setting is unknown or its value is out of range";
    cJSON_ArrayForEach(o, in)
    {
        if (!take(&next, o))
            return -EINVAL;
    }
    *set = next;
    return 0;
}

void sb_az_set_write(struct jsonw *w, const struct sb_az_set *set)
{
    struct sb_az_set copy = *set;

    jsonw_obj(w);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int64_t v = *number_of(&copy, i);
        if (numbers[i].words)
            jsonw_kvs(w, numbers[i].name, str_of(numbers[i].words[v]));
        else
            jsonw_kvi(w, numbers[i].name, v);
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        jsonw_kvb(w, flags[i].name, *flag_of(&copy, i));
    jsonw_obj_end(w);
}
