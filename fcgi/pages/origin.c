#include "pages/origin.h"

#include "config/config.h"
#include "front.h"

bool origin_ok(const struct req *r)
{
    const struct front *f = r->app;
    struct str site = req_param(r, "HTTP_SEC_FETCH_SITE"), origin = req_param(r, "HTTP_ORIGIN");

    if (site.n > 0)
        return str_is(site, "same-origin");
    if (origin.n == 0 || str_is(origin, "null"))
        return true;
    return str_ieq(origin, str_of(f->cfg->front.public_url));
}
