#include "sandbox/sb_canon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/hash.h"

#define SEGMENTS_MAX 64
#define PAIRS_MAX    64

/* Removes "." and ".." and empty segments (RFC 3986 5.2.4; all services but S3), then escapes
 * every segment once more, as it was sent. */
static int canonical_path(struct str path, struct buf *out)
{
    struct str seg[SEGMENTS_MAX], rest = path;
    size_t n = 0;
    bool slash = true;

    while (rest.n > 0) {
        bool more = str_chr(rest, '/') >= 0;
        struct str s = str_cut(rest, '/', &rest);
        slash = more || str_is(s, ".") || str_is(s, "..");
        if (s.n == 0 || str_is(s, "."))
            continue;
        if (str_is(s, "..")) {
            n -= n > 0;
            continue;
        }
        if (n == SEGMENTS_MAX)
            return -EINVAL;
        seg[n++] = s;
    }
    for (size_t i = 0; i < n; i++) {
        buf_ch(out, '/');
        enc_pct(out, seg[i]);
    }
    if (n == 0 || slash)
        buf_ch(out, '/');
    return 0;
}

static int hexval(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Escapes are undone and made again in the one canonical form. */
static void recode(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%' && i + 2 < s.n && hexval(s.p[i + 1]) >= 0 && hexval(s.p[i + 2]) >= 0) {
            c = (char)(hexval(s.p[i + 1]) * 16 + hexval(s.p[i + 2]));
            i += 2;
        }
        enc_pct(out, str_make(&c, 1));
    }
}

struct pair {
    size_t key, nkey, value, nvalue; /* places in one buffer */
    const struct buf *in;
};

static int by_bytes(struct str a, struct str b)
{
    int d = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int by_pair(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    const char *base = buf_cstr(a->in);
    int d = by_bytes(str_make(base + a->key, a->nkey), str_make(base + b->key, b->nkey));

    return d ? d
             : by_bytes(str_make(base + a->value, a->nvalue), str_make(base + b->value, b->nvalue));
}

static int canonical_query(struct str query, struct buf *out)
{
    struct pair pairs[PAIRS_MAX];
    struct str rest = query;
    struct buf text;
    size_t n = 0;

    buf_init(&text, 65536);
    while (rest.n > 0 && n < PAIRS_MAX) {
        struct str value, item = str_cut(rest, '&', &rest);
        struct str key = str_cut(item, '=', &value);
        struct pair *p = &pairs[n++];
        p->in = &text;
        p->key = text.len;
        recode(key, &text);
        p->nkey = text.len - p->key;
        p->value = text.len;
        recode(value, &text);
        p->nvalue = text.len - p->value;
    }
    int rc = rest.n > 0 ? -EINVAL : buf_err(&text);
    if (rc == 0 && n > 0)
        qsort(pairs, n, sizeof(pairs[0]), by_pair);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (i > 0)
            buf_ch(out, '&');
        buf_add(out, buf_cstr(&text) + pairs[i].key, pairs[i].nkey);
        buf_ch(out, '=');
        buf_add(out, buf_cstr(&text) + pairs[i].value, pairs[i].nvalue);
    }
    buf_free(&text);
    return rc;
}

/* Trimmed, runs of spaces as one. */
static void header_value(struct str v, struct buf *out)
{
    bool gap = false;

    v = str_trim(v);
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] == ' ') {
            gap = true;
            continue;
        }
        if (gap)
            buf_ch(out, ' ');
        gap = false;
        buf_ch(out, v.p[i]);
    }
}

/* All headers of that name in the order received, joined by commas. */
static int header_line(const struct sb_req *req, struct str name, struct buf *out)
{
    size_t n = 0;

    buf_str(out, name);
    buf_ch(out, ':');
    for (size_t i = 0; i < req->nh; i++) {
        if (!str_ieq(req->h[i].name, name))
            continue;
        if (n++ > 0)
            buf_ch(out, ',');
        header_value(req->h[i].value, out);
    }
    buf_ch(out, '\n');
    return n > 0 ? 0 : -EINVAL;
}

static int headers(const struct sb_req *req, struct str list, struct buf *out)
{
    struct str name, last = STR(""), rest = list;

    while (rest.n > 0) {
        name = str_cut(rest, ';', &rest);
        if (name.n == 0 || (last.n > 0 && by_bytes(last, name) >= 0))
            return -EINVAL;
        for (size_t i = 0; i < name.n; i++) {
            if (name.p[i] >= 'A' && name.p[i] <= 'Z')
                return -EINVAL;
        }
        if (header_line(req, name, out))
            return -EINVAL;
        last = name;
    }
    return 0;
}

int sb_canon_request(const struct sb_req *req, struct str signed_headers, struct buf *out)
{
    struct str claimed = sb_req_header(req, "x-amz-content-sha256");
    char hash[HASH_HEX];
    int rc;

    hash_sha256_hex(req->body, hash);
    if (claimed.n > 0 && !str_is(claimed, hash))
        return -EBADMSG;
    buf_str(out, req->method);
    buf_ch(out, '\n');
    rc = canonical_path(req->path, out);
    buf_ch(out, '\n');
    if (rc == 0)
        rc = canonical_query(req->query, out);
    buf_ch(out, '\n');
    if (rc == 0)
        rc = headers(req, signed_headers, out);
    if (rc)
        return rc;
    buf_ch(out, '\n');
    buf_str(out, signed_headers);
    buf_ch(out, '\n');
    buf_cat(out, hash);
    return buf_err(out);
}
