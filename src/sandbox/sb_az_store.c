#include <errno.h>
#include <stdio.h>

#include "sandbox/sb_az_ctl.h"
#include "sandbox/sb_az_page.h"
#include "sandbox/sb_az_sub.h"
#include "sandbox/sb_call.h"
#include "sandbox/sb_page.h"

#define PREFIX "/sandbox/azure/"
#define CSP                                                                                        \
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

static void html(struct sb_resp *resp, unsigned status)
{
    sb_page_open(resp, status, CSP);
    sb_resp_header(resp, "Referrer-Policy", "no-referrer");
}

static void sorry(struct sb_resp *resp, const char *why)
{
    html(resp, 409);
    sb_page_sorry(&resp->body, why);
}

static void configure(struct sb *s, const struct sb_az_sub *sub, struct sb_resp *resp)
{
    const struct sb_az_token *t = sb_az_token_new(s, sub);

    if (!t) {
        sorry(resp, "too many tokens");
        return;
    }
    html(resp, 200);
    sb_az_page_configure(&resp->body, sub, t->value);
}

static void act(struct sb *s, struct str path, const cJSON *in, struct sb_resp *resp)
{
    struct str action, id = str_cut(path, '/', &action);
    struct sb_az_sub *sub = sb_az_sub(s->az, id);
    struct sb_az_op *op;
    const char *why;
    char back[160];

    if (!sub) {
        sorry(resp, "there is no such subscription");
    } else if (str_is(action, "setup")) {
        configure(s, sub, resp);
    } else if (sb_az_act(s, sub, action, in, &op, &why)) {
        sorry(resp, why);
    } else {
        snprintf(back, sizeof(back), "/?done=%.*s#%s", STR_FMT(str_sub(action, 0, 40)), sub->id);
        sb_resp_see_other(resp, back);
    }
}

bool sb_az_store(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct str path = str_from(req->path, sizeof(PREFIX) - 1);
    struct sb_az_sub *sub;
    const char *why;
    cJSON *in = NULL;

    if (!s->az || !str_is(req->method, "POST") || !str_starts(req->path, STR(PREFIX)))
        return false;
    if (sb_call_form(req->body, &in))
        sorry(resp, "the form cannot be read");
    else if (str_starts(path, STR("purchases/")))
        act(s, str_from(path, sizeof("purchases/") - 1), in, resp);
    else if (!str_is(path, "subscribe"))
        sb_resp_text(resp, 404, "not found");
    else if (sb_az_order(s, in, &sub, &why))
        sorry(resp, why);
    else
        configure(s, sub, resp);
    cJSON_Delete(in);
    return true;
}
