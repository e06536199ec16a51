/* Errors of the transport, the route table and the handlers: a page or problem+json. */
#include <stdio.h>

#include "api/problem.h"
#include "pages/notice.h"
#include "route.h"

static const char *key_of(const struct page *p, int status, const char *code, char key[80])
{
    char title[96];

    snprintf(key, 80, "error.%s", code);
    snprintf(title, sizeof(title), "%s.title", key);
    if (!page_has_text(p, title))
        snprintf(key, 80, "error.%s", status >= 500 ? "internal" : "bad_request");
    return key;
}

void route_error(struct req *r, enum route_kind kind, int status, const char *code)
{
    struct page *p;
    char key[80];

    if (status == 503 || status == 429)
        r->resp.retry_after = 5;
    if (kind == ROUTE_API) {
        problem_send(r, status, code, NULL);
        return;
    }
    p = page_new(r, NULL);
    if (p)
        notice_send(p, status, key_of(p, status, code, key), status >= 500 ? "warn" : "info");
}
