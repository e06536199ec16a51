#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/file.h"
#include "store/store_internal.h"

enum { PASSWORD_MAX = 1024 };

static const char *first(const char *a, const char *b)
{
    return a && a[0] ? a : (b ? b : "");
}

static int read_login(struct store *s, enum store_user user)
{
    const struct cfg_redis *c = s->cfg;
    const char *name[] = {c->front_user, c->worker_user, c->cli_user};
    const char *file[] = {c->front_password_file, c->worker_password_file, c->cli_password_file};
    const char *path = first(file[user], c->password_file);

    s->redis_cfg.user = first(name[user], c->user);
    s->redis_cfg.password = "";
    if (path[0]) {
        int rc = file_read_secret(path, &s->password);

        if (rc)
            return rc;
        s->redis_cfg.password = buf_cstr(&s->password);
    }
    return 0;
}

static void free_store(struct store *s)
{
    if (s->password.p)
        explicit_bzero(s->password.p, s->password.cap);
    buf_free(&s->password);
    free(s);
}

static int open_conn(struct store *s, struct redis **out)
{
    struct redis_hooks hooks = store_hooks;
    int rc;

    hooks.owner = s;
    rc = redis_open(s->loop, &s->redis_cfg, &hooks, out);
    if (!rc)
        s->open++;
    return rc;
}

int store_open(uv_loop_t *loop, const struct cfg_redis *cfg, enum store_user user,
               struct store **out)
{
    struct store *s;
    int rc = script_init();

    if (rc)
        return rc;
    if (cfg->shards < 1 || cfg->shards > ID_SHARDS_MAX || cfg->connect_ms == 0 ||
        cfg->command_ms == 0)
        return -EINVAL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->cfg = cfg;
    for (unsigned i = 0; i < cfg->shards; i++)
        snprintf(s->tag[i], sizeof(s->tag[i]), "{p%u}:", i);
    buf_init(&s->password, PASSWORD_MAX);
    s->redis_cfg.socket = first(cfg->socket, "");
    s->redis_cfg.host = first(cfg->host, "127.0.0.1");
    s->redis_cfg.port = cfg->port ? cfg->port : 6379;
    s->redis_cfg.connect_ms = cfg->connect_ms;
    rc = read_login(s, user);
    if (!rc)
        rc = open_conn(s, &s->main);
    if (rc)
        free_store(s);
    else
        *out = s;
    return rc;
}

void store_close(struct store **sp)
{
    struct store *s = *sp;

    if (!s)
        return;
    *sp = NULL;
    for (unsigned i = 0; i < s->cfg->shards; i++)
        if (s->waits[i])
            redis_close(s->waits[i]);
    redis_close(s->main);
}

unsigned store_shards(const struct store *s)
{
    return s->cfg->shards;
}

bool store_connected(const struct store *s)
{
    return redis_up(s->main);
}

const char *store_trouble(const struct store *s)
{
    return s->trouble[0] ? s->trouble : redis_trouble(s->main);
}

static void on_fail(void *owner, struct redis_call *call, int rc)
{
    (void)owner;
    free(call->kept);
    call->kept = NULL;
    call->cb(call->arg, rc, NULL);
}

static void on_closed(void *owner)
{
    struct store *s = owner;

    if (--s->open == 0)
        free_store(s);
}

struct redis_call *store_new_call(struct store *s, struct redis *c, enum call_kind kind,
                                  store_cb *cb, void *arg)
{
    struct redis_call *call = redis_call_new(c);

    if (!call) {
        cb(arg, -EAGAIN, NULL);
        return NULL;
    }
    call->kind = kind;
    call->cb = cb;
    call->arg = arg;
    call->replies = 1;
    call->timeout_ms = s->cfg->command_ms;
    return call;
}

static struct str shard_key(const struct store *s, char *text, size_t cap, unsigned shard,
                            struct str kind, struct str id)
{
    const struct str part[] = {str_of(shard < s->cfg->shards ? s->tag[shard] : ""), kind, id};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        if (part[i].n > cap - n)
            return str_of("");
        if (part[i].n)
            memcpy(text + n, part[i].p, part[i].n);
        n += part[i].n;
    }
    return str_make(text, n);
}

/* WAIT n ms behind a writing script: its reply says how many replicas have the write. */
static void add_wait(struct store *s, struct redis_call *call)
{
    char text[24];

    redis_array(&call->cmd, 3);
    redis_bulk(&call->cmd, STR("WAIT"));
    snprintf(text, sizeof(text), "%u", (unsigned)s->cfg->wait_replicas);
    redis_bulk(&call->cmd, str_of(text));
    snprintf(text, sizeof(text), "%llu", (unsigned long long)s->cfg->wait_ms);
    redis_bulk(&call->cmd, str_of(text));
    call->replies = 2;
    call->timeout_ms += s->cfg->wait_ms;
}

