#include "route.h"

#include <string.h>

#include "config/config.h"
#include "front.h"

enum { SEGMENT_MAX = 256 };

bool route_path_ok(struct str path)
{
    struct str rest = path, seg;
    size_t i;

    if (path.n == 0 || path.p[0] != '/' || !str_utf8(path))
        return false;
    for (i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] < 0x20 || path.p[i] == 0x7f)
            return false;
    for (rest = str_from(path, 1); rest.n > 0;) {
        bool last = str_chr(rest, '/') < 0;

        seg = str_cut(rest, '/', &rest);
        if ((seg.n == 0 && !last) || str_is(seg, ".") || str_is(seg, ".."))
            return false;
    }
    return true;
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

/* Next segment of s; *more tells whether a slash followed it. */
static struct str segment(struct str *s, bool *more)
{
    ptrdiff_t at = str_chr(*s, '/');
    struct str seg = at < 0 ? *s : str_sub(*s, 0, (size_t)at);

    *more = at >= 0;
    *s = at < 0 ? str_make(NULL, 0) : str_from(*s, (size_t)at + 1);
    return seg;
}

static bool fits(const struct route *row, struct str path, struct route_match *m)
{
    struct str pattern = str_of(row->pattern);
    bool more_pattern = true, more_path = true;
    size_t nbound = 0;

    if (path.n > 0 && row->pattern[0] != '{' && row->pattern[0] != path.p[0])
        return false; /* most rows, for every request */
    *m = (struct route_match){.route = row};
    while (more_pattern && more_path) {
        struct str want = segment(&pattern, &more_pattern), have = segment(&path, &more_path);
        bool bind = want.n > 1 && want.p[0] == '{';

        m->literal = m->literal << 1 | !bind;
        if (!bind) {
            if (!str_eq(want, have))
                return false;
            continue;
        }
        if (have.n == 0 || have.n > SEGMENT_MAX || nbound == ROUTE_SEGMENTS)
            return false;
        m->bound[nbound++] = have;
    }
    return more_pattern == more_path;
}

static unsigned wanted(enum req_method m)
{
    return m == REQ_POST ? ROUTE_POST : m == REQ_OTHER ? 0 : (unsigned)ROUTE_GET;
}

bool route_match(const struct route *table, size_t n, enum req_method method, struct str path,
                 struct route_match *m)
{
    struct route_match one;
    unsigned allowed = 0;
    bool any = false;
    size_t i;

    for (i = 0; i < n; i++) {
        if (!fits(&table[i], path, &one) || (any && one.literal < m->literal))
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
