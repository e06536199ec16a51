#include "req.h"

#include <assert.h>
#include <string.h>

#include "base/rand.h"

const struct req_limits req_limits_default = {
    .params_max = 200,
    .params_bytes = 64 * 1024,
    .name_max = 256,
    .value_max = 16 * 1024,
    .body_max = 512 * 1024, /* an SNS message of 256 KiB, escaped in its envelope */
    .drain_max = 16 * 1024 * 1024,
};

struct str req_param(const struct req *r, const char *name)
{
    size_t i, n = strlen(name);

    for (i = 0; i < r->nparams; i++)
        if (r->params[i].name.n == n && memcmp(r->params[i].name.p, name, n) == 0)
            return r->params[i].value;
    return str_make(NULL, 0);
}

bool req_param_twice(const struct req *r, const char *name)
{
    struct str want = str_of(name);
    size_t i, seen = 0;

    for (i = 0; i < r->nparams; i++)
        seen += str_eq(r->params[i].name, want);
    return seen > 1;
}

void req_done(struct req *r)
{
    assert(r->finish);
    r->finish(r);
}

/* Params that decide where a request goes or who sent it. Web servers repeat one with the same
 * value where a configuration names it twice; two different values are an attack or a mistake
 * (reference: nginx 1.22 passes duplicated headers on as duplicated params). */
enum key { K_METHOD, K_SCRIPT, K_INFO, K_QUERY, K_TYPE, K_FIRST_CHECKED };
static const struct str decisive[] = {
    [K_METHOD] = {"REQUEST_METHOD", 14},
    [K_SCRIPT] = {"SCRIPT_NAME", 11},
    [K_INFO] = {"PATH_INFO", 9},
    [K_QUERY] = {"QUERY_STRING", 12},
    [K_TYPE] = {"CONTENT_TYPE", 12},
    [K_FIRST_CHECKED] = {"CONTENT_LENGTH", 14},
    {"HTTP_HOST", 9},
    {"HTTP_ORIGIN", 11},
    {"HTTP_SEC_FETCH_SITE", 19},
    {"HTTP_AUTHORIZATION", 18},
    {"HTTP_CONTENT_LENGTH", 19},
    {"HTTP_CONTENT_TYPE", 17},
    {"HTTP_TRANSFER_ENCODING", 22},
    {"HTTP_IF_NONE_MATCH", 18},
    {"HTTP_IDEMPOTENCY_KEY", 20},
    {"HTTP_X_AMZ_SNS_MESSAGE_TYPE", 27},
    {"REMOTE_ADDR", 11},
    {"REMOTE_USER", 11},
};
enum { DECISIVE = sizeof(decisive) / sizeof(decisive[0]), NAME_LONGEST = 27 };

static int gather(const struct req *r, const struct str *found[DECISIVE])
{
    size_t i, k;

    for (i = 0; i < r->nparams; i++) {
        const struct req_param *p = &r->params[i];

        if (p->name.n < 9 || p->name.n > NAME_LONGEST)
            continue;
        for (k = 0; k < DECISIVE; k++) {
            if (decisive[k].n != p->name.n || memcmp(decisive[k].p, p->name.p, p->name.n) != 0)
                continue;
            if (found[k] && !str_eq(*found[k], p->value))
                return 400;
            found[k] = &p->value;
            break;
        }
    }
    return 0;
}

static enum req_method method_of(struct str s)
{
    static const struct {
        const char *name;
        enum req_method m;
    } t[] = {{"GET", REQ_GET}, {"POST", REQ_POST}, {"HEAD", REQ_HEAD}};
    size_t i;

    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        if (str_is(s, t[i].name))
            return t[i].m;
    return REQ_OTHER;
}

/* Unique, not secret: a counter spread by the finaliser of SplitMix64 from a random start. */
static void stamp(char out[17])
{
    static _Thread_local uint64_t next;
    static const char hex[] = "0123456789abcdef";
    uint64_t z;
    int i;

    if (next == 0)
        rand_bytes(&next, sizeof(next));
    z = next += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    for (i = 0; i < 16; i++)
        out[i] = hex[z >> (60 - 4 * i) & 15];
    out[16] = '\0';
}

static struct str value_or_empty(const struct str *s)
{
    return s ? *s : str_make(NULL, 0);
}

int req_prepare(struct req *r, uint64_t deadline)
{
    const struct str *found[DECISIVE] = {0};
    int status = gather(r, found);
    struct str script = value_or_empty(found[K_SCRIPT]), info = value_or_empty(found[K_INFO]);
    char *path;

    r->deadline = deadline;
    stamp(r->id);
    r->method = method_of(value_or_empty(found[K_METHOD]));
    r->query = value_or_empty(found[K_QUERY]);
    r->content_type = value_or_empty(found[K_TYPE]);
    r->path = script;
    if (info.n > 0) {
        path = arena_alloc(r->arena, script.n + info.n);
        if (!path)
            return 503;
        if (script.n)
            memcpy(path, script.p, script.n);
        memcpy(path + script.n, info.p, info.n);
        r->path = str_make(path, script.n + info.n);
    }
    return status;
}
