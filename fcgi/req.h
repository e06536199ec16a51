/*
 * req: one request and its answer, above every transport.
 *
 * A transport (records, fcgi2, cgi, the test harness) fills struct req, calls route_dispatch()
 * and writes the bytes of the response when the handler calls req_done(). A handler is
 * asynchronous: it either answers before it returns or keeps the struct req pointer and answers
 * in the callback of the one Redis command it issued. After req_done() the pointer is dead for the
 * handler.
 *
 * Lifetime: everything reachable from req lives in req->arena and dies when the transport has
 * written the answer. When the peer goes away first, the transport keeps the request until
 * req_done() and then throws the answer away: a handler never sees it vanish.
 *
 * Trust: params come from the web server and were capped (count, name, value, total), body was
 * capped and its length checked against CONTENT_LENGTH when that was given. Duplicated params
 * of a security header are refused by the transport with 400.
 *
 * Thread rule: all of it on the loop thread that owns the request.
 */
#ifndef LM_REQ_H
#define LM_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum req_method { REQ_GET, REQ_HEAD, REQ_POST, REQ_OTHER };

struct req_param {
    struct str name;
    struct str value;
};

struct req;

struct resp {
    int status;
    const char *content_type; /* static text; NULL: no body */
    const char *cache;        /* Cache-Control; NULL: "no-store" */
    const char *etag;         /* quoted; arena or static */
    const char *location;     /* relative or below the public base URL */
    int retry_after;          /* seconds; 0: none */
    const char *csp;          /* NULL: the strict default of resp.c */
    const char *allow;        /* methods for 405 */
    const char *cookie;       /* one Set-Cookie value; NULL: none */
    struct buf body;
};

/* What a web server may send, whatever the route; sizes in bytes. */
struct req_limits {
    size_t params_max;   /* number */
    size_t params_bytes; /* names and values together */
    size_t name_max;
    size_t value_max;
    size_t body_max;
    size_t drain_max; /* of a refused body that is read and thrown away before the answer */
};
extern const struct req_limits req_limits_default;
#define REQ_ARENA_FIRST 8192u
#define REQ_ARENA_MAX   (2048u * 1024) /* params + body (twice, growing) + room for the handler */
#define REQ_ANSWER_MAX  (4096u * 1024) /* bytes of one response body */

struct req {
    struct arena *arena;
    enum req_method method;
    struct str path;  /* SCRIPT_NAME + PATH_INFO, decoded once by the web server */
    struct str query; /* raw QUERY_STRING */
    struct str body;
    struct str content_type;
    const struct req_param *params;
    size_t nparams;
    char id[17];       /* request id for log and problem+json */
    uint64_t deadline; /* clock_mono_ms by which the handler must have answered */
    struct resp resp;
    void *app;                    /* struct front *, what handlers work with */
    void *data;                   /* the handler's own state, in the arena */
    void (*finish)(struct req *); /* transport's end of req_done() */
    void *transport;
};

/* First param of that name; empty slice when absent. HTTP header Foo-Bar is "HTTP_FOO_BAR". */
struct str req_param(const struct req *r, const char *name);
/* True when more than one param has this name. */
bool req_param_twice(const struct req *r, const char *name);
/* Hands the answer to the transport. Exactly once per request. */
void req_done(struct req *r);

/* For transports: method, path, query and content type out of params, the request id, and the
 * deadline. 0, or the status to refuse with: 400 when a param that decides something comes twice
 * with different values. resp.body must have been initialised with REQ_ANSWER_MAX. */
int req_prepare(struct req *r, uint64_t deadline);

/* resp.c: the only place that writes header lines. Refuses CR, LF, NUL in values, adds the
 * security headers of every answer, Content-Length, and nothing for HEAD but the headers.
 * CGI form ("Status: 200 OK\r\n..."). 0 or -EINVAL when a value was refused (then a plain 500
 * was built instead). */
int resp_build(const struct req *r, struct buf *out);
/* The strict policy for a page whose form may lead on to the origin of url as well: browsers hold
 * form-action against the redirects of a form, too (CSP 3, 6.4.1). NULL: url has none. */
const char *resp_csp_form(struct arena *a, struct str url);

/* route.c: finds the row by path and method, applies body limits and method rules, calls it. */
void route_dispatch(struct req *r);
/* Answers a request that the transport refuses (400, 408, 413, 431, 503) in the form that its
 * path asks for. */
void route_refuse(struct req *r, int status);

#endif
