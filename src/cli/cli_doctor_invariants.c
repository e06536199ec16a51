/* doctor --invariants: INV-1 to INV-6 over every record of every shard. */
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/cli_doctor.h"
#include "cli/cli_text.h"

enum { STEP = 500, OUT_MAX = 8 << 20, CURSOR = 64 };

struct run {
    struct cli *c;
    struct buf out;
    struct jsonw w;
    uint64_t violations, shards;
};

static void violation(struct run *r, unsigned shard, const struct store_row *row)
{
    struct str inv = store_row_get(row, "inv"), key = store_row_get(row, "key");
    struct str text = store_row_get(row, "text");

    r->violations++;
    if (r->c->args.format == CLI_TABLE) {
        cli_text_safe(&r->out, inv);
        buf_cat(&r->out, "  ");
        cli_text_safe(&r->out, key);
        buf_cat(&r->out, "  ");
        cli_text_safe(&r->out, text);
        buf_ch(&r->out, '\n');
        return;
    }
    if (r->c->args.format == CLI_JSONL)
        jsonw_init(&r->w, &r->out);
    jsonw_obj(&r->w);
    jsonw_kvs(&r->w, "invariant", inv);
    jsonw_kvi(&r->w, "shard", shard);
    jsonw_kvs(&r->w, "key", key);
    jsonw_kvs(&r->w, "text", text);
    jsonw_obj_end(&r->w);
    if (r->c->args.format == CLI_JSONL)
        buf_ch(&r->out, '\n');
}

static bool is_violation(const struct store_row *row)
{
    return store_row_get(row, "inv").n != 0;
}

static int shard_step(struct run *r, unsigned shard, char cursor[CURSOR])
{
    char count[8];
    struct str args[] = {str_of(cursor), {NULL, 0}};
    struct cli_rows rows;
    int rc;

    snprintf(count, sizeof(count), "%d", STEP);
    args[1] = str_of(count);
    rc = cli_store_call(r->c, shard, STORE_INVARIANTS, args, 2, &rows);
    if (rc)
        return rc;
    for (size_t i = 0; i < rows.r.n; i++)
        if (is_violation(&rows.r.row[i]))
            violation(r, shard, &rows.r.row[i]);
    if (str_copy(store_get(&rows.r, "cursor"), cursor, CURSOR))
        rc = -EPROTO;
    cli_rows_free(&rows);
    return rc;
}

static int all(struct run *r)
{
    unsigned n = store_shards(r->c->store);

    for (unsigned shard = 0; shard < n; shard++) {
        char cursor[CURSOR] = "0";

        do {
            int rc = shard_step(r, shard, cursor);

            if (rc)
                return rc;
        } while (cursor[0] && !str_is(str_of(cursor), "0"));
        r->shards++;
    }
    return 0;
}

enum cli_exit cli_doctor_invariants(struct cli *c)
{
    struct run r = {.c = c};
    bool json = c->args.format == CLI_JSON;
    enum cli_exit code;
    int rc;

    buf_init(&r.out, OUT_MAX);
    jsonw_init(&r.w, &r.out);
    if (json) {
        jsonw_obj(&r.w);
        jsonw_key(&r.w, "violations");
        jsonw_arr(&r.w);
    }
    rc = all(&r);
    if (json) {
        jsonw_arr_end(&r.w);
        jsonw_kvi(&r.w, "shards", (int64_t)r.shards);
        jsonw_obj_end(&r.w);
        buf_ch(&r.out, '\n');
    }
    code = rc ? cli_store_fail(c, rc, "checking the invariants") : cli_print(&r.out);
    buf_free(&r.out);
    if (code)
        return code;
    if (r.violations)
        return cli_fail(CLI_FAILED, "%llu violation%s in %llu shard%s",
                        (unsigned long long)r.violations, r.violations == 1 ? "" : "s",
                        (unsigned long long)r.shards, r.shards == 1 ? "" : "s");
    cli_say("all invariants hold (%llu shard%s)", (unsigned long long)r.shards,
            r.shards == 1 ? "" : "s");
    return CLI_OK;
}
