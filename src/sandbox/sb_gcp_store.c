#include <errno.h>
#include <stdio.h>

#include "sandbox/sb_call.h"
#include "sandbox/sb_gcp_order.h"
#include "sandbox/sb_gcp_page.h"
#include "sandbox/sb_gcp_token.h"
#include "sandbox/sb_page.h"

#define PREFIX "/sandbox/gcp/"
/* No form-action: the hand-over form goes to the seller's own site. */
#define CSP                                                                                        \
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; "    \
    "frame-ancestors 'none'"

static void html(struct sb_resp *resp, unsigned status)
{
    sb_page_open(resp, status, CSP);
    sb_resp_header(resp, "X-Content-Type-Options", "nosniff");
}

static void sorry(struct sb_resp *resp, const char *why)
{
    html(resp, 409);
    sb_page_sorry(&resp->body, why);
}

/* To the sign-up page, or to the login page: with a token only when single sign-on is on. */
static void handover(struct sb *s, const struct sb_gcp_ent *e, bool login, struct sb_resp *resp)
{
    struct sb_gcp_signup t = {.product = e->product, .account = e->account, .orders = -1};
    bool signs = !login || e->product->sso;
    struct buf token;

    t.ent = login ? NULL : e;
    buf_init(&token, SB_GCP_TOKEN);
    if (signs && sb_gcp_token_signup(s, &t, &token)) {
        sorry(resp, "no token could be made");
    } else {
        html(resp, 200);
        sb_gcp_page_handover(&resp->body, e, login ? e->product->login : e->product->signup,
                             signs ? buf_cstr(&token) : NULL);
    }
    buf_free(&token);
}

static void subscribe(struct sb *s, const cJSON *in, struct sb_resp *resp)
{
    struct str account = json_str(in, "account");
    struct sb_gcp_buy b = {
        .product = sb_gcp_product(s, json_str(in, "product")), .automatic = -1, .settle_ms = -1};
    struct sb_gcp_ent *e;
    const char *why;

    b.plan = b.product ? sb_gcp_plan(b.product, json_str(in, "plan")) : NULL;
    b.account = account.n ? sb_gcp_account(s, account) : NULL;
    bool later = json_str(in, "later").n > 0; /* only a private offer can start later */
    b.offer = later || json_str(in, "offer").n > 0;
    if (b.offer)
        b.duration = STR("P2Y");
    if (later)
        b.start_in_ms = 7 * (int64_t)SB_DAY_MS;
    if (!b.plan || (account.n && !b.account))
        sorry(resp, "there is no such product, plan or account");
    else if (sb_gcp_order_buy(s, &b, &e, &why))
        sorry(resp, why);
    else
        handover(s, e, false, resp);
}

static void act(struct sb *s, struct str path, cJSON *in, struct sb_resp *resp)
{
    struct str action, id = str_cut(path, '/', &action);
    struct sb_gcp_ent *e = sb_gcp_ent(s, id);
    const char *why = "out of memory";
    char back[160];
    int rc = 0;

    if (!e) {
        sorry(resp, "there is no such order");
        return;
    }
    if (str_is(action, "setup") || (str_is(action, "manage") && e->product->login[0])) {
        handover(s, e, str_is(action, "manage"), resp);
        return;
    }
    if (str_is(action, "cancel-now")) {
        action = STR("cancel");
        cJSON_DeleteItemFromObjectCaseSensitive(in, "when");
        rc = cJSON_AddStringToObject(in, "when", "now") ? 0 : -ENOMEM;
    }
    if (rc == 0)
        rc = sb_gcp_order_act(s, e, action, in, &why);
    if (rc) {
        sorry(resp, why);
        return;
    }
    bool silent = str_is(action, "suspend") || str_is(action, "resume");
    snprintf(back, sizeof(back), "/?done=%s#%s", silent ? "silent" : "order", e->handle);
    sb_resp_see_other(resp, back);
}

bool sb_gcp_store(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct str path = str_from(req->path, sizeof(PREFIX) - 1), rest;
    cJSON *in = NULL;

    if (!str_starts(req->path, STR(PREFIX)) || !str_is(req->method, "POST"))
        return false;
    rest = str_from(path, sizeof("purchases/") - 1);
    if (sb_call_form(req->body, &in))
        sorry(resp, "the form cannot be read");
    else if (str_is(path, "subscribe"))
        subscribe(s, in, resp);
    else if (str_starts(path, STR("purchases/")))
        act(s, rest, in, resp);
    else
        sb_resp_text(resp, 404, "not found");
    cJSON_Delete(in);
    return true;
}
