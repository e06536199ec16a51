/* What the "checking your purchase" page asks while it waits. */
#include <errno.h>

#include "base/json.h"
#include "pages/handlers.h"
#include "pages/reg.h"

enum { WAIT_MS = 1500 };

/* {"state":"new"|"parked"|"resolved"|"refused"|"submitted"}: anything but new: load the page. */
static void tell(struct req *r, void *arg, int rc, const struct reg *g)
{
    struct jsonw w;

    (void)arg;
    if (rc) {
        route_error(r, ROUTE_API, rc == -ENOENT ? 404 : 503,
                    rc == -ENOENT ? "unknown_link" : "unavailable");
        return;
    }
    r->resp.status = 200;
    r->resp.content_type = "application/json";
    if (g->state == REG_NEW)
        r->resp.retry_after = 1;
    jsonw_init(&w, &r->resp.body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "state", reg_parked(g) ? STR("parked") : str_of(reg_state_name(g->state)));
    jsonw_obj_end(&w);
    req_done(r);
}

void registration_poll(struct req *r, const struct str *bound)
{
    struct reg_id *id = arena_alloc(r->arena, sizeof(*id));

    if (!id || reg_id_parse(r, bound[0], id))
        route_error(r, ROUTE_API, 404, "unknown_link");
    else
        reg_load(r, id, WAIT_MS, tell, NULL);
}
