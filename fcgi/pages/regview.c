#include "pages/regview.h"

#include <stdio.h>
#include <string.h>

#include "pages/when.h"

enum { BOUGHT = 8, FIELD_CELLS = 18, OPTION_CELLS = 3, SLOW_MS = 60000 };

void regview_bought(struct page *p, const char *key, struct str value)
{
    struct tmpl_value *list = &p->v[V_PURCHASE];
    struct tmpl_row *rows;
    struct tmpl_cell *cells = arena_alloc(p->req->arena, 2 * sizeof(*cells));

    if (value.n == 0 || !cells || list->nrows == BOUGHT)
        return;
    rows = list->nrows ? NULL : arena_alloc(p->req->arena, BOUGHT * sizeof(*rows));
    if (list->nrows == 0 && !rows)
        return;
    if (rows)
        list->rows = rows;
    else
        memcpy(&rows, &list->rows, sizeof(rows)); /* the same array, writable while it is built */
    cells[0] = (struct tmpl_cell){V_LABEL, {.s = page_text(p, key)}};
    cells[1] = (struct tmpl_cell){V_VALUE, {.s = value}};
    rows[list->nrows++] = (struct tmpl_row){cells, 2};
}

void regview_account(struct page *p, struct str masked)
{
    char key[64];

    snprintf(key, sizeof(key), "bought.account.%s", p->market ? p->market->channel : "");
    regview_bought(p, page_has_text(p, key) ? key : "bought.account", masked);
}

struct str regview_term(struct page *p, int64_t ends, bool trial, struct str iso)
{
    struct arena *a = p->req->arena;
    struct str saved = p->v[V_TIME].s, out, lasts = when_term(a, iso);

    page_set(p, V_TIME, ends > 0 ? when_date(a, ends) : str_make(NULL, 0));
    if (trial)
        out = page_text(p, ends > 0 ? "term.trial_until" : "term.trial");
    else if (ends > 0)
        out = page_text(p, "term.until");
    else
        out = lasts.n ? lasts : page_text(p, "term.open");
    page_set(p, V_TIME, saved);
    return out;
}

void regview_purchase(struct page *p, const struct reg *g)
{
    page_set(p, V_PLAN, g->plan_title);
    regview_bought(p, "bought.product", p->v[V_PRODUCT].s);
    regview_bought(p, "bought.plan", g->plan_title);
    if (g->state != REG_NEW)
        regview_bought(p, "bought.term", regview_term(p, g->ends, g->trial, g->term));
    if (g->quantity.n > 0 && !str_is(g->quantity, "0") && !str_is(g->quantity, "1"))
        regview_bought(p, "bought.quantity", g->quantity);
    regview_account(p, g->account);
}

struct cells {
    struct tmpl_cell *c;
    size_t n;
};

static void cell(struct cells *cs, enum var v, struct str s)
{
    if (s.n > 0)
        cs->c[cs->n++] = (struct tmpl_cell){v, {.s = s}};
}

static void options(struct page *p, const struct fields *fs, const struct field *f,
                    struct cells *cs)
{
    size_t n = 0, i;
    struct tmpl_row *rows;

    while (f->options && f->options[n])
        n++;
    rows = arena_alloc(p->req->arena, (n + 1) * sizeof(*rows));
    for (i = 0; rows && i < n; i++) {
        struct cells o = {arena_alloc(p->req->arena, OPTION_CELLS * sizeof(*o.c)), 0};

        if (!o.c)
            return;
        o.c[o.n++] = (struct tmpl_cell){V_VALUE, {.s = str_of(f->options[i])}};
        o.c[o.n++] = (struct tmpl_cell){V_LABEL, {.s = fields_option(fs, f, f->options[i])}};
        o.c[o.n++] = (struct tmpl_cell){
            V_SELECTED, {.s = str_is(f->value, f->options[i]) ? STR("1") : STR("")}};
        rows[i] = (struct tmpl_row){o.c, o.n};
    }
    if (rows)
        cs->c[cs->n++] = (struct tmpl_cell){V_OPTIONS, {.rows = rows, .nrows = n}};
}

static struct str described_by(struct page *p, const struct field *f)
{
    return str_of(arena_fmt(p->req->arena, "%s%s%s%s%s", f->hint.n ? "h-" : "",
                            f->hint.n ? f->name : "", f->hint.n && f->error.n ? " " : "",
                            f->error.n ? "e-" : "", f->error.n ? f->name : ""));
}

static struct tmpl_row field_row(struct page *p, const struct fields *fs, const struct field *f)
{
    static const char *const types[] = {
        [CFG_FIELD_TEXT] = "text",   [CFG_FIELD_EMAIL] = "email", [CFG_FIELD_TEL] = "tel",
        [CFG_FIELD_NUMBER] = "text", [CFG_FIELD_SELECT] = "",     [CFG_FIELD_CHECKBOX] = ""};
    struct cells cs = {arena_alloc(p->req->arena, FIELD_CELLS * sizeof(*cs.c)), 0};

