/* Name-value pairs of PARAMS and GET_VALUES (FastCGI specification 3.4, 4.1). */
#include <errno.h>
#include <string.h>

#include "records.h"

enum {
    PARAMS_FIRST = 48,    /* web servers send 20 to 40 */
    RAW_MAX = 1024 * 1024 /* of refused params that are read to their end */
};

static size_t length_at(const unsigned char *d)
{
    if (!(d[0] & 0x80))
        return d[0];
    return (size_t)(d[0] & 0x7f) << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3];
}

/* Bytes that both lengths take, as far as can be said from the first n of them. */
static unsigned lengths_need(const unsigned char *d, unsigned n)
{
    unsigned a, b;

    if (n == 0)
        return 2;
    a = d[0] & 0x80 ? 4 : 1;
    if (n <= a)
        return a + 1;
    b = d[a] & 0x80 ? 4 : 1;
    return a + b;
}

/* Collects the lengths; true when both are known. */
static bool take_lengths(struct rec_pairs *q, const unsigned char **d, size_t *n)
{
    if (q->nlen == 0 && *n >= 2 && !((*d)[0] & 0x80) && !((*d)[1] & 0x80)) { /* nearly always */
        q->name = (*d)[0];
        q->value = (*d)[1];
        q->left = q->name + q->value;
        q->open = true;
        *d += 2;
        *n -= 2;
        return true;
    }
    while (q->nlen < lengths_need(q->len, q->nlen)) {
        if (*n == 0)
            return false;
        q->len[q->nlen++] = **d;
        (*d)++;
        (*n)--;
    }
    q->name = length_at(q->len);
    q->value = length_at(q->len + (q->len[0] & 0x80 ? 4 : 1));
    q->left = q->name + q->value; /* two 31-bit numbers in 64 bits */
    q->nlen = 0;
    q->open = true;
    return true;
}

static bool params_room(struct rec *p)
{
    size_t cap = p->params_cap ? p->params_cap * 2 : PARAMS_FIRST;
    struct req_param *more;

    if (p->cur.nparams < p->params_cap)
        return true;
    if (cap > p->lim->params_max)
        cap = p->lim->params_max;
    more = arena_alloc(p->cur.arena, cap * sizeof(*more));
    if (!more)
        return false;
    if (p->cur.nparams)
        memcpy(more, p->cur.params, p->cur.nparams * sizeof(*more));
    p->cur.params = more;
    p->params_cap = cap;
    return true;
}

/* Decides where the pair goes, before one byte of it is kept. */
static void pair_begin(struct rec *p)
{
    struct rec_pairs *q = &p->pairs;
    const struct req_limits *lim = p->lim;

    q->at = NULL;
    if (p->cur.refuse)
        return;
    if (q->name > lim->name_max || q->value > lim->value_max || p->cur.nparams >= lim->params_max ||
        q->left > lim->params_bytes - p->params_bytes) {
        p->cur.refuse = 431;
        return;
    }
    p->params_bytes += q->left;
    q->at = params_room(p) ? arena_alloc(p->cur.arena, q->left + 1) : NULL;
    if (!q->at)
        p->cur.refuse = 503;
}

static void pair_end(struct rec *p)
{
    struct rec_pairs *q = &p->pairs;
    const char *text;

    q->open = false;
    if (!q->at)
        return;
    text = q->at - (q->name + q->value);
    p->cur.params[p->cur.nparams].name = str_make(text, q->name);
    p->cur.params[p->cur.nparams].value = str_make(text + q->name, q->value);
    p->cur.nparams++;
}

int rec_params_data(struct rec *p, const unsigned char *d, size_t n)
{
    struct rec_pairs *q = &p->pairs;
    size_t part;

    p->raw += n;
    if (p->raw > RAW_MAX)
        return -EMSGSIZE;
    for (;;) {
        if (!q->open) {
            if (!take_lengths(q, &d, &n))
                return 0;
            pair_begin(p);
        }
        part = q->left < n ? q->left : n;
        if (q->at && part) {
            memcpy(q->at, d, part);
            q->at += part;
        }
        d += part;
        n -= part;
        q->left -= part;
        if (q->left > 0)
            return 0;
        pair_end(p);
    }
}

/* CONTENT_LENGTH is a hint (RFC 3875 4.1.2): empty or absent when the web server streams. */
static void expect_body(struct rec *p)
{
    size_t i;

    for (i = 0; i < p->cur.nparams && !p->cur.refuse; i++) {
        struct str v = p->cur.params[i].value;
        uint64_t n;

        if (v.n == 0 || !str_is(p->cur.params[i].name, "CONTENT_LENGTH"))
            continue;
        if (str_u64(v, INT64_MAX, &n) < 0 || (p->expected && n != p->expect)) {
            p->cur.refuse = 400;
            return;
        }
        p->expected = true;
        p->expect = n;
    }
    if (p->expect > p->lim->body_max && !p->cur.refuse)
        p->cur.refuse = 413;
}

int rec_params_end(struct rec *p)
{
    if (p->pairs.open || p->pairs.nlen > 0)
        return -EINVAL;
    p->raw = 0;
    expect_body(p);
    return 0;
}

static void put_value(struct buf *b, struct str name, const char *value)
{
    unsigned char len[2] = {(unsigned char)name.n, (unsigned char)strlen(value)};

    buf_add(b, len, sizeof(len));
    buf_str(b, name);
    buf_cat(b, value);
}

int rec_get_values(const unsigned char *d, size_t n, struct buf *reply)
{
    static const char *const known[][2] = {
        {FCGI_MAX_CONNS, "4096"}, {FCGI_MAX_REQS, "4096"}, {FCGI_MPXS_CONNS, "0"}};
    struct rec_pairs q = {0};
    unsigned char head[FCGI_HEADER_LEN] = {0};
    size_t at = reply->len, i;

    buf_add(reply, head, sizeof(head));
    while (n > 0) {
        struct str name;

        if (!take_lengths(&q, &d, &n) || q.left > n) {
            reply->len = at;
            return -EINVAL;
        }
        name = str_make((const char *)d, q.name);
        for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (str_is(name, known[i][0]))
                put_value(reply, name, known[i][1]);
        d += q.left;
        n -= q.left;
    }
    if (buf_err(reply) < 0)
        return -ENOBUFS;
    rec_put_head(head, FCGI_GET_VALUES_RESULT, 0, reply->len - at - sizeof(head));
    memcpy(reply->p + at, head, sizeof(head));
    return 0;
}
