#include "queue_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

uv_loop_t qb_loop;
struct cfg_redis qb_cfg = {.shards = 1, .connect_ms = 5000, .command_ms = 20000};

void qb_must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "queue_bench: %s: %d\n", what, rc);
    exit(1);
}

struct store *qb_open(void)
{
    struct store *s = NULL;

    qb_must(store_open(&qb_loop, &qb_cfg, STORE_WORKER, &s), "store_open");
    return s;
}

static struct str copy(struct arena *a, struct str s)
{
    return s.n ? arena_str(a, s) : s;
}

void qb_on_done(void *arg, int rc, const struct store_rows *rows)
{
    struct qb_call *c = arg;
    struct store_row *row;

    c->rc = rc;
    c->done = true;
    if (rc || !c->a || !rows)
        return;
    row = arena_alloc(c->a, (rows->n + 1) * sizeof(*row));
    for (size_t i = 0; i < rows->n; i++) {
        struct store_field *f = arena_alloc(c->a, (rows->row[i].n + 1) * sizeof(*f));

        for (size_t j = 0; j < rows->row[i].n; j++)
            f[j] = (struct store_field){copy(c->a, rows->row[i].f[j].k),
                                        copy(c->a, rows->row[i].f[j].v)};
        row[i] = (struct store_row){f, rows->row[i].n};
    }
    c->rows = (struct store_rows){row, rows->n};
}

/* Rows live in a, when it is given. */
struct store_rows qb_call(struct store *s, enum store_script script, const struct str *args,
                          size_t n, struct arena *a)
{
    struct qb_call c = {.a = a};

    store_call(s, 0, script, args, n, qb_on_done, &c);
    while (!c.done)
        uv_run(&qb_loop, UV_RUN_ONCE);
    qb_must(c.rc, store_script_name(script));
    return c.rows;
}

void qb_init(struct store *s)
{
    const struct str args[] = {STR("1"), STR("bench"), STR("1")};

    qb_call(s, STORE_INIT, args, 3, NULL);
}

char qb_payload[160];

/* data: what the task carries; a task of 200 bytes like the peer's job. */
static void start_add(struct store *s, uint64_t i, const char *data, struct qb_call *c)
{
    char id[QB_ID];
    const struct str args[] = {
        {id, (size_t)snprintf(id, sizeof(id), "noop:%llu", (unsigned long long)i)},
        STR("noop"),
        STR("market"),
        STR("noop"),
        STR("0"),
        str_of(data)};

    *c = (struct qb_call){.a = NULL};
    store_call(s, 0, STORE_TASK_ADD, args, 6, qb_on_done, c);
}

static void finish(struct qb_call *c)
{
    while (!c->done)
        uv_run(&qb_loop, UV_RUN_ONCE);
    qb_must(c->rc, "task");
}

void qb_add(struct store *s, uint64_t i, const char *data)
{
    struct qb_call c;

    start_add(s, i, data, &c);
    finish(&c);
}

void qb_fill(struct store *s, uint64_t n)
{
    struct qb_call c[QB_SLOTS];

    for (uint64_t i = 0; i < n; i += QB_SLOTS) {
        size_t here = n - i < QB_SLOTS ? (size_t)(n - i) : QB_SLOTS;

        for (size_t j = 0; j < here; j++)
            start_add(s, i + j, qb_payload, &c[j]);
        for (size_t j = 0; j < here; j++)
            finish(&c[j]);
    }
}

double qb_per_second(uint64_t n, uint64_t started_us)
{
    return (double)n * 1e6 / (double)(clock_mono_us() - started_us);
}

struct store_rows qb_claim(struct store *s, unsigned max, struct arena *a)
{
    static unsigned turn;
    char seed[24], count[8];
    const struct str args[] = {
        STR("bench"), {seed, (size_t)snprintf(seed, sizeof(seed), "s%u", ++turn)},
        STR("30000"), {count, (size_t)snprintf(count, sizeof(count), "%u", max)},
        STR("5"),     STR("market"),
    };

    return qb_call(s, STORE_TASK_CLAIM, args, 6, a);
}

void qb_start_finish(struct store *s, const struct store_row *task, struct qb_call *c)
{
    const struct str args[] = {store_row_get(task, "id"),
                               store_row_get(task, "token"),
                               STR("done"),
                               STR("0"),
                               STR(""),
                               STR("")};

    *c = (struct qb_call){.a = NULL};
    store_call(s, 0, STORE_TASK_FINISH, args, 6, qb_on_done, c);
}

struct store_rows qb_finish_next(struct store *s, const struct store_row *task, struct arena *a)
{
    static unsigned turn;
    char seed[24];
    const struct str args[] = {
        store_row_get(task, "id"),
        store_row_get(task, "token"),
        STR("done"),
        STR("0"),
        STR(""),
        STR(""),
        STR("bench"),
        {seed, (size_t)snprintf(seed, sizeof(seed), "n%u", ++turn)},
        STR("30000"),
        STR("market"),
    };

    return qb_call(s, STORE_TASK_FINISH, args, sizeof(args) / sizeof(args[0]), a);
}
