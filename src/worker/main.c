/*
 * lastmile-worker: roles market (resolve, events), deploy (engines) and notify (mail).
 *
 *   lastmile-worker --config FILE [--roles market,deploy,notify] [--check] [--version]
 *
 * SIGTERM stops claiming, lets tasks end and hands the rest back; SIGHUP reads the configuration
 * anew and keeps the old one when it is not right. Exit codes: 0, 64 usage, 69 Redis refused, 78
 * configuration.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/rand.h"
#include "store/store.h"
#include "worker/lease.h"
#include "worker/task.h"

enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69, EXIT_CONFIG = 78 };

static void lost(uv_async_t *a)
{
    struct worker *w = a->data;

    lease_reap(w->leases, task_lost);
}

static int usage(FILE *to, int code)
{
    fputs("usage: lastmile-worker --config FILE [--roles market,deploy,notify] [--check]\n", to);
    return code;
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
    http_limit(w->http, c->worker.http_in_flight);
    rc = store_open(w->loop, &c->redis, STORE_WORKER, &w->store);
    if (rc == 0 && (w->roles & ROLE_MARKET)) {
        rc = seal_load_key(c->seal_secret_file, &w->seal);
        if (rc)
            LOG(LOG_ERROR, "seal.key", F("file", c->seal_secret_file), FI("rc", rc));
    }
    if (rc == 0)
        rc = begin_store(w);
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

    buf_init(&why, SNAPSHOT_WHY_MAX);
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
    w->lost.data = w;
    control_start(w);
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
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"roles", required_argument, NULL, 'r'},
        {"check", no_argument, NULL, 't'},        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    static struct worker w;
    bool check_only = false;
    int opt;

    w.roles = ROLE_ALL;
    log_init("lastmile-worker", NULL);
    while ((opt = getopt_long(argc, argv, "c:r:tVh", options, NULL)) != -1) {
        switch (opt) {
        case 'c':
            w.config_path = optarg;
            break;
        case 'r':
            if (config_roles(str_of(optarg), &w.roles))
                return usage(stderr, EXIT_USAGE);
            break;
        case 't':
            check_only = true;
            break;
        case 'V':
            return puts("lastmile-worker " LASTMILE_VERSION) < 0;
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
