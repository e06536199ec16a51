/* multipart/form-data by RFC 7578 and RFC 2046 5.1.1; a file is refused. */
#include <errno.h>
#include <string.h>

#include "html/form.h"

enum { BOUNDARY_MAX = 70, HEADERS_MAX = 8 };

/* Value of a parameter; quotes removed, quoting with backslash refused. -ENOENT when absent. */
static int param(struct str s, struct str want, struct str *out)
{
    while (s.n > 0) {
        struct str name = str_trim(str_cut(s, '=', &s));

        if (s.n > 0 && s.p[0] == '"') {
            ptrdiff_t end = str_chr(str_from(s, 1), '"');

            if (end < 0 || str_chr(str_sub(s, 1, (size_t)end), '\\') >= 0)
                return -EINVAL;
            *out = str_sub(s, 1, (size_t)end);
            s = str_trim(str_from(s, (size_t)end + 2));
            if (s.n > 0 && s.p[0] != ';')
                return -EINVAL;
            s = str_from(s, 1);
        } else {
            *out = str_trim(str_cut(s, ';', &s));
        }
        if (str_ieq(name, want))
            return 0;
    }
    return -ENOENT;
}

static ptrdiff_t find(struct str s, struct str what)
{
    const char *at = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;

    return at ? at - s.p : -1;
}

/* Headers of one part: the field's name. */
static int part_name(struct str head, struct str *name)
{
    bool seen = false;
    unsigned n = 0;

    while (head.n > 0) {
        ptrdiff_t eol = find(head, STR("\r\n"));
        struct str line = eol < 0 ? head : str_sub(head, 0, (size_t)eol), value, kind, unused;

        head = eol < 0 ? str_make(NULL, 0) : str_from(head, (size_t)eol + 2);
        if (++n > HEADERS_MAX)
            return -E2BIG;
        if (!str_ieq(str_trim(str_cut(line, ':', &value)), STR("content-disposition")))
            continue;
        kind = str_trim(str_cut(value, ';', &value));
        if (seen || !str_ieq(kind, STR("form-data")) || param(value, STR("name"), name) ||
            param(value, STR("filename"), &unused) != -ENOENT)
            return -EINVAL;
        seen = true;
    }
    return seen ? 0 : -EINVAL;
}

/* Steps over the end of a delimiter line. 1: it was the last one. */
static int after_delimiter(struct str *s)
{
    if (str_starts(*s, STR("--")))
        return 1;
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = str_from(*s, 1);
    if (!str_starts(*s, STR("\r\n")))
        return -EINVAL;
    *s = str_from(*s, 2);
    return 0;
}

static int part(struct str *s, struct str delimiter, struct form *out)
{
    struct str head = {NULL, 0}, name = {NULL, 0}, value;
    ptrdiff_t at;
    int rc;

    at = str_starts(*s, STR("\r\n")) ? -1 : find(*s, STR("\r\n\r\n"));
    if (at < 0)
        return -EINVAL;
    head = str_sub(*s, 0, (size_t)at);
    *s = str_from(*s, (size_t)at + 4);
    /* An empty value lets the delimiter's CRLF be the one that ended the headers. */
    at = find(str_make(s->p - 2, s->n + 2), delimiter);
    if (at < 0)
        return -EINVAL;
    value = at < 2 ? str_make(NULL, 0) : str_sub(*s, 0, (size_t)at - 2);
    *s = str_from(str_make(s->p - 2, s->n + 2), (size_t)at + delimiter.n);
    rc = part_name(head, &name);
    return rc ? rc : form_add(out, name, value);
}

int form_multipart(struct arena *a, struct str content_type, struct str body, struct form *out)
{
    struct str boundary, delimiter, text;
    ptrdiff_t at;
    char *d;
    int rc;

    if (param(content_type, STR("boundary"), &boundary) || boundary.n == 0 ||
        boundary.n > BOUNDARY_MAX)
        return -EINVAL;
    d = arena_fmt(a, "\r\n--%.*s", STR_FMT(boundary));
    text = arena_str(a, body);
    if (!d || (body.n && text.n == 0))
        return -ENOMEM;
    delimiter = str_of(d);
    if (str_starts(text, str_from(delimiter, 2)))
        at = -2;
    else
        at = find(text, delimiter);
    if (at == -1)
        return -EINVAL;
    text = str_from(text, (size_t)(at + (ptrdiff_t)delimiter.n));
    for (;;) {
        rc = after_delimiter(&text);
        if (rc)
            return rc > 0 ? 0 : rc;
        rc = part(&text, delimiter, out);
        if (rc)
            return rc;
    }
}
