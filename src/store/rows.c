#include <stdlib.h>
#include <string.h>

#include "store/store_internal.h"

struct str store_row_get(const struct store_row *row, const char *key)
{
    struct str want = str_of(key);

    for (size_t i = 0; i < row->n; i++)
        if (row->f[i].k.n == want.n && str_eq(row->f[i].k, want))
            return row->f[i].v;
    return str_of("");
}

struct str store_get(const struct store_rows *rows, const char *key)
{
    return rows && rows->n ? store_row_get(&rows->row[0], key) : str_of("");
}

int64_t store_row_int(const struct store_row *row, const char *key, int64_t dflt)
{
    int64_t v;

    return str_i64(store_row_get(row, key), &v) ? dflt : v;
}

static size_t rows_size(const struct store_rows *rows)
{
    size_t n = sizeof(*rows) + rows->n * sizeof(struct store_row);

    for (size_t i = 0; i < rows->n; i++) {
        n += rows->row[i].n * sizeof(struct store_field);
        for (size_t j = 0; j < rows->row[i].n; j++)
            n += rows->row[i].f[j].k.n + rows->row[i].f[j].v.n;
    }
    return n;
}

static struct str put(char **at, struct str s)
{
    struct str out = {*at, s.n};

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return out;
}

/* One block: the head, all rows, all fields, then the text. */
struct store_rows *rows_copy(const struct store_rows *rows)
{
    struct store_rows *out = malloc(rows_size(rows));
    struct store_row *row;
    struct store_field *f;
    size_t nfields = 0;
    char *text;

    if (!out)
        return NULL;
    for (size_t i = 0; i < rows->n; i++)
        nfields += rows->row[i].n;
    row = (struct store_row *)(out + 1);
    f = (struct store_field *)(row + rows->n);
    text = (char *)(f + nfields);
    out->row = row;
    out->n = rows->n;
    for (size_t i = 0; i < rows->n; i++) {
        row[i] = (struct store_row){f, rows->row[i].n};
        for (size_t j = 0; j < row[i].n; j++, f++) {
            f->k = put(&text, rows->row[i].f[j].k);
            f->v = put(&text, rows->row[i].f[j].v);
        }
    }
    return out;
}
