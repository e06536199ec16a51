/*
 * lastmile-worker: roles market (resolve, events), deploy (engines) and notify (mail).
 *
 *   lastmile-worker --config FILE [--roles market,deploy,notify] [--check]
 *
 * SIGTERM stops claiming, lets tasks end and hands the rest back; SIGHUP reads the configuration
 * anew and keeps the old one when it is not right. Exit codes: 0, 64 usage, 69 Redis refused, 78
 * configuration.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/rand.h"
#include "store/store.h"
#include "worker/lease.h"
#include "worker/task.h"

enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69, EXIT_CONFIG = 78, WHY_MAX = 65536 };

static const char *const schema = "1";

static void lost(uv_async_t *a)
{
    struct worker *w = a->data;

    lease_reap(w->leases, task_lost);
}

static void handed_back(void *arg, int rc, const struct store_rows *rows)
{
    struct worker *w = arg;

    (void)rc;
    (void)rows;
    if (--w->running == 0)
        uv_stop(w->loop);
}

/* What did not end in time goes back at once instead of waiting for its lease to end. */
static void hand_back(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    unsigned n = 0;

    for (struct task *t = w->tasks; t; t = t->next) {
        struct str args[] = {t->id, t->token, STR("wait"), STR("0"), STR(""), STR("")};

        if (t->op)
            t->op_ops->abandon(t->op);
        store_call(w->store, t->shard, STORE_TASK_FINISH, args, 6, handed_back, w);
        n++;
    }
    LOG(LOG_WARN, "worker.handed_back", FI("tasks", n));
    w->running = n;
    if (n == 0)
        uv_stop(w->loop);
}

static void drained(struct worker *w)
{
    uv_stop(w->loop);
}

static void on_term(uv_signal_t *sig, int signum)
{
    struct worker *w = sig->data;

    if (w->draining) {
        uv_stop(w->loop);
        return;
    }
    LOG(LOG_INFO, "worker.draining", FI("signal", signum), FI("tasks", w->running));
    notify_send("STOPPING=1");
    w->draining = true;
    sched_stop(w);
    upkeep_stop(w);
    poll_stop(w);
    if (w->running == 0)
        uv_stop(w->loop);
    else
        uv_timer_start(&w->drain, hand_back, w->now->cfg->worker.drain_ms, 0);
}

static void on_hup(uv_signal_t *sig, int signum)
{
    struct worker *w = sig->data;
    struct snapshot *fresh;
    struct buf why;

    (void)signum;
    buf_init(&why, WHY_MAX);
    notify_send("RELOADING=1");
    if (snapshot_open(w, w->config_path, &fresh, &why)) {
        LOG(LOG_ERROR, "config.rejected", FS("why", buf_view(&why)));
    } else if (fresh->cfg->redis.shards != w->now->cfg->redis.shards) {
        LOG(LOG_ERROR, "config.rejected", F("why", "redis.shards is fixed at installation"));
        snapshot_unref(&fresh);
    } else {
        struct snapshot *old = w->now;

        w->now = fresh;
        snapshot_unref(&old);
        if (w->roles & ROLE_MARKET)
            poll_reload(w);
        LOG(LOG_INFO, "config.reloaded", F("file", w->config_path));
    }
    notify_send("READY=1");
    buf_free(&why);
}

static int parse_roles(struct str list, unsigned *roles)
{
    static const struct {
        const char *name;
        unsigned role;
    } names[] = {{"market", ROLE_MARKET}, {"deploy", ROLE_DEPLOY}, {"notify", ROLE_NOTIFY}};

    *roles = 0;
    while (list.n) {
        struct str one = str_cut(list, ',', &list);
        bool known = false;

        for (size_t i = 0; i < 3; i++)
            if (str_is(str_trim(one), names[i].name)) {
                *roles |= names[i].role;
                known = true;
            }
        if (!known)
            return -EINVAL;
    }
    return *roles ? 0 : -EINVAL;
}

static int usage(FILE *to, int code)
{
    fputs("usage: lastmile-worker --config FILE [--roles market,deploy,notify] [--check]\n", to);
    return code;
}

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
static int wait_for_redis(struct worker *w)
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

static void signals(struct worker *w)
{
    const struct {
        uv_signal_t *h;
        int num;
        uv_signal_cb cb;
    } rows[] = {{&w->sigterm, SIGTERM, on_term},
                {&w->sigint, SIGINT, on_term},
                {&w->sighup, SIGHUP, on_hup}};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uv_signal_init(w->loop, rows[i].h);
        rows[i].h->data = w;
        uv_signal_start(rows[i].h, rows[i].cb, rows[i].num);
    }
}

