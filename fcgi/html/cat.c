#include "html/cat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

static int cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int cmp_entry(const void *a, const void *b)
{
    return cmp(((const struct cat_entry *)a)->key, ((const struct cat_entry *)b)->key);
}

static struct cat_entry *find(const struct cat *c, struct str key)
{
    size_t lo = 0, hi = c->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int d = cmp(key, c->entry[mid].key);

        if (d == 0)
            return &c->entry[mid];
        if (d < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

struct str cat_get(const struct cat *c, struct str key)
{
    const struct cat_entry *e = find(c, key);

    return e ? e->text : str_make(NULL, 0);
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

struct str cat_next(struct str *text, struct str *name)
{
    size_t i, j;
    struct str head;

    for (i = 0; i < text->n; i++) {
        if (text->p[i] != '{')
            continue;
        for (j = i + 1; j < text->n && name_char(text->p[j]); j++)
            continue;
        if (j == i + 1 || j == text->n || text->p[j] != '}')
            continue;
        head = str_sub(*text, 0, i);
        *name = str_sub(*text, i + 1, j - i - 1);
        *text = str_from(*text, j + 1);
        return head;
    }
    head = *text;
    *text = str_make(NULL, 0);
    *name = str_make(NULL, 0);
    return head;
}

static bool asks_for(struct str text, struct str name)
{
    struct str have;

    while (text.n > 0) {
        cat_next(&text, &have);
        if (have.n > 0 && str_eq(have, name))
            return true;
    }
    return false;
}

static int complain(struct buf *errors, const char *name, unsigned line, const char *what,
                    struct str about)
{
    buf_fmt(errors, "%s:%u: %s%s%.*s\n", name, line, what, about.n ? " " : "", STR_FMT(about));
    return -EINVAL;
}

/* One line into key and text; both empty for a comment or an empty line. */
static int parse_line(struct str line, struct cat_entry *out, const char **why)
{
    struct str rest;

    *out = (struct cat_entry){{NULL, 0}, {NULL, 0}};
    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return 0;
    out->key = str_trim(str_cut(line, '=', &rest));
    out->text = str_trim(rest);
    *why = out->key.n == 0 || out->text.n == 0 ? "expected \"key = text\""
           : out->text.n > TEXT_MAX            ? "text is too long"
           : !str_text(out->text)              ? "text has control characters or is not UTF-8"
                                               : NULL;
    return *why ? -EINVAL : 0;
}

int cat_load(struct arena *a, const char *name, struct str file, struct cat *out,
             struct buf *errors)
{
    size_t i, lines = 1;
    unsigned no = 0;
    const char *why;
    int rc = 0;

    for (i = 0; i < file.n; i++)
        lines += file.p[i] == '\n';
    *out = (struct cat){arena_alloc(a, lines * sizeof(*out->entry)), 0};
    if (!out->entry)
        return -ENOMEM;
    while (file.n > 0) {
        struct str line = str_cut(file, '\n', &file);
        struct cat_entry *e = &out->entry[out->n];

        no++;
        if (parse_line(line, e, &why))
            rc = complain(errors, name, no, why, str_make(NULL, 0));
        else if (e->key.n > 0)
            out->n++;
    }
    qsort(out->entry, out->n, sizeof(*out->entry), cmp_entry);
    for (i = 1; i < out->n; i++)
        if (str_eq(out->entry[i - 1].key, out->entry[i].key))
            rc = complain(errors, name, 0, "key twice:", out->entry[i].key);
    return rc;
}

/* Every page knows these. */
static bool everywhere(struct str name)
{
    return str_is(name, "seller") || str_is(name, "product") || str_is(name, "marketplace");
}

static int override_one(struct cat *c, const char *name, unsigned no, const struct cat_entry *want,
                        struct buf *errors)
{
    struct cat_entry *e = find(c, want->key);
    struct str text = want->text, arg;

    if (!e)
        return complain(errors, name, no, "no such text:", want->key);
    while (text.n > 0) {
        cat_next(&text, &arg);
        if (arg.n > 0 && !asks_for(e->text, arg) && !everywhere(arg))
            return complain(errors, name, no, "this text has no value called", arg);
    }
    e->text = want->text;
    return 0;
}

int cat_override(struct cat *c, const char *name, struct str file, struct buf *errors)
{
    struct cat_entry e;
    unsigned no = 0;
    const char *why;
    int rc = 0;

    while (file.n > 0) {
        struct str line = str_cut(file, '\n', &file);

        no++;
        if (parse_line(line, &e, &why))
            rc = complain(errors, name, no, why, str_make(NULL, 0));
        else if (e.key.n > 0 && override_one(c, name, no, &e, errors))
            rc = -EINVAL;
    }
    return rc;
}

static struct str arg_value(const struct cat_arg *args, size_t n, struct str name)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (str_is(name, args[i].name))
            return args[i].value;
    return str_make(NULL, 0);
}

struct str cat_fmt(const struct cat *c, struct arena *a, const char *key,
                   const struct cat_arg *args, size_t nargs)
{
    struct str text = cat_get(c, str_of(key)), name, lit, out;
    struct buf b;

    buf_init(&b, 4 * TEXT_MAX);
    while (text.n > 0) {
        lit = cat_next(&text, &name);
        buf_str(&b, lit);
        if (name.n > 0)
            buf_str(&b, arg_value(args, nargs, name));
    }
    out = arena_str(a, buf_view(&b));
    buf_free(&b);
    return out;
}
