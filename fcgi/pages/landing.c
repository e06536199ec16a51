/*
 * The landing: where a marketplace sends a buyer after the purchase. One thing: take the token,
 * seal it, store it, 303. It never depends on a cookie, the token is in no address, and a reload
 * or Back afterwards meets a GET.
 */
#include <errno.h>
#include <stdio.h>

#include "pages/handlers.h"
#include "pages/land.h"
#include "pages/notice.h"

static const char token_field[] = "x-amzn-marketplace-token";

static void refuse(struct req *r, const struct cfg_market *m, int status, const char *what)
{
    struct page *p = page_new(r, m);
    char key[64];

    if (!p)
        return;
    snprintf(key, sizeof(key), "landing.%s", what);
    notice_send(p, status, key, "warn");
}

/* NULL: answered. */
static const struct cfg_market *market_of(struct req *r, const struct str *bound)
{
    const struct front *f = r->app;
    const struct cfg_market *m = config_market(f->cfg, bound[0], bound[1]);
    size_t i;

    if (m)
        return m;
    for (i = 0; i < f->cfg->nmarkets; i++)
        if (str_is(bound[0], f->cfg->markets[i].channel))
            break;
    if (i < f->cfg->nmarkets)
        refuse(r, NULL, 404, "unknown_product");
    else
        route_error(r, str_is(bound[0], "api") ? ROUTE_API : ROUTE_PAGE, 404, "not_found");
    return NULL;
}

static void landed(struct req *r, int rc, const struct cfg_market *m, const char *id)
{
    char rest[ID_SECRET + 2];

    if (rc || !id) {
        r->resp.retry_after = 5;
        refuse(r, m, 503, "unavailable");
        return;
    }
    snprintf(rest, sizeof(rest), "r/%s", id);
    page_redirect(r, rest);
}

void landing_post(struct req *r, const struct str *bound)
{
    const struct cfg_market *m = market_of(r, bound);
    struct form *form;
    struct str token;
    const char *wrong;
    int rc;

    if (!m)
        return; /* answered: r is gone */
    form = arena_alloc(r->arena, sizeof(*form));
    rc = form ? form_parse(r->arena, r->content_type, r->body, form) : -ENOMEM;
    if (rc == -ENOMEM) {
        landed(r, -EAGAIN, m, NULL);
        return;
    }
    if (rc) {
        refuse(r, m, rc == -EMEDIUMTYPE ? 415 : 400, "form_unreadable");
        return;
    }
    wrong = land_token_wrong(form_count(form, token_field, &token), token);
    if (wrong)
        refuse(r, m, 400, wrong);
    else
        land_store(r, m, token, form, landed);
}

void landing_get(struct req *r, const struct str *bound)
{
    const struct cfg_market *m = market_of(r, bound);
    struct page *p = m ? page_new(r, m) : NULL;

    if (p)
        notice_send(p, 200, "landing.help", "info");
}
