#include "cli/cli_text.h"

#include "base/log.h"

struct range {
    uint32_t first, last;
};

static const struct range hidden[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x2069}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f},
};
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};
static const struct range combining[] = {
    {0x300, 0x36f},
    {0x1ab0, 0x1aff},
    {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f},
};

#define IN(table, cp) in_ranges((table), sizeof(table) / sizeof(*(table)), (cp))

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
    for (size_t i = 0; i < n; i++)
        if (cp >= r[i].first && cp <= r[i].last)
            return true;
    return false;
}

/* Length of the UTF-8 sequence at the head of s and its code point; 0 when it is none. */
static size_t decode(struct str s, uint32_t *cp)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (n > s.n || !str_utf8(str_sub(s, 0, n)))
        return 0;
    *cp = n == 1 ? c : c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        *cp = *cp << 6 | ((unsigned char)s.p[i] & 0x3f);
    return n;
}

void cli_text_safe(struct buf *b, struct str s)
{
    while (s.n) {
        uint32_t cp = 0;
        size_t n = decode(s, &cp);

        if (n == 0)
            buf_fmt(b, "\\x%02x", (unsigned char)s.p[0]);
        else if (!IN(hidden, cp))
            buf_add(b, s.p, n);
        else if (cp < 0x100)
            buf_fmt(b, "\\x%02x", cp);
        else
            buf_fmt(b, "\\u{%x}", cp);
        s = str_from(s, n ? n : 1);
    }
}

static size_t width_of(uint32_t cp)
{
    return IN(combining, cp) ? 0 : IN(wide, cp) ? 2 : 1;
}

size_t cli_text_width(struct str s)
{
    size_t w = 0;

    while (s.n) {
        uint32_t cp = 0;
        size_t n = decode(s, &cp);

        w += width_of(cp);
        s = str_from(s, n ? n : 1);
    }
    return w;
}

struct str cli_text_head(struct str s, size_t width)
{
    struct str rest = s;
    size_t w = 0;

    while (rest.n) {
        uint32_t cp = 0;
        size_t n = decode(rest, &cp);

        w += width_of(cp);
        if (w > width)
            break;
        rest = str_from(rest, n ? n : 1);
    }
    return str_sub(s, 0, s.n - rest.n);
}

void cli_text_mask_email(struct buf *b, struct str s)
{
    ptrdiff_t at = str_rchr(s, '@');

    if (s.n == 0)
        return;
    if (at > 0) {
        uint32_t cp;
        size_t n = decode(s, &cp);

        buf_str(b, str_sub(s, 0, n));
    }
    buf_cat(b, "…");
    if (at > 0)
        buf_str(b, str_from(s, (size_t)at));
}

void cli_text_mask_id(struct buf *b, struct str s)
{
    char out[16];

    if (s.n)
        buf_cat(b, log_mask(s, out));
}
