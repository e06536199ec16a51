#include "cli/cli_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_text.h"

enum { ARENA_MAX = 256 << 20, LEAST = 6, GAP = 2, CELL_MAX = 4096 };

#define COLOR_OFF "\x1b[0m"

const char *cli_table_color(struct str word)
{
    static const struct {
        const char *word, *sgr;
    } colors[] = {
        {"READY", "\x1b[32m"},    {"HEALTHY", "\x1b[32m"},
        {"ok", "\x1b[32m"},       {"ACTIVE", "\x1b[32m"},
        {"FAILED", "\x1b[31m"},   {"STUCK", "\x1b[31m"},
        {"DEGRADED", "\x1b[31m"}, {"PAYING_NOT_PROVISIONED", "\x1b[31m"},
        {"fail", "\x1b[31m"},     {"dead", "\x1b[31m"},
        {"warn", "\x1b[33m"},     {"SERVING_NOT_BILLED", "\x1b[33m"},
        {"DELETING", "\x1b[33m"}, {"SUSPENDED", "\x1b[33m"},
        {"CLOSED", "\x1b[2m"},    {"CANCELLED", "\x1b[2m"},
    };

    for (size_t i = 0; i < sizeof(colors) / sizeof(*colors); i++)
        if (str_is(word, colors[i].word))
            return colors[i].sgr;
    return "";
}

int cli_table_init(struct cli_table *t, const struct cli_col *cols, size_t n)
{
    *t = (struct cli_table){.a = arena_new(65536, ARENA_MAX)};
    if (!t->a)
        return -ENOMEM;
    for (size_t i = 0; i < n && t->ncols < CLI_TABLE_COLS; i++)
        if (cols[i].title)
            t->cols[t->ncols++] = &cols[i];
    return 0;
}

void cli_table_free(struct cli_table *t)
{
    arena_free(&t->a);
    free(t->cells);
    t->cells = NULL;
}

static int grow(struct cli_table *t)
{
    size_t cap = t->cap ? 2 * t->cap : 64;
    struct str *cells;

    if (t->nrows < t->cap)
        return 0;
    cells = reallocarray(t->cells, cap * t->ncols, sizeof(*cells));
    if (!cells)
        return -ENOMEM;
    t->cells = cells;
    t->cap = cap;
    return 0;
}

int cli_table_add(struct cli_table *t, const struct store_row *row, bool personal)
{
    struct buf b;
    int rc = grow(t);

    if (rc)
        return rc;
    buf_init(&b, CELL_MAX);
    for (size_t i = 0; i < t->ncols; i++) {
        struct str *cell = &t->cells[t->nrows * t->ncols + i];

        buf_reset(&b);
        cli_col_text(&b, t->cols[i], store_row_get(row, t->cols[i]->field), personal);
        if (b.len == 0)
            buf_ch(&b, '-');
        *cell = arena_str(t->a, buf_view(&b));
        if (cell->n == 0)
            rc = -ENOMEM;
    }
    buf_free(&b);
    t->nrows++;
    return rc;
}

static size_t total(const size_t *w, size_t n)
{
    size_t sum = n ? GAP * (n - 1) : 0;

    for (size_t i = 0; i < n; i++)
        sum += w[i];
    return sum;
}

/* Takes single columns from the widest that may shrink until it fits or nothing may. */
static void fit(const struct cli_table *t, size_t width, size_t *w)
{
    while (width && total(w, t->ncols) > width) {
        size_t best = t->ncols;

        for (size_t i = 0; i < t->ncols; i++)
            if (t->cols[i]->shrink && w[i] > LEAST && (best == t->ncols || w[i] > w[best]))
                best = i;
        if (best == t->ncols)
            return;
        w[best]--;
    }
}

static void widths(const struct cli_table *t, size_t *w)
{
    for (size_t i = 0; i < t->ncols; i++)
        w[i] = strlen(t->cols[i]->title);
    for (size_t r = 0; r < t->nrows; r++)
        for (size_t i = 0; i < t->ncols; i++) {
            size_t n = cli_text_width(t->cells[r * t->ncols + i]);

            if (n > w[i])
                w[i] = n;
        }
}

static void put_cell(struct buf *out, struct str s, size_t width, bool last, const char *sgr)
{
    size_t have = cli_text_width(s);

    buf_cat(out, sgr);
    if (have > width) {
        s = cli_text_head(s, width - 1);
        have = cli_text_width(s) + 1;
        buf_str(out, s);
        buf_cat(out, "…");
    } else {
        buf_str(out, s);
    }
    if (*sgr)
        buf_cat(out, COLOR_OFF);
    for (; !last && have < width + GAP; have++)
        buf_ch(out, ' ');
}

void cli_table_print(const struct cli_table *t, size_t width, bool color, struct buf *out)
{
    size_t w[CLI_TABLE_COLS];

    widths(t, w);
    fit(t, width, w);
    for (size_t i = 0; i < t->ncols; i++)
        put_cell(out, str_of(t->cols[i]->title), w[i], i + 1 == t->ncols, "");
    buf_ch(out, '\n');
    for (size_t r = 0; r < t->nrows; r++) {
        for (size_t i = 0; i < t->ncols; i++) {
            struct str cell = t->cells[r * t->ncols + i];
            bool tint = color && t->cols[i]->kind == CLI_STATE;

            put_cell(out, cell, w[i], i + 1 == t->ncols, tint ? cli_table_color(cell) : "");
        }
        buf_ch(out, '\n');
    }
}
