#include "market/aws_creds.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "market/aws_creds_int.h"

#define MINUTE 60000LL

enum { FETCH_ROOM = 256 * 1024, NO_RETRY_MS = 3000, STATIC_REREAD_MS = 5 * 60000 };

static const char *const env_names[ENV_N] = {
    [ENV_KEY] = "AWS_ACCESS_KEY_ID",
    [ENV_SECRET] = "AWS_SECRET_ACCESS_KEY",
    [ENV_TOKEN] = "AWS_SESSION_TOKEN",
    [ENV_WEB_FILE] = "AWS_WEB_IDENTITY_TOKEN_FILE",
    [ENV_WEB_ROLE] = "AWS_ROLE_ARN",
    [ENV_WEB_SESSION] = "AWS_ROLE_SESSION_NAME",
    [ENV_CREDENTIALS_FILE] = "AWS_SHARED_CREDENTIALS_FILE",
    [ENV_CONFIG_FILE] = "AWS_CONFIG_FILE",
    [ENV_PROFILE] = "AWS_PROFILE",
    [ENV_HOME] = "HOME",
    [ENV_ECS_RELATIVE] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    [ENV_ECS_FULL] = "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    [ENV_ECS_TOKEN_FILE] = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    [ENV_ECS_TOKEN] = "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    [ENV_IMDS_OFF] = "AWS_EC2_METADATA_DISABLED",
    [ENV_IMDS_ENDPOINT] = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
};

static creds_source *const chain[] = {creds_from_env, creds_from_web, creds_from_files,
                                      creds_from_ecs, creds_from_imds};
enum { CHAIN = sizeof(chain) / sizeof(*chain), FILES_AT = 2 };

static void set_free(struct creds_set *s)
{
    arena_free(&s->a);
    *s = (struct creds_set){0};
}

static void flush(struct aws_creds *c)
{
    struct aws_creds_wait *w;

    TAILQ_CONCAT(&c->ready, &c->waiting, link);
    while (!c->closing && (w = TAILQ_FIRST(&c->ready))) {
        bool usable = c->cur.a && (c->cur.expires_ms == 0 || c->cur.expires_ms > clock_wall_ms());

        TAILQ_REMOVE(&c->ready, w, link);
        w->listed = false;
        w->cb(w->arg, usable ? 0 : c->last_rc, usable ? "" : c->last_why);
    }
}

static void fetch_end(struct aws_creds *c)
{
    set_free(&c->have);
    arena_free(&c->fetch);
    c->imds_token = NULL;
    c->nroles = c->tries = 0;
}

void creds_failed(struct aws_creds *c, int rc, const char *why)
{
    fetch_end(c);
    c->last_rc = rc;
    c->last_why = why;
    c->retry_at = clock_wall_ms() + NO_RETRY_MS + (int64_t)rand_below(NO_RETRY_MS);
    flush(c);
}

static int64_t refresh_time(int64_t now, int64_t expires)
{
    int64_t margin = 5 * MINUTE + (int64_t)rand_below(10 * MINUTE);

    if (expires == 0)
        return now + STATIC_REREAD_MS;
    if (margin > (expires - now) / 2)
        margin = (expires - now) / 4;
    return expires - margin;
}

static void publish(struct aws_creds *c)
{
    int64_t now = clock_wall_ms();

    set_free(&c->cur);
    c->cur = c->have;
    c->have = (struct creds_set){0};
    fetch_end(c);
    c->generation++;
    c->last_rc = 0;
    c->last_why = "";
    c->retry_at = 0;
    c->refresh_at = refresh_time(now, c->cur.expires_ms);
    flush(c);
}

void creds_found(struct aws_creds *c, struct str id, struct str secret, struct str token,
                 int64_t expires_ms)
{
    struct creds_set s = {.expires_ms = expires_ms};

    if (id.n == 0 || secret.n == 0 || !str_text(id) || !str_text(secret) || !str_text(token)) {
        creds_failed(c, -EACCES, "the source gave incomplete credentials");
        return;
    }
    s.a = arena_new(2048, 64 * 1024);
    if (s.a) {
        arena_secret(s.a);
        s.k.access_key_id = arena_dup(s.a, id);
        s.k.secret_access_key = arena_dup(s.a, secret);
        s.k.session_token = arena_dup(s.a, token);
    }
    if (!s.a || !s.k.access_key_id || !s.k.secret_access_key || !s.k.session_token) {
        set_free(&s);
        creds_failed(c, -EAGAIN, "no memory");
        return;
    }
    set_free(&c->have);
    c->have = s;
    c->tries = 0;
    if (c->nroles)
        creds_assume(c, &c->roles[--c->nroles]);
    else
        publish(c);
}

