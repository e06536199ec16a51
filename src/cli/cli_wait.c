#include "cli/cli_wait.h"

#include <errno.h>
#include <string.h>

#include "store/state.h"

enum { POLL_MS = 500, SETTLE_MS = 3000 };

#define S(f) (1u << (f))

static const struct goal {
    const char *verb;
    unsigned reached; /* fulfilment states that mean done */
    unsigned failed;  /* and those that mean it will not */
    bool idle;        /* done as soon as no task of the order runs */
} goals[] = {
    {"retry", S(FULFIL_READY), S(FULFIL_FAILED) | S(FULFIL_STUCK) | S(FULFIL_CLOSED), false},
    {"suspend", S(FULFIL_SUSPENDED) | S(FULFIL_CLOSED), S(FULFIL_STUCK), false},
    {"resume", S(FULFIL_READY), S(FULFIL_FAILED) | S(FULFIL_STUCK) | S(FULFIL_CLOSED), false},
    {"approve", S(FULFIL_READY), S(FULFIL_FAILED) | S(FULFIL_STUCK) | S(FULFIL_CLOSED), false},
    {"reject", S(FULFIL_CLOSED), S(FULFIL_STUCK), false},
    {"cancel", 0, 0, true},
    {"delete", S(FULFIL_CLOSED), S(FULFIL_STUCK), false},
};

static const struct goal *goal_of(const char *verb)
{
    size_t i = 0;

    while (strcmp(goals[i].verb, verb) != 0)
        i++;
    return &goals[i];
}

static bool runs(const struct store_rows *rows)
{
    for (size_t i = 1; i < rows->n; i++)
        if (str_is(store_row_get(&rows->row[i], "state"), "running"))
            return true;
    return false;
}

static int look(struct cli *c, unsigned shard, const char *id, enum fulfilment *out, bool *running)
{
    const struct str args[] = {str_of(id)};
    struct cli_rows rows;
    int rc = cli_store_call(c, shard, STORE_ORDER_GET, args, 1, &rows);

    if (rc)
        return rc;
    rc = fulfilment_parse(store_get(&rows.r, "o.fulfilment"), out);
    *running = runs(&rows.r);
    cli_rows_free(&rows);
    return rc ? -EPROTO : 0;
}

enum cli_exit cli_wait(struct cli *c, unsigned shard, const char *id, const char *verb)
{
    const struct goal *goal = goal_of(verb);
    enum fulfilment last = FULFIL_CLOSED, now = FULFIL_CLOSED;
    bool moved = false, running = false;
    uint64_t waited = 0;

    for (;;) {
        int rc = look(c, shard, id, &now, &running);

        if (rc && rc != -EAGAIN)
            return cli_store_fail(c, rc, "waiting");
        if (rc == 0 && waited && now != last)
            moved = true;
        if (rc == 0 && (!waited || now != last))
            cli_say("%s", fulfilment_name(now));
        if (rc == 0 && (goal->reached & S(now) || (goal->idle && !running)))
            return CLI_OK;
        /* A worker needs a moment to leave the state that the retry is about. */
        if (rc == 0 && goal->failed & S(now) && (moved || waited >= SETTLE_MS))
            return cli_fail(CLI_FAILED, "%s ended as %s; see lastmile describe order %s", verb,
                            fulfilment_name(now), id);
        last = now;
        rc = cli_store_sleep(c, POLL_MS);
        if (rc)
            return cli_store_fail(c, rc, "waiting");
        waited += POLL_MS;
    }
}
