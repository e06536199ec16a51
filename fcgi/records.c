#include "records.h"

#include <assert.h>
#include <string.h>

enum sink { SINK_SKIP, SINK_SMALL, SINK_PARAMS, SINK_STDIN };
enum { BODY_FIRST = 4096 };

void rec_init(struct rec *p, const struct req_limits *lim)
{
    memset(p, 0, sizeof(*p));
    p->lim = lim;
}

static void forget(struct rec *p)
{
    arena_free(&p->cur.arena);
    memset(&p->cur, 0, sizeof(p->cur));
    memset(&p->pairs, 0, sizeof(p->pairs));
    p->params_cap = p->params_bytes = p->raw = p->body_cap = 0;
    p->expect = 0;
    p->expected = false;
    p->state = REC_IDLE;
}

void rec_free(struct rec *p)
{
    forget(p);
}

static enum rec_step bad(struct rec *p, const char *why)
{
    p->why = why;
    return REC_BAD;
}

const char *rec_why(const struct rec *p)
{
    return p->why ? p->why : "";
}

bool rec_idle(const struct rec *p)
{
    return p->state == REC_IDLE && p->nhead == 0 && !p->held;
}

void rec_take(struct rec *p, struct rec_request *out)
{
    assert(p->state == REC_BUSY && p->cur.arena);
    *out = p->cur;
    if (out->refuse)
        out->body = str_make(NULL, 0);
    p->cur.arena = NULL;
}

void rec_answered(struct rec *p)
{
    assert(p->state == REC_BUSY);
    forget(p);
}

void rec_give_up(struct rec *p, int status)
{
    assert(p->state == REC_STDIN);
    p->cur.refuse = status;
    p->cur.unread = true;
    p->sink = SINK_SKIP;
    p->state = REC_BUSY;
}

/* ---- one record: its header, its bytes, its end ---- */

static bool take_head(struct rec *p, struct str *in)
{
    size_t n = sizeof(p->head) - p->nhead;

    if (n > in->n)
        n = in->n;
    if (n)
        memcpy(p->head + p->nhead, in->p, n);
    p->nhead += (unsigned)n;
    *in = str_from(*in, n);
    return p->nhead == sizeof(p->head);
}

static enum rec_step start_begin(struct rec *p)
{
    if (p->length != sizeof(FCGI_BeginRequestBody))
        return bad(p, "BEGIN_REQUEST of a wrong length");
    if (p->state == REC_BUSY) {
        p->held = true;
        return REC_HOLD;
    }
    if (p->state != REC_IDLE && p->id == p->cur.id)
        return bad(p, "second BEGIN_REQUEST of one id");
    p->sink = p->state == REC_IDLE ? SINK_SMALL : SINK_SKIP;
    return REC_MORE;
}

static enum rec_step start_stream(struct rec *p)
{
    bool mine = p->state != REC_IDLE && p->id == p->cur.id;

    p->sink = SINK_SKIP;
    if (!mine || p->state == REC_BUSY)
        return REC_MORE;
    if ((p->type == FCGI_PARAMS) != (p->state == REC_PARAMS))
        return bad(p, "streams out of order");
    p->sink = p->type == FCGI_PARAMS ? SINK_PARAMS : SINK_STDIN;
    return REC_MORE;
}

static enum rec_step start_record(struct rec *p)
{
    if (p->head[0] != FCGI_VERSION_1)
        return bad(p, "wrong version");
    p->type = p->head[1];
    p->id = (uint16_t)(p->head[2] << 8 | p->head[3]);
    p->length = p->content = (size_t)(p->head[4] << 8 | p->head[5]);
    p->pad = p->head[6];
    p->nsmall = 0;
    p->sink = SINK_SKIP;
    if (p->type == 0 || p->type > FCGI_MAXTYPE)
        return REC_MORE;
    if (p->id == FCGI_NULL_REQUEST_ID) {
        if (p->type == FCGI_GET_VALUES && p->length > REC_SMALL)
            return bad(p, "over-long GET_VALUES");
        p->sink = p->type == FCGI_GET_VALUES ? SINK_SMALL : SINK_SKIP;
        return REC_MORE;
    }
    switch (p->type) {
    case FCGI_BEGIN_REQUEST:
        return start_begin(p);
    case FCGI_PARAMS:
    case FCGI_STDIN:
        return start_stream(p);
    case FCGI_ABORT_REQUEST:
    case FCGI_DATA:
        return REC_MORE;
    default:
        return bad(p, "record type that only an application sends");
    }
}

/* Room for n more bytes of body; false: refused from here on. */
static bool body_room(struct rec *p, size_t n)
{
    size_t cap = p->expected ? (size_t)p->expect : p->body_cap ? p->body_cap * 2 : BODY_FIRST;
    char *d;

    if (p->expected && n > p->expect - p->cur.body.n) {
        p->cur.refuse = 400;
        return false;
    }
    if (n > p->lim->body_max - p->cur.body.n) {
        p->cur.refuse = 413;
        return false;
    }
    if (p->cur.body.n + n <= p->body_cap)
        return true;
    while (cap < p->cur.body.n + n)
        cap *= 2;
    arena_secret(p->cur.arena);
    d = arena_alloc(p->cur.arena, cap);
    if (!d) {
        p->cur.refuse = 503;
        return false;
    }
    if (p->cur.body.n)
        memcpy(d, p->cur.body.p, p->cur.body.n);
    p->cur.body.p = d;
    p->body_cap = cap;
    return true;
}

