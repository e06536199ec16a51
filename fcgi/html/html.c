#include "html/html.h"

#include <string.h>

static const char replacement[] = "\xef\xbf\xbd";

void html_raw(struct buf *b, const char *trusted)
{
    buf_cat(b, trusted);
}

/* Entity for a byte that may not stand as it is; NULL: it may. */
static const char *entity(unsigned char c, bool attr)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '`':
        return attr ? "&#96;" : NULL;
    case '\t':
        return attr ? "&#9;" : NULL;
    case '\n':
        return attr ? "&#10;" : NULL;
    default:
        return c < 0x20 || c == 0x7f ? replacement : NULL;
    }
}

static void escape(struct buf *b, struct str s, bool attr)
{
    bool utf8 = str_utf8(s);
    size_t i, from = 0;

    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char *e = c >= 0x80 ? (utf8 ? NULL : replacement) : entity(c, attr);

        if (!e)
            continue;
        buf_add(b, s.p + from, i - from);
        buf_cat(b, e);
        from = i + 1;
    }
    if (s.n > from)
        buf_add(b, s.p + from, s.n - from);
}

void html_text(struct buf *b, struct str s)
{
    escape(b, s, false);
}

void html_attr(struct buf *b, struct str s)
{
    escape(b, s, true);
}

static bool scheme_ok(struct str s)
{
    static const struct str schemes[] = {
        {"https://", 8}, {"http://", 7}, {"mailto:", 7}, {"tel:", 4}};
    size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (s.n > schemes[i].n && str_ieq(str_sub(s, 0, schemes[i].n), schemes[i]))
            return true;
    return false;
}

bool html_url_ok(struct str s)
{
    size_t i;

    if (s.n == 0 || !str_text(s))
        return false;
    for (i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == '\\')
            return false;
    if (s.p[0] == '#')
        return true;
    if (s.p[0] == '/')
        return s.n == 1 || s.p[1] != '/';
    return scheme_ok(s);
}

void html_url(struct buf *b, struct str s)
{
    html_attr(b, html_url_ok(s) ? s : STR("#"));
}
