#include "cli/cli_log.h"

#include <errno.h>
#include <stdio.h>

#include "cli/cli_table.h"

enum { PAGE = 200 };

static const struct cli_col cols[] = {
    {"id", NULL, "id", CLI_TEXT, false},        {"at", "TIME", "at", CLI_TIME, false},
    {"type", "TYPE", "type", CLI_TEXT, false},  {"text", "WHAT", "text", CLI_TEXT, true},
    {"data", NULL, "data", CLI_PRIVATE, false},
};
#define NCOLS (sizeof(cols) / sizeof(*cols))

int cli_log_read(struct cli *c, unsigned shard, const char *order, const char *after, size_t max,
                 struct cli_log *out)
{
    char count[24];
    struct str args[] = {str_of(order), str_of(after), {NULL, 0}};
    int rc;

    snprintf(count, sizeof(count), "%zu", max < PAGE ? max : (size_t)PAGE);
    args[2] = str_of(count);
    *out = (struct cli_log){.row = NULL};
    rc = cli_store_call(c, shard, STORE_LOG, args, 3, &out->page);
    if (rc)
        return rc;
    out->row = out->page.r.row;
    out->n = out->page.r.n;
    return 0;
}

int cli_log_tail(struct cli *c, unsigned shard, const char *order, size_t max, struct cli_log *out)
{
    char after[CLI_LOG_ID] = "";
    struct cli_log next;
    int rc = cli_log_read(c, shard, order, after, PAGE, out);

    while (rc == 0 && out->n == PAGE) {
        if (str_copy(store_row_get(&out->row[PAGE - 1], "id"), after, sizeof(after)))
            return -EPROTO;
        rc = cli_log_read(c, shard, order, after, PAGE, &next);
        if (rc || next.n == 0)
            break;
        cli_log_free(out);
        *out = next;
    }
    if (out->n > max) {
        out->row += out->n - max;
        out->n = max;
    }
    return rc;
}

void cli_log_free(struct cli_log *l)
{
    cli_rows_free(&l->page);
    *l = (struct cli_log){.row = NULL};
}

void cli_log_table(const struct cli_log *l, size_t width, bool color, bool personal,
                   struct buf *out)
{
    struct cli_table t;

    if (cli_table_init(&t, cols, NCOLS))
        return;
    for (size_t i = 0; i < l->n; i++)
        if (cli_table_add(&t, &l->row[i], personal))
            break;
    cli_table_print(&t, width, color, out);
    cli_table_free(&t);
}

void cli_log_line(const struct store_row *row, bool personal, struct buf *out)
{
    const char *sep = "";

    for (size_t i = 0; i < NCOLS; i++) {
        if (!cols[i].title)
            continue;
        buf_cat(out, sep);
        cli_col_text(out, &cols[i], store_row_get(row, cols[i].field), personal);
        sep = "  ";
    }
    buf_ch(out, '\n');
}

void cli_log_json(struct jsonw *w, const struct store_row *row, bool personal)
{
    jsonw_obj(w);
    cli_col_row_json(w, cols, NCOLS, row, personal);
    jsonw_obj_end(w);
}
