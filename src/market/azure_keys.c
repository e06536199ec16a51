/* The keys that sign what Microsoft sends us. The lists of the two token versions are nearly the
 * same, but nobody promises it, so the front gets both as one. */
#include <string.h>

#include "base/json.h"
#include "market/azure.h"

#define HOUR_MS (3600 * 1000ULL)

enum { KEEP_MS = 24 * HOUR_MS, KEEP_PARTIAL_MS = 10 * 60 * 1000 };

static void keys_end(struct azure_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    struct str none = {NULL, 0};

    (void)retry_after_ms;
    j->cb.keys(j->arg, cls, code, cls == MARKET_OK ? buf_view(&j->keys) : none,
               cls != MARKET_OK ? 0
               : j->partial     ? KEEP_PARTIAL_MS
                                : KEEP_MS);
}

static bool is_new(struct azure_job *j, struct str kid)
{
    const char *p;

    for (size_t i = 0; i < j->nkids; i++)
        if (str_is(kid, j->kids[i]))
            return false;
    p = j->nkids < JWK_KEYS ? arena_dup(j->a, kid) : NULL;
    if (p)
        j->kids[j->nkids++] = p;
    return p != NULL;
}

static void add(struct azure_job *j, const cJSON *answer)
{
    static const char *const members[] = {"kty", "use", "alg", "kid", "n", "e"};
    const cJSON *k;
    struct jsonw w;

    cJSON_ArrayForEach(k, json_arr(answer, "keys"))
    {
        struct str kid = json_str(k, "kid");

        if (kid.n == 0 || kid.n > JWK_KID_MAX || !str_is(json_str(k, "kty"), "RSA") ||
            !is_new(j, kid))
            continue;
        if (j->nkids > 1)
            buf_ch(&j->keys, ',');
        jsonw_init(&w, &j->keys);
        jsonw_obj(&w);
        for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
            jsonw_kvs_opt(&w, members[i], json_str(k, members[i]));
        jsonw_obj_end(&w);
    }
}

static void on_v1(struct azure_job *j, const struct azure_answer *a)
{
    if (a->cls == MARKET_OK)
        add(j, a->json);
    else if (j->nkids && a->cls != MARKET_GONE)
        j->partial = true;
    if (j->nkids == 0) {
        azure_job_end(j, a->cls == MARKET_OK ? MARKET_RETRY : a->cls,
                      a->cls == MARKET_OK ? "NoKeys" : a->code, a->retry_after_ms);
        return;
    }
    buf_cat(&j->keys, "]}");
    if (buf_err(&j->keys))
        azure_job_end(j, MARKET_RETRY, "TooManyKeys", 0);
    else
        azure_job_end(j, MARKET_OK, "", 0);
}

static void get(struct azure_job *j, const char *list, azure_answer_cb *cb)
{
    struct azure_request rq = {.method = "GET"};

    rq.url = arena_fmt(j->a, "%s/%s/%s", j->m->login, j->m->cfg->azure.tenant_id, list);
    azure_call(j, &rq, cb);
}

static void on_v2(struct azure_job *j, const struct azure_answer *a)
{
    if (a->cls == MARKET_OK)
        add(j, a->json);
    else
        j->partial = true;
    get(j, "discovery/keys", on_v1);
}

static void begin(struct azure_job *j)
{
    buf_init(&j->keys, JWK_TEXT_MAX);
    buf_cat(&j->keys, "{\"keys\":[");
    get(j, "discovery/v2.0/keys", on_v2);
}

void azure_keys(struct market *m, market_keys_cb *cb, void *arg)
{
    struct azure_job *j = azure_job_new(azure_of(m), 64 * 1024, begin, keys_end, arg);

    if (!j) {
        cb(arg, MARKET_RETRY, "NoMemory", str_make(NULL, 0), 0);
        return;
    }
    j->cb.keys = cb;
}
