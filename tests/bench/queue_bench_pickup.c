/* How late a task is claimed that a producer adds at a steady rate. */
#include "queue_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void print_late(double *late, size_t n)
{
    qsort(late, n, sizeof(*late), by_value);
    printf("{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", late[n / 2], late[n * 99 / 100],
           late[n - 1]);
}

struct pickup {
    struct store *in, *out;
    uv_timer_t timer;
    uint64_t added, n;
    double *late;
    size_t seen;
};

static void on_added(void *arg, int rc, const struct store_rows *rows)
{
    (void)arg;
    (void)rows;
    qb_must(rc, "add");
}

static void on_tick(uv_timer_t *t)
{
    struct pickup *p = t->data;
    char id[QB_ID], at[32];
    const struct str args[] = {
        {id, (size_t)snprintf(id, sizeof(id), "p:%llu", (unsigned long long)p->added)},
        STR("noop"),
        STR("market"),
        STR("noop"),
        STR("0"),
        {at, (size_t)snprintf(at, sizeof(at), "%llu", (unsigned long long)clock_mono_us())},
    };

    store_call(p->in, 0, STORE_TASK_ADD, args, 6, on_added, NULL);
    if (++p->added == p->n)
        uv_timer_stop(t);
}

/* Blocks on the wake marker, then claims, as a worker does. */
static void pick(struct pickup *p)
{
    static const char *const roles[] = {"market"};
    struct arena *a = arena_new(65536, 16 * QB_MIB);
    struct qb_call woken = {.a = NULL}, calls[QB_SLOTS];
    struct store_rows rows;
    uint64_t now;

    store_wait(p->out, 0, roles, 1, 1000, qb_on_done, &woken);
    while (!woken.done)
        uv_run(&qb_loop, UV_RUN_ONCE);
    rows = qb_claim(p->out, QB_SLOTS, a);
    now = clock_mono_us();
    for (size_t i = 1; i < rows.n; i++) {
        uint64_t at = 0;

        qb_must(str_u64(store_row_get(&rows.row[i], "data"), UINT64_MAX, &at), "data");
        p->late[p->seen++] = (double)(now - at) / 1000;
        qb_start_finish(p->out, &rows.row[i], &calls[i - 1]);
    }
    for (size_t i = 1; i < rows.n; i++)
        while (!calls[i - 1].done)
            uv_run(&qb_loop, UV_RUN_ONCE);
    arena_free(&a);
}

void qb_pickup(struct store *s, uint64_t n, uint64_t rate)
{
    struct pickup p = {.in = s, .out = qb_open(), .n = n};

    p.late = calloc(n, sizeof(*p.late));
    qb_must(p.late && n && rate ? 0 : -EINVAL, "pickup");
    uv_timer_init(&qb_loop, &p.timer);
    p.timer.data = &p;
    uv_timer_start(&p.timer, on_tick, 100, 1000 / rate);
    while (p.seen < n)
        pick(&p);
    print_late(p.late, n);
    free(p.late);
}
