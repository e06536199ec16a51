/* The bare rate of the submit script: what a registration costs without any web server. */
#include "queue_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

struct lane {
    struct store *s;
    struct str *rest; /* hashes that are left, one a line */
    uint64_t *n;
};

static void on_submitted(void *arg, int rc, const struct store_rows *rows);

static bool next_submit(struct lane *l)
{
    struct str hash = str_cut(*l->rest, '\n', l->rest);
    const struct str args[] = {
        hash,          hash, STR("86400000"), STR("{\"company\":\"Acme\"}"), STR("ann@example.com"),
        STR("1800000")};

    if (hash.n)
        store_call(l->s, 0, STORE_SUBMIT, args, 6, on_submitted, l);
    return hash.n != 0;
}

static unsigned lanes_left;

static void on_submitted(void *arg, int rc, const struct store_rows *rows)
{
    struct lane *l = arg;

    (void)rows;
    qb_must(rc, "submit");
    ++*l->n;
    if (!next_submit(l))
        lanes_left--;
}

void qb_submit(const char *path)
{
    struct lane lanes[QB_CONNECTIONS];
    uint64_t n = 0, start;
    struct str rest;
    struct buf b;

    buf_init(&b, 64 * QB_MIB);
    qb_must(file_read(path, &b), path);
    rest = buf_view(&b);
    start = clock_mono_us();
    for (size_t i = 0; i < QB_CONNECTIONS; i++) {
        lanes[i] = (struct lane){qb_open(), &rest, &n};
        if (next_submit(&lanes[i]))
            lanes_left++;
    }
    while (lanes_left)
        uv_run(&qb_loop, UV_RUN_ONCE);
    printf("{\"per_second\":%.0f,\"n\":%llu}\n", qb_per_second(n, start), (unsigned long long)n);
    buf_free(&b);
}
