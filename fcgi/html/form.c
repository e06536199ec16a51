#include "html/form.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"

static bool usable(struct str s)
{
    return str_utf8(s) && (s.n == 0 || !memchr(s.p, '\0', s.n));
}

int form_add(struct form *f, struct str name, struct str value)
{
    if (f->n == FORM_FIELDS || name.n > FORM_NAME)
        return -E2BIG;
    if (!usable(name) || !usable(value))
        return -EINVAL;
    f->field[f->n++] = (struct form_field){name, value};
    return 0;
}

static int decode(struct arena *a, struct str raw, struct str *out)
{
    struct buf b;
    int rc;

    buf_init(&b, raw.n + 1);
    rc = enc_form_dec(&b, raw);
    if (rc == 0)
        rc = buf_err(&b);
    if (rc == 0) {
        *out = arena_str(a, buf_view(&b));
        rc = out->n == b.len ? 0 : -ENOMEM;
    }
    buf_free(&b);
    return rc;
}

static int urlencoded(struct arena *a, struct str body, struct form *out)
{
    struct str pair, value, name, text;
    int rc;

    while (body.n > 0) {
        pair = str_cut(body, '&', &body);
        if (pair.n == 0)
            continue;
        name = str_cut(pair, '=', &value);
        rc = decode(a, name, &name);
        if (rc == 0)
            rc = decode(a, value, &text);
        if (rc == 0)
            rc = form_add(out, name, text);
        if (rc)
            return rc;
    }
    return 0;
}

int form_parse(struct arena *a, struct str content_type, struct str body, struct form *out)
{
    struct str params, type = str_trim(str_cut(content_type, ';', &params));

    out->n = 0;
    if (str_ieq(type, STR("application/x-www-form-urlencoded")))
        return urlencoded(a, body, out);
    if (str_ieq(type, STR("multipart/form-data")))
        return form_multipart(a, params, body, out);
    return -EMEDIUMTYPE;
}

size_t form_count(const struct form *f, const char *name, struct str *value)
{
    size_t i, n = 0;

    *value = str_make(NULL, 0);
    for (i = 0; i < f->n; i++) {
        if (!str_is(f->field[i].name, name))
            continue;
        if (n++ == 0)
            *value = f->field[i].value;
    }
    return n;
}

struct str form_twice(const struct form *f)
{
    size_t i, j;

    for (i = 0; i < f->n; i++)
        for (j = 0; j < i; j++)
            if (str_eq(f->field[i].name, f->field[j].name))
                return f->field[i].name;
    return str_make(NULL, 0);
}
