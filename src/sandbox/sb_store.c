#include "sandbox/sb_store.h"

#include <errno.h>
#include <stdio.h>

#include "sandbox/sb_act.h"
#include "sandbox/sb_az.h"
#include "sandbox/sb_call.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_page.h"
#include "sandbox/sb_token.h"

#define PURCHASES "/sandbox/purchases/"
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

static void handover(struct sb *s, struct sb_purchase *p, struct sb_resp *resp)
{
    const struct sb_token *t = sb_token_new(s, p);

    if (!t) {
        sorry(resp, "too many tokens");
        return;
    }
    html(resp, 200);
    sb_page_handover(&resp->body, p, t->value);
}

static void subscribe(struct sb *s, const cJSON *in, struct sb_resp *resp)
{
    struct sb_buy b = {.product = sb_product_by_name(s, json_str(in, "product")),
                       .account = json_str(in, "account"),
                       .trial = json_str(in, "trial").n > 0};
    struct sb_purchase *p;
    const char *why;

    b.plan = b.product ? sb_product_plan(b.product, json_str(in, "plan")) : NULL;
    if (!b.plan)
        sorry(resp, "there is no such product or plan");
    else if (sb_purchase_buy(s, &b, &p, &why))
        sorry(resp, why);
    else
        handover(s, p, resp);
}

static void act(struct sb *s, struct str path, const cJSON *in, struct sb_resp *resp)
{
    struct str action, id = str_cut(str_from(path, sizeof(PURCHASES) - 1), '/', &action);
    struct sb_purchase *next, *p = sb_purchase_find(s, id);
    char back[160];
    const char *why;

    if (!p) {
        sorry(resp, "there is no such purchase");
    } else if (str_is(action, "setup")) {
        handover(s, p, resp);
    } else if (sb_act(s, p, action, in, &next, &why)) {
        sorry(resp, why);
    } else {
        snprintf(back, sizeof(back), "/?done=%.*s#%s", STR_FMT(action), next->id);
        sb_resp_see_other(resp, back);
    }
}

static void trouble(struct sb *s, const cJSON *form, struct sb_resp *resp)
{
    cJSON *in = cJSON_CreateObject();
    const char *why = "out of memory";
    int rc = -ENOMEM;

    if (in && cJSON_AddStringToObject(in, "op", "event") &&
        cJSON_AddStringToObject(in, "kind",
                                json_str(form, "kind").n ? json_str(form, "kind").p : "")) {
        if (str_is(json_str(form, "kind"), "delay"))
            cJSON_AddNumberToObject(in, "ms", 30000);
        rc = sb_fault_add(s, in, &why);
    }
    cJSON_Delete(in);
    if (rc)
        sorry(resp, why);
    else
        sb_resp_see_other(resp, "/?done=trouble#trouble");
}

static void move_clock(struct sb *s, const cJSON *in, struct sb_resp *resp)
{
    uint64_t by;

    if (str_u64(json_str(in, "by"), 400ull * SB_DAY_MS, &by)) {
        sorry(resp, "the clock moves forward by at most 400 days");
        return;
    }
    s->offset_ms += (int64_t)by;
    s->dirty = true;
    sb_purchase_tick(s);
    sb_az_tick(s);
    sb_core_announce(s);
    sb_resp_see_other(resp, "/?done=clock#trouble");
}

static void post(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    cJSON *in = NULL;

    if (sb_call_form(req->body, &in))
        sorry(resp, "the form cannot be read");
    else if (str_is(req->path, "/sandbox/subscribe"))
        subscribe(s, in, resp);
    else if (str_is(req->path, "/sandbox/trouble"))
        trouble(s, in, resp);
    else if (str_is(req->path, "/sandbox/clock"))
        move_clock(s, in, resp);
    else if (str_starts(req->path, STR(PURCHASES)))
        act(s, req->path, in, resp);
    else
        sb_resp_text(resp, 404, "not found");
    cJSON_Delete(in);
}

static const struct {
    const char *done, *text;
} messages[] = {
    {"upgrade", "The plan was changed."},
    {"renew", "The contract was renewed."},
    {"cancel", "The subscription was cancelled."},
    {"advisory", "An advisory was issued."},
    {"resolve", "The advisory was resolved."},
    {"expire-token", "The registration tokens of this purchase no longer work."},
    {"trouble", "Trouble is planned for the next event."},
    {"clock", "The clock was moved."},
    {"order", "The order was changed."},
    {"silent", "The order was changed. Google sends no event for it: the seller finds out when he "
               "compares his orders with the list."},
    {"change-plan", "The seller was asked to change the plan."},
    {"change-quantity", "The seller was asked to change the seats."},
    {"suspend", "The subscription was suspended."},
    {"reinstate", "The seller was asked to reinstate the subscription."},
};

static void store_page(const struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    const char *text = "";
    char done[32];

    if (sb_req_field(req->query, "done", done, sizeof(done)) == 0) {
        for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
            if (str_is(str_of(done), messages[i].done))
                text = messages[i].text;
        }
    }
    html(resp, 200);
    sb_page_store(s, &resp->body, text);
}

bool sb_store_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    if (str_is(req->method, "POST")) {
        post(s, req, resp);
        return true;
    }
    if (!str_is(req->method, "GET") && !str_is(req->method, "HEAD"))
        return false;
    if (str_is(req->path, "/sandbox/store.css")) {
        resp->ctype = "text/css; charset=utf-8";
        buf_cat(&resp->body, sb_page_css);
    } else if (str_is(req->path, "/sandbox/store.js")) {
        resp->ctype = "text/javascript; charset=utf-8";
        buf_cat(&resp->body, sb_page_js);
    } else if (str_is(req->path, "/")) {
        store_page(s, req, resp);
    } else {
        return false;
    }
    return true;
}
