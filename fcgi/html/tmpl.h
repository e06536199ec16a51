/*
 * tmpl: HTML templates, a subset of Mustache without logic and without a raw form.
 *
 *   {{name}}             a variable, escaped for the place it stands in (decided when compiled)
 *   {{%key}}             a text of the catalogue; its {names} are variables, escaped the same way
 *   {{#name}}..{{/name}} once per row of a list, or once when the variable is not empty
 *   {{^name}}..{{/name}} when it is empty
 *   {{>part}}            another template, compiled in
 *   {{! comment }}
 *
 * Everything is checked at load: unknown variables, texts and partials, unbalanced sections, a
 * section that ends in another HTML context than it began, addresses of other origins, inline
 * script and style. Errors read "file:line: what".
 *
 * In href, src and action stands exactly one variable of kind TMPL_URL, which goes through
 * html_url(); anywhere else any text or URL variable may stand.
 *
 * Ownership: a compiled template lives in the arena; values are borrowed while rendering.
 */
#ifndef LM_TMPL_H
#define LM_TMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "html/cat.h"

enum tmpl_kind { TMPL_TEXT, TMPL_URL, TMPL_LIST };

struct tmpl_var {
    const char *name;
    enum tmpl_kind kind;
};

struct tmpl_row;

/* A text, or a list when rows is set. Falsy when both are empty. */
struct tmpl_value {
    struct str s;
    const struct tmpl_row *rows;
    size_t nrows;
};
struct tmpl_cell {
    unsigned var;
    struct tmpl_value value;
};
/* What a row does not have is looked for in the rows around it, then in the view. */
struct tmpl_row {
    const struct tmpl_cell *cells;
    size_t n;
};

struct tmpl_env {
    const struct tmpl_var *vars; /* index = variable number */
    size_t nvars;
    const struct cat *cat;
    /* Text of a template by name; *label is what errors call it. 0 or -ENOENT. */
    int (*source)(void *arg, const char *name, struct str *text, const char **label);
    void *arg;
};

struct tmpl;

/* 0, -ENOMEM, or -EINVAL with complaints in errors. */
int tmpl_compile(struct arena *a, const struct tmpl_env *env, const char *name,
                 const struct tmpl **out, struct buf *errors);
/* view: env.nvars values. */
void tmpl_render(const struct tmpl *t, const struct tmpl_value *view, struct buf *out);

#endif
