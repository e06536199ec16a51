/* The table of everything the front answers. */
#include "route.h"

#include "base/log.h"
#include "front.h"
#include "hooks/hooks.h"
#include "pages/handlers.h"
#include "pages/pages.h"

enum { FORM = 16 * 1024, COMPLAINTS = 16 * 1024 };

const struct route routes[] = {
    {ROUTE_POST, ROUTE_PAGE, "{channel}/{product}", FORM, landing_post},
    {ROUTE_GET, ROUTE_PAGE, "{channel}/{product}", 0, landing_get},
    {ROUTE_POST, ROUTE_PAGE, "{channel}/{product}/login", FORM, login_post},
    {ROUTE_GET, ROUTE_PAGE, "{channel}/{product}/login", 0, login_get},
    {ROUTE_GET, ROUTE_PAGE, "signin/azure", 0, signin_back},
    {ROUTE_GET, ROUTE_PAGE, "r/{id}/signin", 0, signin_get},
    {ROUTE_POST, ROUTE_PAGE, "r/{id}/signin", FORM, signin_post},
    {ROUTE_GET, ROUTE_PAGE, "r/{id}", 0, registration_get},
    {ROUTE_POST, ROUTE_PAGE, "r/{id}", FORM, registration_post},
    {ROUTE_GET, ROUTE_API, "r/{id}/status.json", 0, registration_poll},
    {ROUTE_GET, ROUTE_PAGE, "s/{cap}", 0, status_get},
    {ROUTE_GET, ROUTE_API, "s/{cap}/status.json", 0, status_poll},
    {ROUTE_GET, ROUTE_PAGE, "static/{file}", 0, static_get},
    {ROUTE_POST, ROUTE_API, "hooks/{channel}/{product}", HOOK_BODY, hook_post},
    {ROUTE_POST, ROUTE_API, "api/v1/registrations", FORM, api_registration_new},
    {ROUTE_GET, ROUTE_API, "api/v1/registrations/{id}", 0, api_registration_get},
    {ROUTE_POST, ROUTE_API, "api/v1/registrations/{id}", FORM, api_registration_post},
    {ROUTE_GET, ROUTE_API, "api/v1/status/{cap}", 0, api_status_get},
    {ROUTE_GET, ROUTE_API, "api/openapi.json", 0, api_openapi},
    {ROUTE_GET, ROUTE_PAGE, "api/problems/{code}", 0, api_problem_type},
    {ROUTE_GET, ROUTE_PAGE, "livez", 0, health_live},
    {ROUTE_GET, ROUTE_API, "readyz", 0, health_ready},
    {ROUTE_GET, ROUTE_PAGE, "", 0, home_get},
};
const size_t routes_count = sizeof(routes) / sizeof(routes[0]);

int routes_open(struct front *f)
{
    struct buf errors;
    struct str rest, line;
    int rc;

    buf_init(&errors, COMPLAINTS);
    rc = pages_open(f, &errors);
    for (rest = buf_view(&errors); rest.n > 0;) {
        line = str_cut(rest, '\n', &rest);
        if (line.n > 0)
            LOG(LOG_ERROR, "templates.refused", FS("what", line));
    }
    buf_free(&errors);
    return rc;
}

void routes_close(struct front *f)
{
    pages_close(f);
}
