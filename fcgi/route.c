#include "route.h"

#include <string.h>

#include "config/config.h"
#include "front.h"

enum { SEGMENT_MAX = 256 };

/* No empty segment but a last one, no "." and "..". */
static bool segment_ok(const char *p, size_t n, bool last)
{
    return n == 0 ? last : !(p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')));
}

bool route_path_ok(struct str path)
{
    size_t i, from = 1;
    bool high = false;

    if (path.n == 0 || path.p[0] != '/')
        return false;
    for (i = 1; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];

        if (c != '/' && c >= 0x20 && c < 0x7f)
            continue; /* nearly always */
        if (c >= 0x80) {
            high = true;
            continue;
        }
        if (c != '/' || !segment_ok(path.p + from, i - from, false))
            return false;
        from = i + 1;
    }
    return segment_ok(path.p + from, path.n - from, true) && (!high || str_utf8(path));
}

/* What comes below the configured base: "" for the base itself. False: another place. */
static bool below_base(const struct req *r, struct str *rest)
{
    const struct front *f = r->app;
    struct str base = str_of(f->base);

    if (!str_starts(r->path, base))
        return false;
    *rest = str_from(r->path, base.n);
    if (rest->n == 0)
        return true;
    if (rest->p[0] != '/')
        return false;
    *rest = str_from(*rest, 1);
    return true;
}

/* The segments of a path; more than there can be in a pattern: ROUTE_DEPTH + 1. */
static size_t split(struct str path, struct str seg[ROUTE_DEPTH])
{
    size_t n = 0, i, from = 0;

    for (i = 0; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        if (n == ROUTE_DEPTH)
            return n + 1;
        seg[n++] = str_make(path.p + from, i - from);
        from = i + 1;
    }
    return n;
}

/* Where the pattern goes on behind this segment; NULL: it wants another one. */
static const char *pass(const char *want, struct str have)
{
    size_t i = 0;

    while (i < have.n && want[i] && want[i] == have.p[i])
        i++;
    return i == have.n ? want + i : NULL;
}

static bool fits(const struct route *row, const struct str *seg, size_t n, struct route_match *m)
{
    const char *want = row->pattern;
    size_t nbound = 0, i;

    if (*want != '{' && seg[0].n > 0 && *want != seg[0].p[0])
        return false; /* most rows, for every request */
    *m = (struct route_match){.route = row};
    for (i = 0; i < n; i++) {
        bool bind = *want == '{';

        m->literal = m->literal << 1 | !bind;
        if (bind) {
            if (seg[i].n == 0 || seg[i].n > SEGMENT_MAX || nbound == ROUTE_SEGMENTS)
                return false;
            m->bound[nbound++] = seg[i];
            want = strchr(want, '}') + 1;
        } else {
            want = pass(want, seg[i]);
        }
        if (!want || *want != (i + 1 < n ? '/' : '\0'))
            return false;
        want++;
    }
    return true;
}

static unsigned wanted(enum req_method m)
{
    return m == REQ_POST ? ROUTE_POST : m == REQ_OTHER ? 0 : (unsigned)ROUTE_GET;
}

bool route_match(const struct route *table, size_t n, enum req_method method, struct str path,
                 struct route_match *m)
{
    struct str seg[ROUTE_DEPTH];
    struct route_match one;
    unsigned allowed = 0;
    bool any = false;
    size_t depth = split(path, seg), i;

    for (i = 0; i < n && depth <= ROUTE_DEPTH; i++) {
        if (!fits(&table[i], seg, depth, &one) || (any && one.literal < m->literal))
            continue;
        if (any && one.literal > m->literal)
            allowed = 0;
        if (allowed == 0 || (table[i].methods & wanted(method)))
            *m = one;
        allowed |= table[i].methods;
        any = true;
    }
    if (any)
        m->allowed = allowed;
    return any;
}

static const char *allow_text(unsigned methods)
{
    static const char *const text[] = {"", "GET, HEAD", "POST", "GET, HEAD, POST"};

    return text[methods & (ROUTE_GET | ROUTE_POST)];
}

/* Paths that programs call get problem+json, the others a page. */
static enum route_kind kind_of(struct str path)
{
    if (str_starts(path, STR("api/")) || str_starts(path, STR("hooks/")))
        return ROUTE_API;
    return ROUTE_PAGE;
}

static const struct {
    int status;
    const char *code;
} refusals[] = {
    {400, "bad_request"}, {404, "not_found"},         {405, "method_not_allowed"}, {408, "timeout"},
    {413, "too_large"},   {431, "headers_too_large"}, {503, "unavailable"},
};

static void refuse(struct req *r, enum route_kind kind, int status)
{
    size_t i;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].status == status)
            break;
    if (i == sizeof(refusals) / sizeof(refusals[0]))
        i = 0;
    route_error(r, kind, refusals[i].status, refusals[i].code);
}

void route_refuse(struct req *r, int status)
{
    struct str path;

    refuse(r, below_base(r, &path) ? kind_of(path) : ROUTE_PAGE, status);
}

void route_dispatch(struct req *r)
{
    struct route_match m;
    struct str path;

    if (!route_path_ok(r->path)) {
        route_refuse(r, 400);
    } else if (!below_base(r, &path) || !route_match(routes, routes_count, r->method, path, &m)) {
        route_refuse(r, 404);
    } else if (!(m.route->methods & wanted(r->method))) {
        r->resp.allow = allow_text(m.allowed);
        refuse(r, m.route->kind, 405);
    } else if (r->body.n > m.route->body_max) {
        refuse(r, m.route->kind, 413);
    } else {
        m.route->handle(r, m.bound);
    }
}
