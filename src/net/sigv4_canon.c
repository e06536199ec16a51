#include "net/sigv4_canon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

enum { HEADERS_MAX = 64, PARAMS_MAX = 256, PATH_MAX_LEN = 8192 };

struct pair {
    struct str name, value;
    size_t order; /* equal names stay in their order: qsort is not stable */
};

static int cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int by_header(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    int c = cmp(a->name, b->name);

    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static int by_param(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    int c = cmp(a->name, b->name);

    return c ? c : cmp(a->value, b->value);
}

static struct str lower(struct arena *a, struct str s)
{
    char *p = arena_dup(a, s);

    for (size_t i = 0; p && i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + 'a' - 'A');
    return str_make(p, p ? s.n : 0);
}

/* "." and ".." and empty segments go (RFC 3986 section 5.2.4 and then some). */
static void add_path(struct buf *out, struct str path, bool normalize)
{
    struct buf norm;
    bool slash = path.n == 0 || path.p[path.n - 1] == '/';

    buf_init(&norm, PATH_MAX_LEN);
    while (normalize && path.n) {
        struct str seg = str_cut(path, '/', &path);

        if (seg.n == 0 || str_is(seg, ".")) {
            slash |= path.n == 0;
        } else if (str_is(seg, "..")) {
            ptrdiff_t at = str_rchr(buf_view(&norm), '/');

            norm.len = at > 0 ? (size_t)at : 0;
            slash |= path.n == 0;
        } else {
            buf_ch(&norm, '/');
            buf_str(&norm, seg);
        }
    }
    if (!normalize)
        buf_str(&norm, path);
    else if (norm.len == 0 || slash)
        buf_ch(&norm, '/');
    if (buf_err(&norm))
        out->bad = true;
    for (struct str rest = buf_view(&norm); rest.n;) {
        ptrdiff_t at = str_chr(rest, '/');
        size_t n = at < 0 ? rest.n : (size_t)at;

        enc_pct(out, str_sub(rest, 0, n));
        if (at >= 0)
            buf_ch(out, '/');
        rest = str_from(rest, at < 0 ? n : n + 1);
    }
    buf_ch(out, '\n');
    buf_free(&norm);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decoded once and encoded again, so that the raw form may use either. */
static struct str recode(struct arena *a, struct str s)
{
    struct buf plain, enc;
    struct str r;

    buf_init(&plain, s.n);
    buf_init(&enc, s.n * 3);
    for (size_t i = 0; i < s.n; i++) {
        int hi = s.p[i] == '%' && s.n - i > 2 ? hex(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex(s.p[i + 2]) : -1;

        if (lo >= 0) {
            buf_ch(&plain, (char)(hi << 4 | lo));
            i += 2;
        } else {
            buf_ch(&plain, s.p[i]);
        }
    }
    enc_pct(&enc, buf_view(&plain));
    r = arena_str(a, buf_view(&enc));
    buf_free(&plain);
    buf_free(&enc);
    return r;
}

static int add_query(struct arena *a, struct buf *out, struct str query)
{
    struct pair *p = arena_alloc(a, PARAMS_MAX * sizeof(*p));
    size_t n = 0;

    if (!p)
        return -ENOMEM;
    while (query.n) {
        struct str one = str_cut(query, '&', &query), value, name = str_cut(one, '=', &value);

        if (one.n == 0)
            continue;
        if (n == PARAMS_MAX)
            return -EINVAL;
        p[n++] = (struct pair){recode(a, name), recode(a, value), 0};
    }
    qsort(p, n, sizeof(*p), by_param);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_ch(out, '&');
        buf_str(out, p[i].name);
        buf_ch(out, '=');
        buf_str(out, p[i].value);
    }
    buf_ch(out, '\n');
    return 0;
}

/* Trimmed, inner runs of white space become one space. */
static void add_value(struct buf *out, struct str v)
{
    bool gap = false;

    v = str_trim(v);
    for (size_t i = 0; i < v.n; i++) {
        bool space = v.p[i] == ' ' || v.p[i] == '\t' || v.p[i] == '\r' || v.p[i] == '\n';

        if (!space) {
            if (gap)
                buf_ch(out, ' ');
            buf_ch(out, v.p[i]);
        }
        gap = space;
    }
}

static int add_headers(struct arena *a, struct pair *h, size_t n, struct buf *out,
                       struct buf *names)
{
    for (size_t i = 0; i < n; i++) {
        h[i].name = lower(a, str_trim(h[i].name));
        h[i].order = i;
        if (h[i].name.n == 0)
            return -EINVAL;
    }
    qsort(h, n, sizeof(*h), by_header);
    for (size_t i = 0; i < n; i++) {
        bool same = i && str_eq(h[i].name, h[i - 1].name);

        if (!same) {
            if (i) {
                buf_ch(out, '\n');
                buf_ch(names, ';');
            }
            buf_str(out, h[i].name);
            buf_str(names, h[i].name);
        }
        buf_ch(out, same ? ',' : ':');
        add_value(out, h[i].value);
    }
    return 0;
}

static int canonical(struct arena *a, const struct sigv4_request *rq, const char *date,
                     const char *token, const char *payload_hash, struct buf *out,
                     struct buf *names)
{
    struct pair h[HEADERS_MAX + 3];
    size_t n = 0;
    int rc;

    if (rq->nheaders > HEADERS_MAX)
        return -EINVAL;
    for (; n < rq->nheaders; n++)
        h[n] = (struct pair){rq->headers[n].name, rq->headers[n].value, n};
    h[n++] = (struct pair){STR("x-amz-date"), str_of(date), 0};
    if (*token)
        h[n++] = (struct pair){STR("x-amz-security-token"), str_of(token), 0};
    if (rq->content_sha256)
        h[n++] = (struct pair){STR("x-amz-content-sha256"), str_of(payload_hash), 0};
    buf_fmt(out, "%s\n", rq->method);
    add_path(out, rq->path, rq->normalize_path);
    rc = add_query(a, out, rq->query);
    if (rc == 0)
        rc = add_headers(a, h, n, out, names);
    buf_fmt(out, "\n\n%.*s\n%s", STR_FMT(buf_view(names)), payload_hash);
    return rc ? rc : buf_err(out) || buf_err(names) ? -ENOMEM : 0;
}

int sigv4_canonical(const struct sigv4_request *rq, const char *date, const char *token,
                    const char *payload_hash, struct buf *out, struct buf *names)
{
    struct arena *a = arena_new(16384, 512 * 1024);
    int rc;

    if (!a)
        return -ENOMEM;
    rc = canonical(a, rq, date, token, payload_hash, out, names);
    arena_free(&a);
    return rc;
}
