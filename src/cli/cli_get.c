/* get orders: newest first over all shards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_order.h"
#include "cli/cli_table.h"
#include "store/state.h"

enum { KEEP_MAX = 256 << 20 };

static const struct cli_col cols[] = {
    {"id", "ORDER", "id", CLI_TEXT, false},
    {"channel", "CHANNEL", "channel", CLI_TEXT, false},
    {"product", "PRODUCT", "product", CLI_TEXT, true},
    {"plan", "PLAN", "plan", CLI_TEXT, true},
    {"contract", "CONTRACT", "contract", CLI_STATE, false},
    {"fulfilment", "FULFILMENT", "fulfilment", CLI_STATE, false},
    {"quadrant", "QUADRANT", "quadrant", CLI_STATE, true},
    {"email", NULL, "email", CLI_EMAIL, false},
    {"tenant", NULL, "tenant", CLI_TEXT, false},
    {"endpoint", NULL, "endpoint", CLI_TEXT, false},
    {"error_class", NULL, "class", CLI_TEXT, false},
    {"late", NULL, "late", CLI_BOOL, false},
    {"created", "AGE", "created", CLI_AGE, false},
    {"updated", NULL, "updated", CLI_TIME, false},
};
#define NCOLS (sizeof(cols) / sizeof(*cols))

struct list {
    const struct cli *c;
    struct arena *a;
    struct store_row *row;
    size_t n, cap;
    size_t here; /* of the present shard */
    bool failed;
};

static bool wanted(const struct cli *c, const struct store_row *row, const char *quadrant)
{
    const char *state = c->args.value[CLI_F_STATE], *channel = c->args.value[CLI_F_CHANNEL];

    if (channel && !str_is(store_row_get(row, "channel"), channel))
        return false;
    return !state || str_ieq(store_row_get(row, "fulfilment"), str_of(state)) ||
           str_ieq(store_row_get(row, "contract"), str_of(state)) ||
           str_ieq(str_of(quadrant), str_of(state));
}

static bool room(struct list *l)
{
    size_t cap = l->cap ? 2 * l->cap : 256;
    struct store_row *row;

    if (l->n < l->cap)
        return true;
    row = reallocarray(l->row, cap, sizeof(*row));
    if (!row)
        return false;
    l->row = row;
    l->cap = cap;
    return true;
}

/* A copy of the fields that are shown, and the quadrant. */
static bool keep(struct list *l, const struct store_row *row, const char *quadrant)
{
    struct store_field *f = room(l) ? arena_alloc(l->a, NCOLS * sizeof(*f)) : NULL;

    for (size_t i = 0; f && i < NCOLS; i++) {
        struct str v = str_is(str_of(cols[i].field), "quadrant")
                           ? str_of(quadrant)
                           : store_row_get(row, cols[i].field);

        f[i].k = str_of(cols[i].field);
        f[i].v = v.n ? arena_str(l->a, v) : v;
    }
    if (!f)
        return false;
    l->row[l->n++] = (struct store_row){f, NCOLS};
    l->here++;
    return true;
}

static bool on_order(void *arg, const struct store_row *row)
{
    struct list *l = arg;
    const char *quadrant = cli_order_quadrant(row, "");

    if (wanted(l->c, row, quadrant) && !keep(l, row, quadrant))
        l->failed = true;
    return !l->failed && l->here < l->c->args.limit;
}

static int newest_first(const void *a, const void *b)
{
    const struct store_row *x = a, *y = b;
    int64_t dx = store_row_int(x, "created", 0), dy = store_row_int(y, "created", 0);

    return dx < dy ? 1 : dx > dy ? -1 : 0;
}

static void as_json(const struct list *l, bool lines, struct buf *out)
{
    bool personal = cli_given(&l->c->args, CLI_F_SHOW_PERSONAL);
    struct jsonw w;

    jsonw_init(&w, out);
    if (!lines) {
        jsonw_obj(&w);
        jsonw_key(&w, "orders");
        jsonw_arr(&w);
    }
    for (size_t i = 0; i < l->n; i++) {
        if (lines)
            jsonw_init(&w, out);
        jsonw_obj(&w);
        cli_col_row_json(&w, cols, NCOLS, &l->row[i], personal);
        jsonw_obj_end(&w);
        if (lines)
            buf_ch(out, '\n');
    }
    if (!lines) {
        jsonw_arr_end(&w);
        jsonw_obj_end(&w);
        buf_ch(out, '\n');
    }
}

static int as_table(const struct list *l, struct buf *out)
{
    struct cli_table t;
    int rc = cli_table_init(&t, cols, NCOLS);

    for (size_t i = 0; rc == 0 && i < l->n; i++)
        rc = cli_table_add(&t, &l->row[i], cli_given(&l->c->args, CLI_F_SHOW_PERSONAL));
    if (rc == 0)
        cli_table_print(&t, l->c->width, l->c->color, out);
    cli_table_free(&t);
    return rc;
}

static enum cli_exit print(struct cli *c, const struct list *l)
{
    enum cli_exit code;
    struct buf out;
    int rc = 0;

    if (l->n == 0 && c->args.format == CLI_TABLE) {
        cli_say("no orders%s", c->args.given & (CLI_BIT(CLI_F_STATE) | CLI_BIT(CLI_F_CHANNEL))
                                   ? " like that"
                                   : " yet");
        return CLI_OK;
    }
    buf_init(&out, KEEP_MAX);
    if (c->args.format == CLI_TABLE)
        rc = as_table(l, &out);
    else
        as_json(l, c->args.format == CLI_JSONL, &out);
    code = rc ? cli_store_fail(c, rc, "listing") : cli_print(&out);
    buf_free(&out);
    return code;
}

static bool is_state(const char *s)
{
    for (int i = FULFIL_RECEIVED; i <= FULFIL_CLOSED; i++)
        if (str_ieq(str_of(s), str_of(fulfilment_name((enum fulfilment)i))))
            return true;
    for (int i = CONTRACT_PENDING; i <= CONTRACT_EXPIRED; i++)
        if (str_ieq(str_of(s), str_of(contract_name((enum contract)i))))
            return true;
    for (int i = QUAD_HEALTHY; i <= QUAD_CLOSED; i++)
        if (str_ieq(str_of(s), str_of(quadrant_name((enum quadrant)i))))
            return true;
    return false;
}

enum cli_exit cli_get(struct cli *c)
{
    struct list l = {.c = c, .a = arena_new(65536, KEEP_MAX)};
    const char *state = c->args.value[CLI_F_STATE];
    enum cli_exit code;
    int rc = l.a ? 0 : -ENOMEM;

    if (state && !is_state(state)) {
        arena_free(&l.a);
        return cli_fail(CLI_USAGE, "there is no state \"%s\"; see lastmile help get", state);
    }
    for (unsigned shard = 0; rc == 0 && !l.failed && shard < store_shards(c->store); shard++) {
        l.here = 0;
        rc = cli_order_walk(c, shard, on_order, &l);
    }
    if (l.failed)
        rc = -ENOMEM;
    if (l.n)
        qsort(l.row, l.n, sizeof(*l.row), newest_first);
    if (l.n > c->args.limit)
        l.n = c->args.limit;
    code = rc ? cli_store_fail(c, rc, "listing orders") : print(c, &l);
    free(l.row);
    if (l.a)
        arena_free(&l.a);
    return code;
}