void store_call(struct store *s, unsigned shard, enum store_script id, const struct str *args,
                size_t nargs, store_cb *cb, void *arg)
{
    const struct script *script = script_get(id);
    bool upsert = id == STORE_ORDER_UPSERT && nargs >= 2;
    struct redis_call *call = store_new_call(s, s->main, CALL_SCRIPT, cb, arg);
    char key[24], tenant[ID_TENANT];

    if (!call)
        return;
    crash_point(script->before);
    call->script = id;
    redis_array(&call->cmd, 4 + nargs + (upsert ? 2 : 0));
    redis_bulk(&call->cmd, STR("EVALSHA"));
    redis_bulk(&call->cmd, str_make(script->sha, SHA1_HEX - 1));
    redis_bulk(&call->cmd, STR("1"));
    redis_bulk(&call->cmd, shard_key(s, key, sizeof(key), shard, STR("meta"), STR("")));
    for (size_t i = 0; i < nargs; i++)
        redis_bulk(&call->cmd, args[i]);
    if (upsert) { /* the tenant's name follows from the order's: nobody else has to know how */
        id_tenant(args[0], tenant);
        redis_bulk(&call->cmd, STR("tid"));
        redis_bulk(&call->cmd, str_of(tenant));
    }
    if (script->writes && s->cfg->wait_replicas)
        add_wait(s, call);
    if (shard >= s->cfg->shards)
        redis_reject(s->main, call, -EINVAL);
    else
        redis_send(s->main, call);
}

/* HMGET of the names. The key has the first one if it is there at all. */
static void fields(struct store *s, struct str key, const char *const *names, size_t n,
                   store_cb *cb, void *arg)
{
    struct redis_call *call = store_new_call(s, s->main, CALL_FIELDS, cb, arg);

    if (!call)
        return;
    if (key.n == 0) {
        redis_reject(s->main, call, -ENOENT);
        return;
    }
    call->names = names;
    call->n = n;
    redis_array(&call->cmd, 2 + n);
    redis_bulk(&call->cmd, STR("HMGET"));
    redis_bulk(&call->cmd, key);
    for (size_t i = 0; i < n; i++)
        redis_bulk(&call->cmd, str_of(names[i]));
    redis_send(s->main, call);
}

void store_order_fields(struct store *s, struct str order_id, const char *const *names, size_t n,
                        store_cb *cb, void *arg)
{
    struct str key = str_of("");
    char text[96];
    unsigned shard;

    if (id_shard(order_id, s->cfg->shards, &shard) == 0)
        key = shard_key(s, text, sizeof(text), shard, STR("o:"), order_id);
    fields(s, key, names, n, cb, arg);
}

void store_capability(struct store *s, unsigned shard, struct str cap_hash, store_cb *cb, void *arg)
{
    static const char *const names[] = {"order"};
    struct str key = str_of("");
    char text[96];

    if (shard < s->cfg->shards)
        key = shard_key(s, text, sizeof(text), shard, STR("s:"), cap_hash);
    fields(s, key, names, 1, cb, arg);
}

void store_wait(struct store *s, unsigned shard, const char *const *roles, size_t nroles,
                uint64_t wait_ms, store_cb *cb, void *arg)
{
    bool bad = shard >= s->cfg->shards || nroles == 0 || wait_ms == 0;
    struct redis *c = bad ? s->main : s->waits[shard];
    struct redis_call *call;
    char text[64];

    if (!c && open_conn(s, &s->waits[shard]) == 0)
        c = s->waits[shard];
    call = store_new_call(s, c ? c : s->main, CALL_WAIT, cb, arg);
    if (!call)
        return;
    if (bad || !c) {
        redis_reject(s->main, call, bad ? -EINVAL : -EAGAIN);
        return;
    }
    redis_array(&call->cmd, 2 + nroles);
    redis_bulk(&call->cmd, STR("BZPOPMIN"));
    for (size_t i = 0; i < nroles; i++)
        redis_bulk(&call->cmd,
                   shard_key(s, text, sizeof(text), shard, STR("wake:"), str_of(roles[i])));
    snprintf(text, sizeof(text), "%llu.%03u", (unsigned long long)(wait_ms / 1000),
             (unsigned)(wait_ms % 1000));
    redis_bulk(&call->cmd, str_of(text));
    call->timeout_ms += wait_ms;
    redis_send(c, call);
}

void store_server_info(struct store *s, store_cb *cb, void *arg)
{
    static const char *const words[] = {"CONFIG", "GET", "appendfsync"};
    struct redis_call *call = store_new_call(s, s->main, CALL_INFO, cb, arg);

    if (!call)
        return;
    redis_array(&call->cmd, 1);
    redis_bulk(&call->cmd, STR("INFO"));
    redis_array(&call->cmd, 3);
    for (size_t i = 0; i < 3; i++)
        redis_bulk(&call->cmd, str_of(words[i]));
    call->replies = 2;
    redis_send(s->main, call);
}

const struct redis_hooks store_hooks = {store_on_reply, on_fail, on_closed, NULL};