    if (!cs.c)
        return (struct tmpl_row){NULL, 0};
    cell(&cs, V_NAME, str_of(f->name));
    cell(&cs, V_LABEL, f->label);
    cell(&cs, V_HINT, f->hint);
    cell(&cs, V_ERROR, f->error);
    cell(&cs, V_VALUE, f->value);
    cell(&cs, V_TYPE, str_of(types[f->type]));
    cell(&cs, V_AUTOCOMPLETE, str_of(f->autocomplete));
    cell(&cs, V_INPUTMODE, f->type == CFG_FIELD_NUMBER ? STR("numeric") : STR(""));
    cell(&cs, f->required ? V_REQUIRED : V_OPTIONAL, STR("1"));
    cell(&cs, V_DESCRIBED, described_by(p, f));
    if (f->type == CFG_FIELD_SELECT) {
        cell(&cs, V_SELECT, STR("1"));
        options(p, fs, f, &cs);
    } else if (f->type == CFG_FIELD_CHECKBOX) {
        cell(&cs, V_CHECKBOX, STR("1"));
        cell(&cs, V_CHECKED, str_is(f->value, "yes") ? STR("1") : STR(""));
    } else {
        cell(&cs, V_PLAIN, STR("1"));
    }
    return (struct tmpl_row){cs.c, cs.n};
}

static void put_fields(struct page *p, const struct fields *fs)
{
    struct tmpl_row *rows = arena_alloc(p->req->arena, (fs->n + 1) * sizeof(*rows));
    struct tmpl_row *errors = arena_alloc(p->req->arena, (fs->n + 1) * sizeof(*errors));
    size_t i, bad = 0;

    if (!rows || !errors)
        return;
    for (i = 0; i < fs->n; i++) {
        const struct field *f = &fs->f[i];
        struct cells e = {arena_alloc(p->req->arena, 2 * sizeof(*e.c)), 0};

        rows[i] = field_row(p, fs, f);
        if (f->error.n == 0 || !e.c)
            continue;
        cell(&e, V_HREF, str_of(arena_fmt(p->req->arena, "#f-%s", f->name)));
        cell(&e, V_ERROR, f->error);
        errors[bad++] = (struct tmpl_row){e.c, e.n};
    }
    page_list(p, V_FIELDS, rows, fs->n);
    page_list(p, V_ERRORS, errors, bad);
    if (bad > 0)
        page_set(p, V_INVALID, STR("1"));
}

static void set_form(struct page *p, const struct reg_id *id)
{
    char csrf[48], rest[ID_SECRET + 2];

    reg_csrf(id, csrf);
    snprintf(rest, sizeof(rest), "r/%s", id->text);
    page_setz(p, V_FORM_URL, page_path(p->req, rest));
    page_set(p, V_CSRF, arena_str(p->req->arena, str_of(csrf)));
}

void regview_form(struct req *r, const struct reg_id *id, const struct reg *g,
                  const struct fields *fs, int status)
{
    struct page *p = page_new(r, g ? g->market : NULL);

    if (!p)
        return;
    if (g)
        regview_purchase(p, g);
    page_head(p, g && g->market ? "registration" : "registration.plain");
    set_form(p, id);
    put_fields(p, fs);
    if (!g || g->state == REG_NEW)
        page_set(p, V_PARKED, page_text(p, "registration.parked"));
    if (status == 503) {
        r->resp.retry_after = 5;
        page_set(p, V_UNAVAILABLE, page_text(p, "registration.unavailable"));
    }
    if (p->v[V_ERRORS].nrows > 0)
        page_set(p, V_TITLE,
                 str_of(arena_fmt(r->arena, "%.*s %.*s", STR_FMT(page_text(p, "form.error_prefix")),
                                  STR_FMT(p->v[V_HEADING].s))));
    page_send(p, status, PAGE_REGISTRATION);
}

void regview_propose(struct fields *fs, const struct reg *g)
{
    const struct {
        const char *field;
        struct str value;
    } known[] = {{"email", g->id_email}, {"full_name", g->id_name}};
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct field *f = fields_find(fs, str_of(known[i].field));

        if (f && f->value.n == 0 && known[i].value.n <= f->max && str_text(known[i].value))
            f->value = known[i].value;
    }
}

void regview_checking(struct req *r, const struct reg_id *id, const struct reg *g)
{
    struct page *p = page_new(r, g->market);

    if (!p)
        return;
    page_head(p, g->code.n > 0 || g->now - g->created > SLOW_MS ? "checking.slow" : "checking");
    page_set(p, V_RETRY_URL, r->path);
    page_setz(p, V_POLL_URL, page_path(r, arena_fmt(r->arena, "r/%s/status.json", id->text)));
    page_setz(p, V_STATE, "new");
    page_send(p, 200, PAGE_CHECKING);
}

void regview_resume(struct req *r, const struct reg_id *id, const struct reg *g)
{
    struct page *p = page_new(r, g->market);

    if (!p)
        return;
    regview_purchase(p, g);
    page_head(p, "resume");
    set_form(p, id);
    page_send(p, 200, PAGE_RESUME);
}
