/* The table of everything the front answers. */
#include "route.h"

/* Alive: this process turns its loop. Says nothing of Redis. */
static void livez(struct req *r, const struct str *bound)
{
    (void)bound;
    r->resp.status = 200;
    r->resp.content_type = "text/plain; charset=utf-8";
    buf_add(&r->resp.body, "ok\n", 3);
    req_done(r);
}

const struct route routes[] = {
    {ROUTE_GET, ROUTE_PAGE, "livez", 0, livez},
};
const size_t routes_count = sizeof(routes) / sizeof(routes[0]);

int routes_open(struct front *f)
{
    (void)f;
    return 0;
}

void routes_close(struct front *f)
{
    (void)f;
}
