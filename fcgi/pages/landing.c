/*
 * The landing: where a marketplace sends a buyer after the purchase. One thing: take the token,
 * seal it, store it, 303. It never depends on a cookie, the token stays in no address (azure sends
 * it in one: the 303 keeps it out of history), and a reload or Back afterwards meets a GET.
 */
#include <errno.h>
#include <stdio.h>

#include "pages/channel.h"
#include "pages/handlers.h"
#include "pages/land.h"
#include "pages/notice.h"

static const char form_type[] = "application/x-www-form-urlencoded";

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

/* A token never holds a space: a raw '+' of the address became one when it was decoded. */
static struct str repaired(struct req *r, struct str token)
{
    char *copy = arena_alloc(r->arena, token.n + 1);
    size_t i;

    if (!copy)
        return str_make(NULL, 0);
    for (i = 0; i < token.n; i++)
        copy[i] = token.p[i] == ' ' ? '+' : token.p[i];
    return str_make(copy, token.n);
}

/* type and data: the form, or the raw query as one. */
static void arrive(struct req *r, const struct cfg_market *m, const struct channel *c,
                   struct str type, struct str data)
{
    struct form *form = arena_alloc(r->arena, sizeof(*form));
    int rc = form ? form_parse(r->arena, type, data, form) : -ENOMEM;
    const char *wrong;
    struct str token;
    size_t count;

    if (rc == -ENOMEM) {
        landed(r, -EAGAIN, m, NULL);
        return;
    }
    if (rc) {
        refuse(r, m, rc == -EMEDIUMTYPE ? 415 : 400, "form_unreadable");
        return;
    }
    count = form_count(form, c->field, &token);
    if (c->in_address)
        token = repaired(r, token);
    wrong = land_token_wrong(count, token);
    if (wrong)
        refuse(r, m, 400, wrong);
    else
        land_store(r, m, token, form, landed);
}

static void help(struct req *r, const struct cfg_market *m)
{
    struct page *p = page_new(r, m);

    if (p)
        notice_send(p, 200, "landing.help", "info");
}

static void not_here(struct req *r, const char *allow)
{
    r->resp.allow = allow;
    route_error(r, ROUTE_PAGE, 405, "method_not_allowed");
}

void landing_post(struct req *r, const struct str *bound)
{
    const struct cfg_market *m = market_of(r, bound);
    const struct channel *c = m ? channel_find(m->channel) : NULL;

    if (!m)
        return; /* answered: r is gone */
    if (!c || c->in_address)
        not_here(r, "GET, HEAD");
    else
        arrive(r, m, c, r->content_type, r->body);
}

void landing_get(struct req *r, const struct str *bound)
{
    const struct cfg_market *m = market_of(r, bound);
    const struct channel *c = m ? channel_find(m->channel) : NULL;

    if (!m)
        return;
    if (!c || !c->in_address || r->query.n == 0 || r->method == REQ_HEAD)
        help(r, m);
    else
        arrive(r, m, c, str_of(form_type), r->query);
}

/* The login address of a listing: a POST brings who it is, as at the landing. */
void login_post(struct req *r, const struct str *bound)
{
    const struct cfg_market *m = market_of(r, bound);
    const struct channel *c = m ? channel_find(m->channel) : NULL;

    if (!m)
        return;
    if (!c || !c->login)
        route_error(r, ROUTE_PAGE, 404, "not_found");
    else
        arrive(r, m, c, r->content_type, r->body);
}

/* Without single sign-on the marketplace only opens the address. */
void login_get(struct req *r, const struct str *bound)
{
    const struct cfg_market *m = market_of(r, bound);
    const struct channel *c = m ? channel_find(m->channel) : NULL;

    if (!m)
        return;
    if (!c || !c->login) {
        route_error(r, ROUTE_PAGE, 404, "not_found");
    } else if (m->login_url[0] == '\0') {
        help(r, m);
    } else {
        r->resp.status = 303;
        r->resp.location = m->login_url;
        req_done(r);
    }
}
