#include "cli/cli_order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/state.h"

enum { PAGE = 200, CANDIDATES = 5 };

int cli_order_walk(struct cli *c, unsigned shard, cli_order_fn *fn, void *arg)
{
    char after[64] = "", count[8];
    bool more = true;

    snprintf(count, sizeof(count), "%d", PAGE);
    while (more) {
        const struct str args[] = {str_of(after), str_of(count)};
        struct cli_rows rows;
        int rc = cli_store_call(c, shard, STORE_ORDERS, args, 2, &rows);

        if (rc)
            return rc;
        for (size_t i = 0; more && i < rows.r.n; i++)
            more = fn(arg, &rows.r.row[i]);
        more = more && rows.r.n == PAGE;
        if (more && str_copy(store_row_get(&rows.r.row[PAGE - 1], "after"), after, sizeof(after)))
            rc = -EPROTO;
        cli_rows_free(&rows);
        if (rc)
            return rc;
    }
    return 0;
}

const char *cli_order_quadrant(const struct store_row *row, const char *prefix)
{
    char key[32];
    enum fulfilment f;
    enum contract k;

    snprintf(key, sizeof(key), "%scontract", prefix);
    if (contract_parse(store_row_get(row, key), &k))
        return "";
    snprintf(key, sizeof(key), "%sfulfilment", prefix);
    if (fulfilment_parse(store_row_get(row, key), &f))
        return "";
    return quadrant_name(quadrant_of(k, f));
}

struct search {
    struct str prefix;
    char found[CANDIDATES][ID_ORDER];
    size_t n;
};

static bool match(void *arg, const struct store_row *row)
{
    struct search *s = arg;
    struct str id = store_row_get(row, "id");

    if (str_starts(id, s->prefix) && str_copy(id, s->found[s->n], ID_ORDER) == 0)
        s->n++;
    return s->n < CANDIDATES;
}

static enum cli_exit search(struct cli *c, unsigned shard, const char *text, char out[ID_ORDER])
{
    struct search s = {.prefix = str_of(text)};
    int rc = cli_order_walk(c, shard, match, &s);

    if (rc)
        return cli_store_fail(c, rc, "looking for the order");
    if (s.n == 0)
        return cli_fail(CLI_NOT_FOUND, "no order begins with \"%s\"", text);
    if (s.n > 1) {
        for (size_t i = 0; i < s.n; i++)
            cli_say("  %s", s.found[i]);
        return cli_fail(CLI_USAGE, "\"%s\" fits %zu orders%s", text, s.n,
                        s.n == CANDIDATES ? " or more" : "");
    }
    memcpy(out, s.found[0], ID_ORDER);
    return CLI_OK;
}

enum cli_exit cli_order_id(struct cli *c, const char *text, char out[ID_ORDER], unsigned *shard)
{
    unsigned shards = store_shards(c->store);
    struct str rest, head = str_cut(str_of(text), '-', &rest);
    uint64_t n;

    if (head.n && head.p[0] == 'o' && id_shard(str_of(text), shards, shard) == 0)
        return str_copy(str_of(text), out, ID_ORDER) ? CLI_USAGE : CLI_OK;
    if (head.n < 2 || head.p[0] != 'o' || str_u64(str_from(head, 1), ID_SHARDS_MAX, &n))
        return cli_fail(CLI_USAGE, "\"%s\" is no order id; they look like o0-mfrggzdfmztwq2lk",
                        text);
    if (n >= shards)
        return cli_fail(CLI_NOT_FOUND, "\"%s\": this installation has %u shard%s", text, shards,
                        shards == 1 ? "" : "s");
    if (rest.n < CLI_PREFIX_LEAST)
        return cli_fail(CLI_USAGE, "\"%s\" is too short: at least %d characters after the dash",
                        text, CLI_PREFIX_LEAST);
    *shard = (unsigned)n;
    return search(c, *shard, text, out);
}
