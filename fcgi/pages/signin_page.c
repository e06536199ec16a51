/* The page that asks a buyer to sign in, and the start of an attempt. */
#include <errno.h>
#include <stdio.h>

#include "html/form.h"
#include "pages/handlers.h"
#include "pages/notice.h"
#include "pages/origin.h"
#include "pages/signin.h"

static void to_registration(struct req *r, const struct reg_id *id)
{
    char rest[ID_SECRET + 2];

    snprintf(rest, sizeof(rest), "r/%s", id->text);
    page_redirect(r, rest);
}

void signin_show(struct req *r, const struct reg_id *id, const struct reg *g, const char *why)
{
    struct page *p = page_new(r, g->market);
    char csrf[48], rest[ID_SECRET + 16], key[64];

    if (!p)
        return;
    reg_csrf(id, csrf);
    snprintf(rest, sizeof(rest), "r/%s/signin", id->text);
    snprintf(key, sizeof(key), "signin%s%s", why ? "." : "", why ? why : "");
    page_head(p, key);
    page_paragraphs(p, key);
    page_setz(p, V_TONE, why ? "warn" : "info");
    page_setz(p, V_FORM_URL, page_path(r, rest));
    page_set(p, V_CSRF, arena_str(r->arena, str_of(csrf)));
    if (g->market)
        r->resp.csp = resp_csp_form(r->arena, str_of(g->market->azure.login_endpoint));
    page_send(p, 200, PAGE_SIGNIN);
}

/* Who came back without having signed in. */
static void show_again(struct req *r, void *arg, int rc, const struct reg *g)
{
    const struct reg_id *id = arg;

    if (rc == -ENOENT || rc == -EINVAL)
        notice_unknown_link(r);
    else if (rc)
        notice_busy(r, NULL);
    else if (g->state == REG_SIGNIN && g->signs_in)
        signin_show(r, id, g, "unfinished");
    else
        to_registration(r, id);
}

static void start(struct req *r, void *arg, int rc, const struct reg *g)
{
    const struct reg_id *id = arg;
    struct signin s;

    if (rc == -ENOENT || rc == -EINVAL) {
        notice_unknown_link(r);
        return;
    }
    if (rc) {
        notice_busy(r, NULL);
        return;
    }
    if (g->state != REG_SIGNIN || !g->signs_in) {
        to_registration(r, id);
        return;
    }
    signin_begin(id, &s);
    r->resp.location = signin_authorize_url(r, g->market, &s);
    r->resp.cookie = signin_cookie(r, id, &s);
    if (!r->resp.location || !r->resp.cookie) {
        r->resp.location = r->resp.cookie = NULL;
        notice_busy(r, g->market);
        return;
    }
    r->resp.status = 303;
    req_done(r);
}

static struct reg_id *id_of(struct req *r, struct str text)
{
    struct reg_id *id = arena_alloc(r->arena, sizeof(*id));

    return id && reg_id_parse(r, text, id) == 0 ? id : NULL;
}

void signin_get(struct req *r, const struct str *bound)
{
    struct reg_id *id = id_of(r, bound[0]);

    if (id)
        reg_load(r, id, 0, show_again, id);
    else
        notice_unknown_link(r);
}

static bool token_ok(const struct reg_id *id, const struct form *form)
{
    char want[48];
    struct str have;

    reg_csrf(id, want);
    return form_count(form, "csrf", &have) == 1 && str_eq_secret(have, str_of(want));
}

void signin_post(struct req *r, const struct str *bound)
{
    struct form *form = arena_alloc(r->arena, sizeof(*form));
    struct reg_id *id = id_of(r, bound[0]);
    int rc;

    if (!id || !form) {
        notice_unknown_link(r);
        return;
    }
    rc = form_parse(r->arena, r->content_type, r->body, form);
    if (rc)
        route_error(r, ROUTE_PAGE, rc == -EMEDIUMTYPE ? 415 : 400,
                    rc == -EMEDIUMTYPE ? "media_type" : "form_malformed");
    else if (!origin_ok(r) || !token_ok(id, form))
        route_error(r, ROUTE_PAGE, 403, "cross_site");
    else
        reg_load(r, id, 0, start, id);
}
