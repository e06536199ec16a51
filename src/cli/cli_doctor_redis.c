/* doctor: Redis, the shards and who works on them. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli_doctor.h"

enum { SKEW_WARN_MS = 2000, BEAT_WARN_MS = 60000 };

static void place(const struct cfg_redis *r, char *out, size_t cap)
{
    if (*r->socket)
        snprintf(out, cap, "%s", r->socket);
    else
        snprintf(out, cap, "%s:%u", r->host, r->port);
}

/* The same judgement as the worker's at its start. */
static void settings(struct cli_doctor *d, const struct store_row *info)
{
    char why[256] = "";
    int rc = store_check(info, d->c->cfg->redis.durability, why, sizeof(why));
    struct str policy = store_row_get(info, "maxmemory_policy");
    struct str aof = store_row_get(info, "appendonly"), fsync = store_row_get(info, "appendfsync");

    if (rc)
        cli_doctor_add(d, "redis.settings", rc < 0 ? CLI_HEALTH_FAIL : CLI_HEALTH_WARN, "%s", why);
    else
        cli_doctor_add(d, "redis.settings", CLI_HEALTH_OK,
                       "appendonly %.*s, appendfsync %.*s, maxmemory-policy %.*s", STR_FMT(aof),
                       STR_FMT(fsync), STR_FMT(policy));
}

static int server(struct cli_doctor *d)
{
    char where[256];
    char text[64];
    struct cli_rows rows;
    int rc = cli_store_info(d->c, &rows);
    const char *trouble = rc && d->c->store ? store_trouble(d->c->store) : NULL;

    place(&d->c->cfg->redis, where, sizeof(where));
    if (rc) {
        cli_doctor_add(d, "redis.reachable", CLI_HEALTH_FAIL, "%s: %s", where,
                       trouble && *trouble ? trouble : log_errno(rc, text));
        return rc;
    }
    cli_doctor_add(d, "redis.reachable", CLI_HEALTH_OK, "%s, version %.*s", where,
                   STR_FMT(store_get(&rows.r, "version")));
    if (rows.r.n)
        settings(d, &rows.r.row[0]);
    cli_rows_free(&rows);
    return 0;
}

static void beats(struct cli_doctor *d, const struct store_rows *rows)
{
    static const struct {
        const char *field, *check;
    } roles[] = {{"market_age_ms", "worker.market"},
                 {"deploy_age_ms", "worker.deploy"},
                 {"notify_age_ms", "worker.notify"}};

    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        int64_t age = rows->n ? store_row_int(&rows->row[0], roles[i].field, -1) : -1;

        if (age < 0)
            cli_doctor_add(d, roles[i].check, CLI_HEALTH_FAIL,
                           "no worker has ever had this role; start lastmile-worker");
        else
            cli_doctor_add(d, roles[i].check, age < BEAT_WARN_MS ? CLI_HEALTH_OK : CLI_HEALTH_FAIL,
                           "last seen %lld s ago", (long long)(age / 1000));
    }
}

static void clocks(struct cli_doctor *d, const struct store_rows *rows)
{
    int64_t now = rows->n ? store_row_int(&rows->row[0], "now", 0) : 0;
    int64_t skew = clock_wall_ms() - now;

    if (now == 0)
        return;
    cli_doctor_add(d, "clock",
                   skew > SKEW_WARN_MS || skew < -SKEW_WARN_MS ? CLI_HEALTH_WARN : CLI_HEALTH_OK,
                   "%lld ms between this host and Redis", (long long)skew);
}

static void shards(struct cli_doctor *d)
{
    unsigned n = store_shards(d->c->store), good = 0;

    for (unsigned i = 0; i < n; i++) {
        struct cli_rows rows;
        int rc = cli_store_call(d->c, i, STORE_READY, NULL, 0, &rows);

        if (rc) {
            cli_doctor_add(d, "shards", CLI_HEALTH_FAIL, "shard %u: %s", i,
                           rc == -EAGAIN ? "does not answer"
                                         : "not initialised or of another version; start a worker");
            continue;
        }
        if (store_row_int(&rows.r.row[0], "shards", 0) != n)
            cli_doctor_add(d, "shards", CLI_HEALTH_FAIL,
                           "shard %u was made for %lld shards, the configuration says %u", i,
                           (long long)store_row_int(&rows.r.row[0], "shards", 0), n);
        else
            good++;
        if (i == 0) {
            beats(d, &rows.r);
            clocks(d, &rows.r);
        }
        cli_rows_free(&rows);
    }
    if (good == n)
        cli_doctor_add(d, "shards", CLI_HEALTH_OK, "%u of %u", good, n);
}

static void queue(struct cli_doctor *d)
{
    int64_t dead = 0, live = 0;

    for (unsigned i = 0; i < store_shards(d->c->store); i++) {
        struct cli_rows rows;

        if (cli_store_call(d->c, i, STORE_STATS, NULL, 0, &rows))
            return;
        if (rows.r.n) {
            dead += store_row_int(&rows.r.row[0], "dead", 0);
            live += store_row_int(&rows.r.row[0], "live", 0);
        }
        cli_rows_free(&rows);
    }
    cli_doctor_add(d, "queue", dead ? CLI_HEALTH_WARN : CLI_HEALTH_OK,
                   "%lld tasks live, %lld given up%s", (long long)live, (long long)dead,
                   dead ? "; lastmile get orders --state stuck" : "");
}

void cli_doctor_redis(struct cli_doctor *d)
{
    if (cli_store_open(d->c)) {
        cli_doctor_add(d, "redis.reachable", CLI_HEALTH_FAIL, "no connection can be made");
        return;
    }
    if (server(d))
        return;
    shards(d);
    queue(d);
}
