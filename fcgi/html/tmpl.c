#include "html/tmpl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html/html.h"
#include "html/tmpl_op.h"
#include "html/tmpl_scan.h"

enum { OPS = 4096, TEXT_MAX = 256 * 1024, NEST = 12, PARTS = 4, NAME = 64 };

struct open {
    size_t op;
    struct scan scan;
    unsigned line;
    struct str name;
};

struct compile {
    const struct tmpl_env *env;
    struct buf *errors;
    struct tmpl_op *ops;
    size_t nops;
    size_t barrier; /* ops before it are complete: a section ended there */
    bool line_start;
    struct buf text;
    struct scan scan;
    unsigned parts; /* depth of partials */
};

/* One source text: a template or a partial. */
struct source {
    struct compile *c;
    const char *label;
    struct str rest;
    unsigned line;
    struct open open[NEST];
    size_t nopen;
    int rc;
};

/* Once: a part that several templates take in has its mistakes in each of them. */
static int complain(struct source *s, const char *what, struct str about)
{
    struct buf *errors = s->c->errors, line;

    buf_init(&line, 1024);
    buf_fmt(&line, "%s:%u: %s%s%.*s\n", s->label, s->line, what, about.n ? " " : "",
            STR_FMT(about));
    if (line.len == 0 || !errors->len || !memmem(errors->p, errors->len, line.p, line.len))
        buf_str(errors, buf_view(&line));
    buf_free(&line);
    s->rc = -EINVAL;
    return s->rc;
}

static struct tmpl_op *op_new(struct source *s, enum tmpl_op_kind kind)
{
    struct compile *c = s->c;

    if (c->nops == OPS) {
        complain(s, "template is too large", str_make(NULL, 0));
        return NULL;
    }
    c->ops[c->nops] = (struct tmpl_op){.kind = (uint8_t)kind};
    return &c->ops[c->nops++];
}

/* Adds to the literal that the last op is, or begins one. */
static void literal(struct source *s, struct str add)
{
    struct compile *c = s->c;
    struct tmpl_op *op = c->nops > c->barrier ? &c->ops[c->nops - 1] : NULL;

    if (add.n == 0)
        return;
    if (!op || op->kind != OP_LITERAL || op->a + op->b != c->text.len) {
        op = op_new(s, OP_LITERAL);
        if (!op)
            return;
        op->a = (uint32_t)c->text.len;
    }
    buf_str(&c->text, add);
    op->b = (uint32_t)(c->text.len - op->a);
}

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* An empty rest of a line and the indentation of the next one, behind a line break that was
 * written already. */
static size_t leading(const struct compile *c, struct str text)
{
    size_t i, end = 0;

    for (i = 0; c->line_start && i < text.n && blank(text.p[i]); i++)
        if (text.p[i] == '\n')
            end = i + 1;
    return end;
}

/* Markup of a template: scanned, indentation dropped. */
static void markup(struct source *s, struct str text)
{
    struct compile *c = s->c;
    size_t i, drop = leading(c, text);

    for (i = 0; i < text.n && s->rc == 0; i++) {
        char ch = text.p[i];
        bool skip = i < drop || (c->line_start && i > 0 && blank(ch));

        s->line += ch == '\n';
        if (!scan_byte(&c->scan, ch)) {
            complain(s, c->scan.error, str_make(NULL, 0));
            return;
        }
        if (skip)
            continue;
        literal(s, str_make(&ch, 1));
        c->line_start = ch == '\n' && (c->scan.state == SCAN_TEXT || c->scan.state == SCAN_TAG);
    }
}

static int var_find(const struct compile *c, struct str name)
{
    size_t i;

    for (i = 0; i < c->env->nvars; i++)
        if (str_is(name, c->env->vars[i].name))
            return (int)i;
    return -1;
}

static void variable(struct source *s, struct str name)
{
    static const enum tmpl_op_kind kinds[] = {
        [SCAN_SINK_TEXT] = OP_TEXT, [SCAN_SINK_ATTR] = OP_ATTR, [SCAN_SINK_URL] = OP_URL};
    struct compile *c = s->c;
    int var = var_find(c, name);
    enum scan_sink sink;
    struct tmpl_op *op;

    if (var < 0) {
        complain(s, "unknown variable", name);
        return;
    }
    sink = scan_variable(&c->scan);
    if (sink == SCAN_SINK_NONE)
        complain(s, c->scan.error, name);
    else if (c->env->vars[var].kind == TMPL_LIST)
        complain(s, "a list is not a text:", name);
    else if (sink == SCAN_SINK_URL && c->env->vars[var].kind != TMPL_URL)
        complain(s, "not an address:", name);
    if (s->rc)
        return;
    op = op_new(s, kinds[sink]);
    if (!op)
        return;
    op->var = (uint16_t)var;
    c->line_start = false;
}

/* A text of the catalogue is data of ours, yet escaped like any other. */
static void catalogue(struct source *s, struct str key)
{
    struct compile *c = s->c;
    struct str text = cat_get(c->env->cat, key), name, lit;
    struct scan probe = c->scan;
    enum scan_sink sink = scan_variable(&probe);
    struct buf esc;

    if (text.n == 0)
        complain(s, "unknown text", key);
    else if (sink != SCAN_SINK_TEXT && sink != SCAN_SINK_ATTR)
        complain(s, "a text may not stand here:", key);
    buf_init(&esc, TEXT_MAX);
    while (text.n > 0 && s->rc == 0) {
        lit = cat_next(&text, &name);
        buf_reset(&esc);
        html_attr(&esc, lit);
        literal(s, buf_view(&esc));
        c->line_start = false;
        if (name.n > 0)
            variable(s, name);
    }
    buf_free(&esc);
}

