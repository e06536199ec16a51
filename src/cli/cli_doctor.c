#include "cli/cli_doctor.h"

#include <stdarg.h>
#include <string.h>

#include "cli/cli_table.h"
#include "cli/cli_verbs.h"

enum { OUT_MAX = 1 << 20, DETAIL_MAX = 2048 };

static const char *const health_names[] = {"ok", "warn", "fail"};

void cli_doctor_add(struct cli_doctor *d, const char *check, enum cli_health health,
                    const char *fmt, ...)
{
    struct buf b;
    va_list ap;
    char *detail;

    buf_init(&b, DETAIL_MAX);
    va_start(ap, fmt);
    buf_vfmt(&b, fmt, ap);
    va_end(ap);
    detail = arena_dup(d->a, buf_view(&b));
    buf_free(&b);
    if (d->n < CLI_FINDINGS)
        d->f[d->n++] = (struct cli_finding){check, health, detail ? detail : ""};
}

static const struct cli_col cols[] = {
    {"check", "CHECK", "check", CLI_TEXT, false},
    {"status", "STATUS", "status", CLI_STATE, false},
    {"detail", "DETAIL", "detail", CLI_TEXT, false},
};
#define NCOLS (sizeof(cols) / sizeof(*cols))

static void fields(const struct cli_finding *f, struct store_field out[NCOLS])
{
    out[0] = (struct store_field){STR("check"), str_of(f->check)};
    out[1] = (struct store_field){STR("status"), str_of(health_names[f->health])};
    out[2] = (struct store_field){STR("detail"), str_of(f->detail)};
}

static void as_table(const struct cli_doctor *d, struct buf *out)
{
    struct store_field f[NCOLS];
    struct store_row row = {f, NCOLS};
    struct cli_table t;

    if (cli_table_init(&t, cols, NCOLS))
        return;
    for (size_t i = 0; i < d->n; i++) {
        fields(&d->f[i], f);
        if (cli_table_add(&t, &row, true))
            break;
    }
    cli_table_print(&t, d->c->width, d->c->color, out);
    cli_table_free(&t);
}

static void as_json(const struct cli_doctor *d, bool lines, struct buf *out)
{
    struct store_field f[NCOLS];
    struct store_row row = {f, NCOLS};
    struct jsonw w;

    jsonw_init(&w, out);
    if (!lines) {
        jsonw_obj(&w);
        jsonw_key(&w, "checks");
        jsonw_arr(&w);
    }
    for (size_t i = 0; i < d->n; i++) {
        fields(&d->f[i], f);
        if (lines)
            jsonw_init(&w, out);
        jsonw_obj(&w);
        cli_col_row_json(&w, cols, NCOLS, &row, true);
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

static enum cli_exit report(const struct cli_doctor *d)
{
    enum cli_exit code;
    struct buf out;
    bool failed = false;

    for (size_t i = 0; i < d->n; i++)
        failed = failed || d->f[i].health == CLI_HEALTH_FAIL;
    buf_init(&out, OUT_MAX);
    if (d->c->args.format == CLI_TABLE)
        as_table(d, &out);
    else
        as_json(d, d->c->args.format == CLI_JSONL, &out);
    code = cli_print(&out);
    buf_free(&out);
    return code ? code : failed ? CLI_FAILED : CLI_OK;
}

enum cli_exit cli_doctor(struct cli *c)
{
    struct cli_doctor d = {.c = c};
    enum cli_exit code;

    if (cli_given(&c->args, CLI_F_INVARIANTS)) {
        code = cli_store_open(c);
        return code ? code : cli_doctor_invariants(c);
    }
    d.a = arena_new(8192, 1 << 20);
    if (!d.a)
        return cli_fail(CLI_FAILED, "out of memory");
    cli_doctor_config(&d);
    if (c->cfg) {
        cli_doctor_host(&d);
        cli_doctor_redis(&d);
    }
    code = c->interrupted ? CLI_INTERRUPTED : report(&d);
    arena_free(&d.a);
    return code;
}