static enum rec_step body_data(struct rec *p, struct str s)
{
    struct str *body = &p->cur.body;

    p->raw += s.n;
    if (p->cur.refuse || !body_room(p, s.n)) {
        if (p->raw <= p->lim->body_max + p->lim->drain_max)
            return REC_MORE;
        p->cur.unread = true;
        p->sink = SINK_SKIP;
        p->state = REC_BUSY;
        return REC_REQUEST;
    }
    memcpy((char *)(uintptr_t)body->p + body->n, s.p, s.n);
    body->n += s.n;
    return REC_MORE;
}

static enum rec_step record_data(struct rec *p, struct str s)
{
    const unsigned char *d = (const unsigned char *)s.p;

    switch (p->sink) {
    case SINK_SMALL:
        memcpy(p->small + p->nsmall, d, s.n);
        p->nsmall += s.n;
        return REC_MORE;
    case SINK_PARAMS:
        if (rec_params_data(p, d, s.n) < 0)
            return bad(p, "flood of params");
        return REC_MORE;
    case SINK_STDIN:
        return body_data(p, s);
    default:
        return REC_MORE;
    }
}

static enum rec_step end_begin(struct rec *p, struct buf *reply)
{
    const unsigned char *b = p->small; /* FCGI_BeginRequestBody */

    if (p->sink == SINK_SKIP) {
        rec_put_end(reply, p->id, FCGI_CANT_MPX_CONN);
        return REC_MORE;
    }
    if ((b[0] << 8 | b[1]) != FCGI_RESPONDER) {
        rec_put_end(reply, p->id, FCGI_UNKNOWN_ROLE);
        p->cur.keep = b[2] & FCGI_KEEP_CONN;
        return p->cur.keep ? REC_MORE : REC_ABORT;
    }
    forget(p);
    p->cur.arena = arena_new(REQ_ARENA_FIRST, REQ_ARENA_MAX);
    if (!p->cur.arena)
        return bad(p, "out of memory");
    p->cur.id = p->id;
    p->cur.keep = b[2] & FCGI_KEEP_CONN;
    p->state = REC_PARAMS;
    return REC_MORE;
}

static enum rec_step end_abort(struct rec *p, struct buf *reply)
{
    bool keep = p->cur.keep;

    if (p->state == REC_IDLE || p->id != p->cur.id)
        return REC_MORE;
    if (p->state != REC_BUSY) {
        rec_put_end(reply, p->id, FCGI_REQUEST_COMPLETE);
        forget(p);
        p->cur.keep = keep;
    }
    return REC_ABORT;
}

static enum rec_step end_stream(struct rec *p)
{
    if (p->sink == SINK_SKIP || p->length > 0)
        return REC_MORE;
    if (p->sink == SINK_PARAMS) {
        if (rec_params_end(p) < 0)
            return bad(p, "params cut within a pair");
        p->state = REC_STDIN;
        if (!p->cur.refuse || !p->expected || p->expect <= p->lim->drain_max)
            return REC_MORE;
        p->cur.unread = true; /* more than we are willing to throw away: answer now */
    } else if (!p->cur.refuse && p->expected && p->expect != p->cur.body.n) {
        p->cur.refuse = 400;
    }
    p->state = REC_BUSY;
    return REC_REQUEST;
}

static enum rec_step end_unknown(const struct rec *p, struct buf *reply)
{
    FCGI_UnknownTypeRecord r = {.body.type = p->type};

    rec_put_head((unsigned char *)&r.header, FCGI_UNKNOWN_TYPE, 0, sizeof(r.body));
    buf_add(reply, &r, sizeof(r));
    return REC_MORE;
}

static enum rec_step end_record(struct rec *p, struct buf *reply)
{
    if (p->type == 0 || p->type > FCGI_MAXTYPE)
        return end_unknown(p, reply);
    if (p->id == FCGI_NULL_REQUEST_ID) {
        if (p->type != FCGI_GET_VALUES)
            return end_unknown(p, reply);
        return rec_get_values(p->small, p->nsmall, reply) < 0 ? bad(p, "malformed GET_VALUES")
                                                              : REC_MORE;
    }
    switch (p->type) {
    case FCGI_BEGIN_REQUEST:
        return end_begin(p, reply);
    case FCGI_ABORT_REQUEST:
        return end_abort(p, reply);
    case FCGI_PARAMS:
    case FCGI_STDIN:
        return end_stream(p);
    default:
        return REC_MORE;
    }
}

static size_t skip(struct str *in, size_t *left)
{
    size_t n = *left < in->n ? *left : in->n;

    *left -= n;
    *in = str_from(*in, n);
    return n;
}

enum rec_step rec_feed(struct rec *p, struct str *in, struct buf *reply)
{
    enum rec_step step;
    struct str all;

    for (;;) {
        if (!p->inside) {
            if (!take_head(p, in))
                return REC_MORE;
            p->held = false;
            step = start_record(p);
            if (step != REC_MORE)
                return step;
            p->inside = true;
        }
        if (p->content > 0) {
            if (in->n == 0)
                return REC_MORE;
            all = *in;
            step = record_data(p, str_make(all.p, skip(in, &p->content)));
            if (step != REC_MORE)
                return step;
        }
        skip(in, &p->pad);
        if (p->content > 0 || p->pad > 0)
            return REC_MORE;
        p->inside = false;
        p->nhead = 0;
        step = end_record(p, reply);
        if (step != REC_MORE)
            return step;
    }
}
