/*
 * route: the table of everything the front answers.
 *
 * pattern: segments below the configured base path; "{x}" binds one segment (1..256 bytes),
 * bound values are handed to the handler in order. Unknown path: 404 page; wrong method: 405
 * with Allow. A path with NUL, control bytes, "..", "//" or invalid UTF-8 is a 400.
 */
#ifndef LM_ROUTE_H
#define LM_ROUTE_H

#include "req.h"

#define ROUTE_SEGMENTS 4 /* bound by one pattern */
#define ROUTE_DEPTH    8 /* no pattern has more segments */

enum route_methods { ROUTE_GET = 1, ROUTE_POST = 2 }; /* HEAD goes with GET */
enum route_kind { ROUTE_PAGE, ROUTE_API }; /* how errors are shown: HTML or problem+json */

struct route {
    unsigned methods;
    enum route_kind kind;
    const char *pattern; /* "s/{cap}/status.json" */
    size_t body_max;
    void (*handle)(struct req *r, const struct str *bound);
};

/* Defined in routes.c, the only list. */
extern const struct route routes[];
extern const size_t routes_count;

struct route_match {
    const struct route *route;
    struct str bound[ROUTE_SEGMENTS];
    unsigned
        literal; /* bit per literal segment, leftmost highest: the most specific pattern wins */
    unsigned allowed; /* methods of all rows with that pattern */
};
/* path: below the base, without its slash. False: no pattern fits. When one fits but not the
 * method, m->route is any row of it. */
bool route_match(const struct route *table, size_t n, enum req_method method, struct str path,
                 struct route_match *m);
/* No NUL, control byte, ".", "..", "//", bad UTF-8; begins with a slash. */
bool route_path_ok(struct str path);
struct front;
/* routes.c: loads what the handlers need beside the store (templates, catalogue) into f->pages:
 * once per front, before the process shuts itself in. 0 or -errno; what is wrong has been logged.
 * routes_close() undoes it, also halfway. */
int routes_open(struct front *f);
void routes_close(struct front *f);
/* Error answer in the form that the route's kind asks for; req_done() included. code is a key of
 * the message catalogue. Implemented by the page and api code (pages/error.c). */
void route_error(struct req *r, enum route_kind kind, int status, const char *code);

#endif
