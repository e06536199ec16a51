/* POST of the registration form. */
#include <errno.h>
#include <stdio.h>

#include "pages/handlers.h"
#include "pages/notice.h"
#include "pages/origin.h"
#include "pages/regview.h"
#include "pages/submit.h"

static const char *const skip[] = {"csrf", NULL};

static const struct cfg_market *market_of(const struct submit *s)
{
    return s->reg ? s->reg->market : NULL;
}

static void unknown(struct submit *s)
{
    notice_unknown_link(s->r);
}

/* What was typed is not lost: the form again, with 503. */
static void busy(struct submit *s)
{
    const struct front *f = s->r->app;
    struct fields *fs = s->fields;
    struct str bad;
    size_t i;

    if (!fs) {
        const struct cfg_plan *plan = s->reg ? s->reg->plan_cfg : NULL;
        bool made = s->reg && s->reg->made;

        if (fields_for(s->r->arena, pages_of(s->r), f->cfg, plan, made, &fs)) {
            notice_busy(s->r, market_of(s));
            return;
        }
        for (i = 0; i < s->form.n; i++) {
            struct form one = {.n = 1};

            one.field[0] = s->form.field[i];
            fields_fill(fs, &one, skip, &bad);
        }
    }
    regview_form(s->r, &s->id, s->reg, fs, 503);
}

static void refused(struct submit *s, struct str code)
{
    char rest[ID_SECRET + 2];

    if (s->reg && s->reg->state != REG_REFUSED && s->reg->signs_in && !s->reg->ended) {
        snprintf(rest, sizeof(rest), "r/%s", s->id.text); /* it says what is missing */
        page_redirect(s->r, rest);
        return;
    }
    notice_refused(s->r, market_of(s), code);
}

static void malformed(struct submit *s, struct str bad)
{
    (void)bad;
    route_error(s->r, ROUTE_PAGE, 400, "form_malformed");
}

static void invalid(struct submit *s)
{
    regview_form(s->r, &s->id, s->reg, s->fields, 422);
}

static void done(struct submit *s, const char *capability)
{
    char rest[ID_SECRET + 2];

    snprintf(rest, sizeof(rest), "s/%s", capability);
    page_redirect(s->r, rest);
}

static const struct submit_answers answers = {skip,      unknown, busy, refused,
                                              malformed, invalid, done};

static bool token_ok(const struct submit *s)
{
    char want[48];
    struct str have;

    reg_csrf(&s->id, want);
    return form_count(&s->form, "csrf", &have) == 1 && str_eq_secret(have, str_of(want));
}

void registration_post(struct req *r, const struct str *bound)
{
    struct submit *s = arena_alloc(r->arena, sizeof(*s));
    int rc;

    if (!s) {
        notice_busy(r, NULL);
        return;
    }
    s->r = r;
    s->answers = &answers;
    if (reg_id_parse(r, bound[0], &s->id)) {
        notice_unknown_link(r);
        return;
    }
    rc = form_parse(r->arena, r->content_type, r->body, &s->form);
    if (rc)
        route_error(r, ROUTE_PAGE, rc == -EMEDIUMTYPE ? 415 : 400,
                    rc == -EMEDIUMTYPE ? "media_type" : "form_malformed");
    else if (!origin_ok(r) || !token_ok(s))
        route_error(r, ROUTE_PAGE, 403, "cross_site");
    else
        submit_run(s);
}
