#include "route.h"

#include <string.h>

#include "config/config.h"
#include "front.h"

enum { SEGMENT_MAX = 256 };

struct match {
    const struct route *route;
    unsigned literal; /* bit per literal segment, leftmost highest */
    struct str bound[ROUTE_SEGMENTS];
};

static bool path_ok(struct str path)
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

static bool matches(const struct route *row, struct str path, struct match *m)
{
    struct str pattern = str_of(row->pattern);
    bool more_pattern = true, more_path = true;
    size_t nbound = 0;

    *m = (struct match){.route = row};
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

/* The rows that fit are those with the most specific pattern; *allowed collects their methods. */
static bool find(const struct req *r, struct str path, struct match *best, unsigned *allowed)
{
    unsigned want = r->method == REQ_POST    ? ROUTE_POST
                    : r->method == REQ_OTHER ? 0
                                             : (unsigned)ROUTE_GET;
    struct match m;
    bool any = false;
    size_t i;

    *allowed = 0;
    for (i = 0; i < routes_count; i++) {
        if (!matches(&routes[i], path, &m) || (any && m.literal < best->literal))
            continue;
        if (any && m.literal > best->literal)
            *allowed = 0;
        if (*allowed == 0 || (routes[i].methods & want))
            *best = m;
        *allowed |= routes[i].methods;
        any = true;
    }
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
    unsigned want = r->method == REQ_POST ? ROUTE_POST : (unsigned)ROUTE_GET;
    struct match m;
    struct str path;
    unsigned allowed;

    if (!path_ok(r->path)) {
        route_refuse(r, 400);
    } else if (!below_base(r, &path) || !find(r, path, &m, &allowed)) {
        route_refuse(r, 404);
    } else if (r->method == REQ_OTHER || !(m.route->methods & want)) {
        r->resp.allow = allow_text(allowed);
        refuse(r, m.route->kind, 405);
    } else if (r->body.n > m.route->body_max) {
        refuse(r, m.route->kind, 413);
    } else {
        m.route->handle(r, m.bound);
    }
}
