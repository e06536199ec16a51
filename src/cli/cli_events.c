/* events: the history of one order, once or as it grows. */
#include <errno.h>

#include "cli/cli_log.h"
#include "cli/cli_order.h"

enum { OUT_MAX = 16 << 20, POLL_MS = 1000, PAGE = 200 };

struct follow {
    struct cli *c;
    unsigned shard;
    const char *order;
    char after[CLI_LOG_ID];
    uint64_t left; /* entries still to print */
    size_t printed;
    struct buf out;
    struct jsonw w;
};

static void put(struct follow *f, const struct store_row *row)
{
    bool personal = cli_given(&f->c->args, CLI_F_SHOW_PERSONAL);

    switch (f->c->args.format) {
    case CLI_TABLE:
        cli_log_line(row, personal, &f->out);
        break;
    case CLI_JSONL:
        jsonw_init(&f->w, &f->out);
        cli_log_json(&f->w, row, personal);
        buf_ch(&f->out, '\n');
        break;
    case CLI_JSON:
        cli_log_json(&f->w, row, personal);
        break;
    }
    f->printed++;
}

static enum cli_exit flush(struct follow *f)
{
    enum cli_exit code = cli_print(&f->out);

    buf_reset(&f->out);
    return code;
}

/* Everything that is there now. *more: a full page came, there may be another. */
static int page(struct follow *f, bool *more)
{
    uint64_t max = f->left < PAGE ? f->left : PAGE;
    struct cli_log log;
    int rc = cli_log_read(f->c, f->shard, f->order, f->after, (size_t)max, &log);

    for (size_t i = 0; rc == 0 && i < log.n; i++) {
        put(f, &log.row[i]);
        if (str_copy(store_row_get(&log.row[i], "id"), f->after, sizeof(f->after)))
            rc = -EPROTO;
    }
    *more = log.n == max && f->left > log.n;
    f->left -= log.n < f->left ? log.n : f->left;
    cli_log_free(&log);
    return rc;
}

static enum cli_exit loop(struct follow *f)
{
    bool follow = cli_given(&f->c->args, CLI_F_FOLLOW), more = true;
    bool lines = f->c->args.format != CLI_JSON;
    enum cli_exit code = CLI_OK;
    int rc = 0;

    while (code == CLI_OK && f->left && (more || follow)) {
        rc = page(f, &more);
        if (rc && !(follow && rc == -EAGAIN))
            return cli_store_fail(f->c, rc, "reading the history");
        if (lines)
            code = flush(f);
        if (code == CLI_OK && !more && follow && f->left) {
            rc = cli_store_sleep(f->c, POLL_MS);
            if (rc)
                return cli_store_fail(f->c, rc, "following");
        }
    }
    return code;
}

enum cli_exit cli_events(struct cli *c)
{
    struct follow f = {.c = c, .left = c->args.limit};
    char id[ID_ORDER];
    enum cli_exit code = CLI_OK;
    bool json = c->args.format == CLI_JSON;

    if (json && cli_given(&c->args, CLI_F_FOLLOW))
        return cli_fail(CLI_USAGE, "-f never ends, so it has no one JSON text; use -o jsonl");
    if (!cli_given(&c->args, CLI_F_LIMIT))
        f.left = UINT64_MAX;
    if (cli_given(&c->args, CLI_F_AFTER) &&
        str_copy(str_of(c->args.value[CLI_F_AFTER]), f.after, sizeof(f.after)))
        return cli_fail(CLI_USAGE, "--after takes the id of an event, as -o json shows it");
    code = cli_order_id(c, c->args.pos[0], id, &f.shard);
    if (code)
        return code;
    f.order = id;
    buf_init(&f.out, OUT_MAX);
    jsonw_init(&f.w, &f.out);
    if (json) {
        jsonw_obj(&f.w);
        jsonw_key(&f.w, "events");
        jsonw_arr(&f.w);
    }
    code = loop(&f);
    if (json && code == CLI_OK) {
        jsonw_arr_end(&f.w);
        jsonw_obj_end(&f.w);
        buf_ch(&f.out, '\n');
        code = flush(&f);
    }
    buf_free(&f.out);
    return code;
}
