/* What may be typed. GOV.UK: specific messages, stray spaces ignored, names of any character. */
#include <stdio.h>
#include <string.h>

#include "pages/fields.h"

enum { KEY = 96 };

static size_t characters(struct str s)
{
    size_t i, n = 0;

    for (i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* Text of a complaint: the field's own, else the general one; {label} {min} {max} filled in. */
static void complain(struct fields *fs, struct field *f, const char *what)
{
    char key[KEY], lo[16], hi[16];
    struct cat_arg args[] = {{"label", f->label}, {"min", {NULL, 0}}, {"max", {NULL, 0}}};

    snprintf(lo, sizeof(lo), "%u", f->min);
    snprintf(hi, sizeof(hi), "%u", f->max);
    args[1].value = str_of(lo);
    args[2].value = str_of(hi);
    snprintf(key, sizeof(key), "field.%s.%s", f->name, what);
    if (cat_get(&fs->pg->cat, str_of(key)).n == 0)
        snprintf(key, sizeof(key), "field.any.%s", what);
    f->error = cat_fmt(&fs->pg->cat, fs->arena, key, args, 3);
}

/* One @ with something on both sides and a dot in the domain, and nothing that the mail role
 * would refuse to put into an envelope; the mail server knows the rest. */
static bool mail_ok(struct str s)
{
    struct str domain, local = str_cut(s, '@', &domain);
    ptrdiff_t dot = str_rchr(domain, '.');
    size_t i;

    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c >= 0x7f || strchr("<>()[]\\,;:\"", c))
            return false;
    }
    return local.n > 0 && local.n <= 64 && str_chr(domain, '@') < 0 && dot > 0 &&
           (size_t)dot + 1 < domain.n && domain.p[0] != '.';
}

static bool in_options(const struct field *f)
{
    size_t i;

    for (i = 0; f->options && f->options[i]; i++)
        if (str_is(f->value, f->options[i]))
            return true;
    return false;
}

static const char *wrong_number(const struct field *f)
{
    int64_t n;

    if (str_i64(f->value, &n))
        return "number";
    if (n < (int64_t)f->min)
        return "small";
    if (f->max > 0 && n > (int64_t)f->max)
        return "large";
    return NULL;
}

static const char *wrong_text(const struct field *f)
{
    size_t n = characters(f->value);

    if (n > f->max)
        return "long";
    return n < f->min ? "short" : NULL;
}

static const char *wrong(const struct field *f)
{
    const char *what;

    if (f->value.n == 0)
        return f->required ? (f->type == CFG_FIELD_SELECT     ? "choose"
                              : f->type == CFG_FIELD_CHECKBOX ? "tick"
                                                              : "missing")
                           : NULL;
    if (!str_text(f->value))
        return "control";
    switch (f->type) {
    case CFG_FIELD_SELECT:
        return in_options(f) ? NULL : "choose";
    case CFG_FIELD_CHECKBOX:
        return str_is(f->value, "yes") ? NULL : "tick";
    case CFG_FIELD_NUMBER:
        return wrong_number(f);
    case CFG_FIELD_EMAIL:
        what = wrong_text(f);
        return what ? what : mail_ok(f->value) ? NULL : "format";
    case CFG_FIELD_TEXT:
    case CFG_FIELD_TEL:
        return wrong_text(f);
    }
    return NULL;
}

unsigned fields_check(struct fields *fs)
{
    unsigned bad = 0;
    size_t i;

    for (i = 0; i < fs->n; i++) {
        const char *what = wrong(&fs->f[i]);

        if (!what)
            continue;
        complain(fs, &fs->f[i], what);
        bad++;
    }
    return bad;
}
