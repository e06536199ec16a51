#include "cli/cli_col.h"

#include "base/clock.h"
#include "cli/cli_text.h"

enum { RAW_MAX = 1 << 20 };

static int64_t number(struct str v)
{
    int64_t n;

    return str_i64(v, &n) ? 0 : n;
}

void cli_col_age(struct buf *b, int64_t ms)
{
    static const struct {
        int64_t ms;
        char unit;
    } units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}};

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (ms >= 2 * units[i].ms) {
            buf_fmt(b, "%lld%c", (long long)(ms / units[i].ms), units[i].unit);
            return;
        }
    buf_fmt(b, "%llds", (long long)(ms < 0 ? 0 : ms / 1000));
}

static void time_text(struct buf *b, struct str v)
{
    char iso[CLOCK_ISO];
    int64_t ms = number(v);

    if (ms <= 0)
        return;
    clock_iso(ms, iso);
    buf_cat(b, iso);
}

static void masked(struct buf *b, enum cli_kind kind, struct str v)
{
    if (kind == CLI_EMAIL)
        cli_text_mask_email(b, v);
    else
        cli_text_mask_id(b, v);
}

static bool personal_kind(enum cli_kind kind)
{
    return kind == CLI_EMAIL || kind == CLI_ACCOUNT;
}

static void plain_text(struct buf *b, enum cli_kind kind, struct str v, bool personal)
{
    struct buf tmp;

    if (personal || !personal_kind(kind)) {
        cli_text_safe(b, v);
        return;
    }
    buf_init(&tmp, 4096);
    masked(&tmp, kind, v);
    cli_text_safe(b, buf_view(&tmp));
    buf_free(&tmp);
}

void cli_col_text(struct buf *b, const struct cli_col *col, struct str value, bool personal)
{
    if (value.n == 0)
        return;
    switch (col->kind) {
    case CLI_BOOL:
        buf_cat(b, str_is(value, "1") ? "yes" : "no");
        break;
    case CLI_TIME:
        time_text(b, value);
        break;
    case CLI_AGE:
        if (number(value) > 0)
            cli_col_age(b, clock_wall_ms() - number(value));
        break;
    case CLI_PRIVATE:
        if (personal)
            cli_text_safe(b, value);
        else
            buf_cat(b, "(--show-personal)");
        break;
    default:
        plain_text(b, col->kind, value, personal);
    }
}

static void json_time(struct jsonw *w, struct str v)
{
    char iso[CLOCK_ISO];
    int64_t ms = number(v);

    if (ms <= 0) {
        jsonw_null(w);
        return;
    }
    clock_iso(ms, iso);
    jsonw_str(w, str_of(iso));
}

static void json_raw(struct jsonw *w, struct str v)
{
    cJSON *tree = NULL;

    if (v.n && json_parse(v, RAW_MAX, &tree) == 0)
        jsonw_raw(w, v);
    else
        jsonw_null(w);
    cJSON_Delete(tree);
}

static void json_int_value(struct jsonw *w, struct str v)
{
    int64_t n;

    if (str_i64(v, &n))
        jsonw_null(w);
    else
        jsonw_int(w, n);
}

static void json_text(struct jsonw *w, enum cli_kind kind, struct str v, bool personal)
{
    struct buf tmp;

    if (v.n == 0) {
        jsonw_null(w);
        return;
    }
    if (personal || !personal_kind(kind)) {
        jsonw_str(w, v);
        return;
    }
    buf_init(&tmp, 4096);
    masked(&tmp, kind, v);
    jsonw_str(w, buf_view(&tmp));
    buf_free(&tmp);
}

void cli_col_json(struct jsonw *w, const struct cli_col *col, struct str value, bool personal)
{
    jsonw_key(w, col->key);
    switch (col->kind) {
    case CLI_INT:
        json_int_value(w, value);
        break;
    case CLI_BOOL:
        jsonw_bool(w, str_is(value, "1"));
        break;
    case CLI_TIME:
    case CLI_AGE:
        json_time(w, value);
        break;
    case CLI_RAW:
        json_raw(w, value);
        break;
    case CLI_PRIVATE:
        json_raw(w, personal ? value : str_of(NULL));
        break;
    default:
        json_text(w, col->kind, value, personal);
    }
}

void cli_col_row_json(struct jsonw *w, const struct cli_col *cols, size_t n,
                      const struct store_row *row, bool personal)
{
    for (size_t i = 0; i < n; i++)
        if (cols[i].key)
            cli_col_json(w, &cols[i], store_row_get(row, cols[i].field), personal);
}