static void section_open(struct source *s, struct str name, enum tmpl_op_kind kind)
{
    struct compile *c = s->c;
    int var = var_find(c, name);
    struct tmpl_op *op;

    if (var < 0)
        complain(s, "unknown variable", name);
    else if (s->nopen == NEST)
        complain(s, "sections are nested too deep", name);
    else if (!scan_section(&c->scan))
        complain(s, c->scan.error, name);
    if (s->rc)
        return;
    op = op_new(s, kind);
    if (!op)
        return;
    op->var = (uint16_t)var;
    s->open[s->nopen++] = (struct open){c->nops - 1, c->scan, s->line, name};
}

static void section_close(struct source *s, struct str name)
{
    struct compile *c = s->c;
    struct open *o = s->nopen ? &s->open[s->nopen - 1] : NULL;

    if (!o || !str_eq(o->name, name)) {
        complain(s, "this closes no open section:", name);
        return;
    }
    if (!scan_section_end(&c->scan, &o->scan)) {
        complain(s, c->scan.error, name);
        return;
    }
    c->ops[o->op].a = (uint32_t)c->nops;
    c->barrier = c->nops;
    s->nopen--;
}

static int compile_source(struct compile *c, const char *name);

static void partial(struct source *s, struct str name)
{
    char file[NAME];

    if (s->c->scan.state != SCAN_TEXT || s->c->parts >= PARTS ||
        str_copy(name, file, sizeof(file))) {
        complain(s, "a partial may not stand here:", name);
        return;
    }
    s->c->parts++;
    s->rc = compile_source(s->c, file);
    s->c->parts--;
    if (s->rc == -ENOENT)
        complain(s, "unknown partial", name);
}

static void tag(struct source *s, struct str inner)
{
    char kind = inner.n ? inner.p[0] : '\0';
    struct str name = str_trim(str_from(inner, 1));

    switch (kind) {
    case '#':
        section_open(s, name, OP_SECTION);
        break;
    case '^':
        section_open(s, name, OP_INVERTED);
        break;
    case '/':
        section_close(s, name);
        break;
    case '>':
        partial(s, name);
        break;
    case '%':
        catalogue(s, name);
        break;
    case '!':
        break;
    default:
        variable(s, str_trim(inner));
    }
}

/* Position of two equal characters in a row; n when there are none. */
static size_t pair(struct str s, char c)
{
    size_t i;

    for (i = 0; i + 1 < s.n; i++)
        if (s.p[i] == c && s.p[i + 1] == c)
            return i;
    return s.n;
}

static void compile_text(struct source *s)
{
    while (s->rest.n > 0 && s->rc == 0) {
        size_t at = pair(s->rest, '{'), end;

        markup(s, str_sub(s->rest, 0, at));
        s->rest = str_from(s->rest, at);
        if (s->rest.n == 0 || s->rc)
            break;
        s->rest = str_from(s->rest, 2);
        end = pair(s->rest, '}');
        if (end == s->rest.n) {
            complain(s, "no }} for this {{", str_make(NULL, 0));
            break;
        }
        tag(s, str_sub(s->rest, 0, end));
        for (at = 0; at < end; at++)
            s->line += s->rest.p[at] == '\n';
        s->rest = str_from(s->rest, end + 2);
    }
    if (s->rc == 0 && s->nopen > 0) {
        s->line = s->open[s->nopen - 1].line;
        complain(s, "section is not closed:", s->open[s->nopen - 1].name);
    }
    if (s->rc == 0 && s->c->scan.state != SCAN_TEXT)
        complain(s, "template ends inside a tag", str_make(NULL, 0));
}

static int compile_source(struct compile *c, const char *name)
{
    struct source *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    s->c = c;
    s->line = 1;
    s->label = name;
    rc = c->env->source(c->env->arg, name, &s->rest, &s->label);
    if (rc == 0) {
        if (!str_utf8(s->rest))
            complain(s, "not UTF-8", str_make(NULL, 0));
        compile_text(s);
        rc = s->rc;
    }
    free(s);
    return rc;
}

static int keep(struct arena *a, const struct compile *c, const struct tmpl **out)
{
    struct tmpl *t = arena_alloc(a, sizeof(*t));
    struct tmpl_op *ops = arena_alloc(a, (c->nops + 1) * sizeof(*ops));
    char *text = arena_dup(a, buf_view(&c->text));

    if (!t || !ops || !text || buf_err(&c->text))
        return -ENOMEM;
    if (c->nops)
        memcpy(ops, c->ops, c->nops * sizeof(*ops));
    *t = (struct tmpl){ops, c->nops, text};
    *out = t;
    return 0;
}

int tmpl_compile(struct arena *a, const struct tmpl_env *env, const char *name,
                 const struct tmpl **out, struct buf *errors)
{
    struct compile c = {.env = env, .errors = errors};
    int rc;

    c.ops = malloc(OPS * sizeof(*c.ops));
    if (!c.ops)
        return -ENOMEM;
    buf_init(&c.text, TEXT_MAX);
    scan_init(&c.scan);
    rc = compile_source(&c, name);
    if (rc == -ENOENT) {
        buf_fmt(errors, "%s:0: no such template\n", name);
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = keep(a, &c, out);
    buf_free(&c.text);
    free(c.ops);
    return rc;
}