static void walk(struct aws_creds *c)
{
    for (; c->source < CHAIN; c->source++)
        if (chain[c->source](c))
            return;
    creds_failed(c, -ENOENT, "no AWS credentials found");
}

static void fetch_begin(struct aws_creds *c)
{
    c->fetch = arena_new(4096, FETCH_ROOM);
    if (!c->fetch) {
        creds_failed(c, -EAGAIN, "no memory");
        return;
    }
    arena_secret(c->fetch);
    c->nroles = c->tries = 0;
    if (*c->cfg.role_arn)
        c->roles[c->nroles++] =
            (struct creds_role){c->cfg.role_arn, c->cfg.external_id, c->env[ENV_WEB_SESSION]};
    c->source = *c->cfg.credentials_file || *c->cfg.profile ? FILES_AT : 0;
    walk(c);
}

static void on_kick(uv_timer_t *t)
{
    struct aws_creds *c = t->data;

    if (c->fetch)
        return;
    if (clock_wall_ms() < c->retry_at)
        flush(c);
    else
        fetch_begin(c);
}

void aws_creds_renew(struct aws_creds *c)
{
    c->retry_at = 0;
    c->refresh_at = 0;
    uv_timer_start(&c->kick, on_kick, 0, 0);
}

bool aws_creds_now(struct aws_creds *c, struct sigv4_credentials *out, uint64_t *generation)
{
    int64_t now = clock_wall_ms();

    if (!c->cur.a || (c->cur.expires_ms && now >= c->cur.expires_ms))
        return false;
    if (now >= c->refresh_at && now >= c->retry_at && !c->fetch)
        uv_timer_start(&c->kick, on_kick, 0, 0);
    *out = c->cur.k;
    *generation = c->generation;
    return true;
}

void aws_creds_wait(struct aws_creds *c, struct aws_creds_wait *w, aws_creds_cb *cb, void *arg)
{
    *w = (struct aws_creds_wait){.cb = cb, .arg = arg, .listed = true};
    TAILQ_INSERT_TAIL(&c->waiting, w, link);
    uv_timer_start(&c->kick, on_kick, 0, 0);
}

void aws_creds_unwait(struct aws_creds *c, struct aws_creds_wait *w)
{
    struct aws_creds_wait *x;

    if (!w->listed)
        return;
    w->listed = false;
    for (x = TAILQ_FIRST(&c->waiting); x && x != w; x = TAILQ_NEXT(x, link))
        ;
    if (x)
        TAILQ_REMOVE(&c->waiting, w, link);
    else
        TAILQ_REMOVE(&c->ready, w, link);
}

bool aws_creds_expire(struct aws_creds *c, uint64_t generation)
{
    if (generation != c->generation)
        return true;
    if (!c->cur.a || !*c->cur.k.session_token)
        return false;
    set_free(&c->cur);
    c->retry_at = 0;
    return true;
}

static int open_env(struct aws_creds *c)
{
    for (unsigned i = 0; i < ENV_N; i++) {
        const char *v = c->cfg.getenv ? c->cfg.getenv(env_names[i]) : getenv(env_names[i]);

        c->env[i] = v && *v ? arena_dup(c->a, str_of(v)) : "";
        if (!c->env[i])
            return -ENOMEM;
    }
    return 0;
}

int aws_creds_open(const struct aws_creds_config *cfg, struct aws_creds **out)
{
    struct aws_creds *c = calloc(1, sizeof(*c));
    int rc = -ENOMEM;

    *out = NULL;
    if (!c)
        return rc;
    c->cfg = *cfg;
    c->a = arena_new(4096, 128 * 1024);
    if (c->a) {
        arena_secret(c->a);
        rc = open_env(c);
    }
    if (rc) {
        arena_free(&c->a);
        free(c);
        return rc;
    }
    c->last_rc = -EAGAIN;
    c->last_why = "";
    TAILQ_INIT(&c->waiting);
    TAILQ_INIT(&c->ready);
    uv_timer_init(cfg->loop, &c->kick);
    c->kick.data = c;
    *out = c;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct aws_creds *c = handle->data;

    arena_free(&c->a);
    free(c);
}

void aws_creds_close(struct aws_creds **cp)
{
    struct aws_creds *c = *cp;

    if (!c)
        return;
    *cp = NULL;
    c->closing = true;
    if (c->call)
        http_cancel(c->call);
    fetch_end(c);
    set_free(&c->cur);
    uv_close((uv_handle_t *)&c->kick, on_closed);
}
