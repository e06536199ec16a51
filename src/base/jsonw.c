#include <assert.h>
#include <string.h>

#include "base/json.h"

void jsonw_init(struct jsonw *w, struct buf *b)
{
    *w = (struct jsonw){.b = b};
}

static void separate(struct jsonw *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->comma[w->depth])
        buf_ch(w->b, ',');
    w->comma[w->depth] = true;
}

static void open(struct jsonw *w, char c)
{
    separate(w);
    buf_ch(w->b, c);
    assert(w->depth + 1 < JSON_DEPTH);
    w->comma[++w->depth] = false;
}

static void close(struct jsonw *w, char c)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    buf_ch(w->b, c);
}

void jsonw_obj(struct jsonw *w)
{
    open(w, '{');
}

void jsonw_obj_end(struct jsonw *w)
{
    close(w, '}');
}

void jsonw_arr(struct jsonw *w)
{
    open(w, '[');
}

void jsonw_arr_end(struct jsonw *w)
{
    close(w, ']');
}

/* Bytes that may stand as they are, up to the first that may not. */
static size_t plain(struct str s)
{
    size_t i = 0;

    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= 0x7f)
            break;
        i++;
    }
    return i;
}

static size_t put_special(struct buf *b, struct str s)
{
    static const char from[] = "\"\\\n\r\t";
    static const char to[] = "\"\\nrt";
    unsigned char c = (unsigned char)s.p[0];
    const char *hit = c ? strchr(from, c) : NULL;
    size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (hit) {
        buf_ch(b, '\\');
        buf_ch(b, to[hit - from]);
        return 1;
    }
    if (c < 0x80) {
        buf_fmt(b, "\\u%04x", c);
        return 1;
    }
    if (s.n < len || !str_utf8(str_sub(s, 0, len))) {
        buf_cat(b, "\xef\xbf\xbd");
        return 1;
    }
    if (len == 3 && memcmp(s.p, "\xe2\x80", 2) == 0 && ((unsigned char)s.p[2] & 0xfe) == 0xa8)
        buf_fmt(b, "\\u202%c", s.p[2] == '\xa8' ? '8' : '9');
    else
        buf_str(b, str_sub(s, 0, len));
    return len;
}

static void quoted(struct buf *b, struct str s)
{
    buf_ch(b, '"');
    while (s.n) {
        size_t n = plain(s);

        buf_add(b, s.p, n);
        s = str_from(s, n);
        if (s.n)
            s = str_from(s, put_special(b, s));
    }
    buf_ch(b, '"');
}

void jsonw_key(struct jsonw *w, const char *key)
{
    separate(w);
    quoted(w->b, str_of(key));
    buf_ch(w->b, ':');
    w->after_key = true;
}

void jsonw_str(struct jsonw *w, struct str s)
{
    separate(w);
    quoted(w->b, s);
}

void jsonw_int(struct jsonw *w, int64_t v)
{
    separate(w);
    buf_fmt(w->b, "%lld", (long long)v);
}

void jsonw_bool(struct jsonw *w, bool v)
{
    separate(w);
    buf_cat(w->b, v ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
    separate(w);
    buf_cat(w->b, "null");
}

void jsonw_raw(struct jsonw *w, struct str json)
{
    separate(w);
    buf_str(w->b, json);
}

void jsonw_kvs(struct jsonw *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    jsonw_str(w, s);
}

void jsonw_kvs_opt(struct jsonw *w, const char *key, struct str s)
{
    if (s.n)
        jsonw_kvs(w, key, s);
}

void jsonw_kvi(struct jsonw *w, const char *key, int64_t v)
{
    jsonw_key(w, key);
    jsonw_int(w, v);
}

void jsonw_kvb(struct jsonw *w, const char *key, bool v)
{
    jsonw_key(w, key);
    jsonw_bool(w, v);
}
