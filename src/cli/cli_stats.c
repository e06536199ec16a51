/* stats: the counters of all shards, added up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_store.h"
#include "cli/cli_table.h"
#include "store/state.h"

enum { NAMES = 256, OUT_MAX = 1 << 20 };

struct sum {
    char *name;
    int64_t n;
};

struct sums {
    struct arena *a;
    struct sum s[NAMES];
    size_t n;
};

static void add(struct sums *t, struct str name, int64_t n)
{
    size_t i = 0;

    while (i < t->n && !str_is(name, t->s[i].name))
        i++;
    if (i == t->n) {
        if (t->n == NAMES)
            return;
        t->s[i].name = arena_dup(t->a, name);
        if (!t->s[i].name)
            return;
        t->n++;
    }
    t->s[i].n += n;
}

/* What does not add up over shards: a time says nothing, of ages the oldest counts. */
static void take(struct sums *t, struct str name, int64_t n)
{
    if (str_is(name, "now"))
        return;
    if (str_starts(name, STR("oldest_"))) {
        int64_t have = 0;

        for (size_t i = 0; i < t->n; i++)
            if (str_is(name, t->s[i].name))
                have = t->s[i].n;
        n = n > have ? n - have : 0;
    }
    add(t, name, n);
}

/* "state:ACTIVE/READY" also counts for its quadrant. */
static void take_quadrant(struct sums *t, struct str name, int64_t n)
{
    struct str left, head = str_cut(name, ':', &left), f, c = str_cut(left, '/', &f);
    enum fulfilment fulfilment;
    enum contract contract;
    char quadrant[64];

    if (!str_is(head, "state") || contract_parse(c, &contract) || fulfilment_parse(f, &fulfilment))
        return;
    snprintf(quadrant, sizeof(quadrant), "quadrant:%s",
             quadrant_name(quadrant_of(contract, fulfilment)));
    add(t, str_of(quadrant), n);
}

static void add_rows(struct sums *t, const struct store_rows *rows)
{
    for (size_t r = 0; r < rows->n; r++)
        for (size_t i = 0; i < rows->row[r].n; i++) {
            int64_t n;

            if (str_i64(rows->row[r].f[i].v, &n))
                continue;
            take(t, rows->row[r].f[i].k, n);
            take_quadrant(t, rows->row[r].f[i].k, n);
        }
}

static int by_name(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static enum cli_exit print(const struct cli *c, const struct sums *t)
{
    enum cli_exit code;
    struct jsonw w;
    struct buf b;

    buf_init(&b, OUT_MAX);
    jsonw_init(&w, &b);
    if (c->args.format != CLI_TABLE)
        jsonw_obj(&w);
    for (size_t i = 0; i < t->n; i++) {
        if (c->args.format == CLI_TABLE)
            buf_fmt(&b, "%-36s %lld\n", t->s[i].name, (long long)t->s[i].n);
        else
            jsonw_kvi(&w, t->s[i].name, t->s[i].n);
    }
    if (c->args.format != CLI_TABLE) {
        jsonw_obj_end(&w);
        buf_ch(&b, '\n');
    }
    code = cli_print(&b);
    buf_free(&b);
    return code;
}

enum cli_exit cli_stats(struct cli *c)
{
    struct sums t = {.a = arena_new(4096, 1 << 20)};
    unsigned shards = store_shards(c->store);
    enum cli_exit code;
    int rc = t.a ? 0 : -ENOMEM;

    for (unsigned shard = 0; rc == 0 && shard < shards; shard++) {
        struct cli_rows rows;

        rc = cli_store_call(c, shard, STORE_STATS, NULL, 0, &rows);
        if (rc)
            break;
        add_rows(&t, &rows.r);
        cli_rows_free(&rows);
    }
    if (rc == 0) {
        add(&t, STR("shards"), shards);
        qsort(t.s, t.n, sizeof(*t.s), by_name);
        code = print(c, &t);
    } else {
        code = cli_store_fail(c, rc, "reading the counters");
    }
    if (t.a)
        arena_free(&t.a);
    return code;
}
