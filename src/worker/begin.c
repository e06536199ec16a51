/* begin: from a socket to a store that may be worked on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "worker/worker.h"

static const char *const schema = "1";

struct start {
    struct worker *w;
    unsigned left;
    int rc;
    char installation[33];
};

static void initialised(void *arg, int rc, const struct store_rows *rows)
{
    struct start *s = arg;

    if (rc && s->rc == 0)
        s->rc = rc;
    else if (rc == 0)
        str_copy(store_get(rows, "installation"), s->installation, sizeof(s->installation));
    if (--s->left == 0)
        uv_stop(s->w->loop);
}

static void server_known(void *arg, int rc, const struct store_rows *rows)
{
    struct start *s = arg;
    const struct cfg_redis *r = &s->w->now->cfg->redis;
    char why[256] = "";
    int verdict = rc ? 0 : store_check(&rows->row[0], r->durability, why, sizeof(why));

    s->rc = rc;
    if (rc == 0 && verdict < 0) {
        LOG(LOG_ERROR, "redis.refused", F("why", why));
        s->rc = -EPERM;
    } else if (verdict > 0) {
        LOG(LOG_WARN, "redis.warning", F("why", why));
    }
    uv_stop(s->w->loop);
}

static void init_range(struct start *s, unsigned from, unsigned to, const char *installation)
{
    char shards[16];
    struct str args[] = {{shards, 0}, str_of(installation), str_of(schema)};

    args[0].n = (size_t)snprintf(shards, sizeof(shards), "%u", s->w->now->cfg->redis.shards);
    s->left = to - from;
    s->rc = 0;
    for (unsigned i = from; i < to; i++)
        store_call(s->w->store, i, STORE_INIT, args, 3, initialised, s);
    if (from < to)
        uv_run(s->w->loop, UV_RUN_DEFAULT);
}

/* The first worker ever names the installation, in shard 0; everybody later asks for that name,
 * and every other shard must bear it too. */
static void init_shards(struct start *s)
{
    char name[33], ours[33];

    rand_hex(ours, 16);
    init_range(s, 0, 1, ours);
    if (s->rc == -EEXIST)
        init_range(s, 0, 1, "");
    if (s->rc)
        return;
    memcpy(name, s->installation, sizeof(name));
    init_range(s, 1, s->w->now->cfg->redis.shards, name);
}

/* Redis may come up after us: keep asking, but never work on one that would lose orders. */
int begin_store(struct worker *w)
{
    struct start s = {.w = w};

    for (unsigned tries = 0; !w->draining; tries++) {
        store_server_info(w->store, server_known, &s);
        uv_run(w->loop, UV_RUN_DEFAULT);
        if (s.rc == -EPERM)
            return s.rc;
        if (s.rc == 0) {
            init_shards(&s);
            if (s.rc == 0)
                return 0;
            if (s.rc != -EAGAIN) {
                LOG(LOG_ERROR, "redis.init", FI("rc", s.rc));
                return s.rc;
            }
        }
        LOG(LOG_WARN, "redis.waiting", FI("tries", tries));
        usleep((useconds_t)(50000 + rand_backoff_ms(tries, 100, 2000) * 1000));
    }
    return -EINTR;
}