static void name_worker(struct worker *w)
{
    char host[32] = "host", tail[9];

    gethostname(host, sizeof(host) - 1);
    rand_hex(tail, 4);
    rand_hex(w->seed, 16);
    snprintf(w->id, sizeof(w->id), "%s:%d:%s", host, (int)getpid(), tail);
}

static void close_walk(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

/* Gives everything back, so that a leak checker sees what was forgotten. */
static void close_worker(struct worker *w)
{
    lease_close(&w->leases);
    poll_stop(w);
    store_close(&w->store);
    http_close(&w->http);
    for (int i = 0; i < 50 && uv_run(w->loop, UV_RUN_NOWAIT); i++)
        usleep(1000);
    if (w->tasks == NULL && w->now) {
        snapshot_unref(&w->first);
        snapshot_unref(&w->now);
    }
    for (int i = 0; i < 10; i++)
        uv_run(w->loop, UV_RUN_NOWAIT);
    uv_walk(w->loop, close_walk, NULL);
    for (int i = 0; i < 10; i++)
        uv_run(w->loop, UV_RUN_NOWAIT);
    free(w->shards);
    seal_wipe(&w->seal);
}

static int start(struct worker *w)
{
    const struct config *c = w->now->cfg;
    int rc;

    w->first = snapshot_ref(w->now);
    rc = store_open(w->loop, &c->redis, STORE_WORKER, &w->store);
    if (rc == 0 && (w->roles & ROLE_MARKET)) {
        rc = seal_load_key(c->seal_secret_file, &w->seal);
        if (rc)
            LOG(LOG_ERROR, "seal.key", F("file", c->seal_secret_file), FI("rc", rc));
    }
    if (rc == 0)
        rc = wait_for_redis(w);
    if (rc == 0)
        rc = lease_open(w, c->worker.lease_ms, &w->leases);
    if (rc == 0)
        rc = sched_start(w);
    if (rc)
        return rc;
    upkeep_start(w);
    if (w->roles & ROLE_MARKET)
        poll_start(w);
    LOG(LOG_INFO, "worker.ready", F("worker", w->id), FI("roles", w->roles),
        FI("shards", store_shards(w->store)), FI("slots", c->worker.slots));
    notify_send("READY=1");
    return 0;
}

static int run(struct worker *w, bool check_only)
{
    struct buf why;
    int rc;

    buf_init(&why, WHY_MAX);
    rc = http_open(w->loop, 64, 8, &w->http);
    if (rc == 0)
        rc = snapshot_open(w, w->config_path, &w->now, &why);
    if (rc) {
        fprintf(stderr, "%s", buf_cstr(&why));
        buf_free(&why);
        return EXIT_CONFIG;
    }
    buf_free(&why);
    if (check_only)
        return 0;
    log_init("lastmile-worker", w->now->cfg->log_level);
    uv_async_init(w->loop, &w->lost, lost);
    uv_timer_init(w->loop, &w->drain);
    w->lost.data = w->drain.data = w;
    signals(w);
    rc = start(w);
    if (rc) {
        LOG(LOG_ERROR, "worker.start", FI("rc", rc));
        return rc == -EINTR ? 0 : EXIT_UNAVAILABLE;
    }
    if (!w->draining)
        uv_run(w->loop, UV_RUN_DEFAULT);
    LOG(LOG_INFO, "worker.stopped");
    close_worker(w);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"roles", required_argument, NULL, 'r'},
                                            {"check", no_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct worker w;
    bool check_only = false;
    int opt;

    w.roles = ROLE_ALL;
    w.drained = drained;
    log_init("lastmile-worker", NULL);
    while ((opt = getopt_long(argc, argv, "c:r:th", options, NULL)) != -1) {
        switch (opt) {
        case 'c':
            w.config_path = optarg;
            break;
        case 'r':
            if (parse_roles(str_of(optarg), &w.roles))
                return usage(stderr, EXIT_USAGE);
            break;
        case 't':
            check_only = true;
            break;
        case 'h':
            return usage(stdout, 0);
        default:
            return usage(stderr, EXIT_USAGE);
        }
    }
    if (!w.config_path || optind != argc || crypto_init())
        return usage(stderr, EXIT_USAGE);
    crash_init();
    name_worker(&w);
    w.loop = uv_default_loop();
    return run(&w, check_only);
}
