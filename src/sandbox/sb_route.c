#include "sandbox/sb_route.h"

#include <stdio.h>

#include "sandbox/sb_api.h"
#include "sandbox/sb_aws.h"
#include "sandbox/sb_az_api.h"
#include "sandbox/sb_az_ctl.h"
#include "sandbox/sb_gcp_call.h"
#include "sandbox/sb_gcp_order.h"
#include "sandbox/sb_gcp_page.h"
#include "sandbox/sb_gcp_push.h"
#include "sandbox/sb_meta.h"
#include "sandbox/sb_purchase.h"
#include "sandbox/sb_snskey.h"
#include "sandbox/sb_state.h"
#include "sandbox/sb_store.h"

/* Only under a loopback name: a foreign name that resolves to us is somebody's rebinding trick. */
static bool loopback_host(struct str host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    ptrdiff_t colon = str_rchr(host, ':');
    struct str name =
        colon > 0 && !str_ends(host, STR("]")) ? str_sub(host, 0, (size_t)colon) : host;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_ieq(name, str_of(names[i])))
            return true;
    }
    return false;
}

/* Pages of other origins may look at the store but not press its buttons. */
static bool foreign_page(const struct sb_req *req)
{
    struct str origin = sb_req_header(req, "origin"), host = sb_req_header(req, "host");
    char own[300];

    if (str_is(req->method, "GET") || str_is(req->method, "HEAD"))
        return origin.n > 0 && !str_ends(origin, host);
    if (str_is(sb_req_header(req, "sec-fetch-site"), "cross-site"))
        return true;
    snprintf(own, sizeof(own), "http://%.*s", STR_FMT(host));
    return origin.n > 0 && !str_is(origin, own);
}

/* The sign-in page is for browsers and takes the same precautions as the store. */
static bool is_page(const struct sb_req *req)
{
    return str_ends(req->path, STR("/authorize"));
}

static void own_pages(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    if (!loopback_host(sb_req_header(req, "host")))
        sb_resp_text(resp, 421, "the sandbox answers to loopback names only");
    else if (foreign_page(req))
        sb_resp_text(resp, 403, "not from pages of another origin");
    else if (req->too_big)
        sb_resp_text(resp, 413, "too large");
    else if (str_starts(req->path, STR(SB_API_PREFIX)))
        sb_api_handle(s, req, resp);
    else if (!sb_gcp_handle(s, req, resp) && !sb_meta_handle(s, req, resp) &&
             !sb_az_handle(s, req, resp) && !sb_az_store(s, req, resp) &&
             !sb_gcp_store(s, req, resp) && !sb_store_handle(s, req, resp))
        sb_resp_text(resp, 404, "not found");
}

static void certificate(struct sb *s, struct sb_resp *resp)
{
    resp->ctype = "application/x-pem-file";
    if (sb_snskey_cert(s, &resp->body))
        sb_resp_text(resp, 500, "no key could be made");
}

void sb_route(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    pthread_mutex_lock(&s->mu);
    sb_purchase_tick(s);
    sb_az_tick(s);
    sb_gcp_order_tick(s);
    if (sb_aws_wants(req))
        sb_aws_handle(s, req, resp);
    else if (str_is(req->path, SB_SNSKEY_PATH))
        certificate(s, resp);
    else if (is_page(req) || !sb_az_handle(s, req, resp))
        own_pages(s, req, resp);
    sb_gcp_order_tick(s); /* the clock may have been moved */
    sb_gcp_push_pump(s);
    if (sb_state_save(s)) {
        sb_resp_text(resp, 500, "the state file cannot be written");
        resp->wire = SB_WIRE_NORMAL;
    }
    pthread_mutex_unlock(&s->mu);
}
