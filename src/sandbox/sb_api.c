#include "sandbox/sb_api.h"

#include <errno.h>

#include "base/clock.h"
#include "base/json.h"
#include "sandbox/sb_act.h"
#include "sandbox/sb_az_ctl.h"
#include "sandbox/sb_event.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_gcp_api.h"
#include "sandbox/sb_landing.h"
#include "sandbox/sb_state.h"
#include "sandbox/sb_token.h"

struct api {
    struct sb *s;
    const struct sb_req *req;
    struct sb_resp *resp;
    struct str path; /* behind the prefix */
    cJSON *in;       /* never NULL for POST */
    struct jsonw w;
};

static void fail(struct api *a, int rc, const char *why)
{
    static const struct {
        int rc;
        unsigned status;
    } map[] = {{-EINVAL, 400}, {-ENOENT, 404}, {-EEXIST, 409}, {-EPERM, 409}, {-ENOBUFS, 507}};

    buf_reset(&a->resp->body);
    jsonw_init(&a->w, &a->resp->body);
    a->resp->status = 500;
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (map[i].rc == rc)
            a->resp->status = map[i].status;
    }
    jsonw_obj(&a->w);
    jsonw_kvs(&a->w, "error", str_of(why));
    jsonw_obj_end(&a->w);
}

static int64_t ms_of(const cJSON *in, const char *key)
{
    int64_t v = 0;
    int rc = json_int(in, key, &v);

    return rc == -ENOENT ? 0 : rc ? -1 : v;
}

/* The answer to everything that concerns one purchase; with a token also where to go with it. */
static void write_purchase(struct api *a, const struct sb_purchase *p, const char *token)
{
    struct sb_landing_field f[SB_LANDING_FIELDS];

    jsonw_obj(&a->w);
    sb_state_purchase(a->s, &a->w, p);
    if (token) {
        size_t n = sb_landing(p, token, f);
        jsonw_kvs(&a->w, "token", str_of(token));
        jsonw_key(&a->w, "landing");
        jsonw_obj(&a->w);
        jsonw_kvs(&a->w, "url", str_of(p->product->landing));
        jsonw_key(&a->w, "fields");
        jsonw_obj(&a->w);
        for (size_t i = 0; i < n; i++)
            jsonw_kvs(&a->w, f[i].name, str_of(f[i].value));
        jsonw_obj_end(&a->w);
        jsonw_obj_end(&a->w);
    }
    jsonw_obj_end(&a->w);
}

static void with_token(struct api *a, struct sb_purchase *p, unsigned status)
{
    const struct sb_token *t = sb_token_new(a->s, p);

    if (!t) {
        fail(a, -ENOBUFS, "too many tokens");
        return;
    }
    a->resp->status = status;
    write_purchase(a, p, t->value);
}

static void post_purchases(struct api *a)
{
    const struct sb_product *product = sb_product_by_name(a->s, json_str(a->in, "product"));
    struct sb_buy b = {.product = product, .quantity = ms_of(a->in, "quantity")};
    struct sb_purchase *p;
    const char *why;

    b.plan = product ? sb_product_plan(product, json_str(a->in, "plan")) : NULL;
    if (!b.plan) {
        fail(a, -EINVAL, product ? "the product has no such plan" : "there is no such product");
        return;
    }
    b.account = json_str(a->in, "account");
    b.agreement = json_str(a->in, "agreement");
    b.trial = json_bool(a->in, "trial", false);
    b.cppo = json_bool(a->in, "cppo", false);
    b.fail = json_bool(a->in, "fail", false);
    b.settle_ms = ms_of(a->in, "settle_ms");
    b.start_in_ms = ms_of(a->in, "start_in_ms");
    b.days = ms_of(a->in, "days");
    int rc = sb_purchase_buy(a->s, &b, &p, &why);
    if (rc)
        fail(a, rc, why);
    else
        with_token(a, p, 201);
}

/* purchases/{id} and purchases/{id}/{action} */
static void on_purchase(struct api *a, bool post)
{
    struct str action, rest = str_from(a->path, sizeof("purchases/") - 1);
    struct str id = str_cut(rest, '/', &action);
    struct sb_purchase *next, *p = sb_purchase_find(a->s, id);
    const char *why;
    int rc;

    if (!p) {
        fail(a, -ENOENT, "there is no such purchase");
        return;
    }
    if (!post || str_is(action, "token")) {
        if (post)
            with_token(a, p, 201);
        else
            write_purchase(a, p, NULL);
        return;
    }
    rc = sb_act(a->s, p, action, a->in, &next, &why);
    if (rc)
        fail(a, rc, why);
    else
        write_purchase(a, next, NULL);
}

static void post_faults(struct api *a)
{
    const char *why;
    int rc = sb_fault_add(a->s, a->in, &why);

    if (rc)
        fail(a, rc, why);
    else
        sb_fault_write(a->s, &a->w);
}

static void delete_faults(struct api *a)
{
    sb_vec_free(&a->s->faults);
    sb_fault_write(a->s, &a->w);
}

static void post_clock(struct api *a)
{
    int64_t v;

    if (json_int(a->in, "offset_ms", &v) == 0) {
        a->s->offset_ms = v;
    } else if (json_int(a->in, "advance_ms", &v) == 0) {
        a->s->offset_ms += v;
    } else {
        fail(a, -EINVAL, "offset_ms or advance_ms");
        return;
    }
    sb_purchase_tick(a->s);
    sb_az_tick(a->s);
    sb_core_announce(a->s);
    a->s->dirty = true;
    jsonw_obj(&a->w);
    jsonw_kvi(&a->w, "offset_ms", a->s->offset_ms);
    jsonw_kvi(&a->w, "now_ms", sb_core_now(a->s));
    jsonw_obj_end(&a->w);
}

/* A message of any content: poison, strangers, the future. */
static void post_events(struct api *a)
{
    struct str body = json_str(a->in, "body");
    int64_t delay = ms_of(a->in, "delay_ms");

    if (body.n == 0 || delay < 0) {
        fail(a, -EINVAL, "body is required");
    } else if (sb_event_put(a->s, body, "", "injected", delay)) {
        fail(a, -ENOBUFS, "the queue is full or the body too long");
    } else {
        jsonw_obj(&a->w);
        jsonw_kvs(&a->w, "label", STR("injected"));
        jsonw_obj_end(&a->w);
    }
}

/* What a consumer took and did not delete comes again now: it died, and nobody wants to wait. */
static void post_redeliver(struct api *a)
{
    size_t n = sb_queue_show(&a->s->queue, clock_mono_ms());

    sb_core_announce(a->s);
    a->s->dirty = true;
    jsonw_obj(&a->w);
    jsonw_kvi(&a->w, "messages", (int64_t)n);
    jsonw_obj_end(&a->w);
}

static void get_ledger(struct api *a)
{
    char text[24];
    uint64_t after = 0;

    if (sb_req_field(a->req->query, "after", text, sizeof(text)) == 0 &&
        str_u64(str_of(text), UINT64_MAX / 2, &after)) {
        fail(a, -EINVAL, "after is a sequence number");
        return;
    }
    a->resp->ctype = "application/x-ndjson";
    sb_ledger_write(&a->s->ledger, after, &a->resp->body);
}

static void get_state(struct api *a)
{
    sb_state_write(a->s, &a->w, false);
}

static const struct {
    const char *method, *path;
    void (*fn)(struct api *a);
} routes[] = {
    {"POST", "purchases", post_purchases}, {"POST", "faults", post_faults},
    {"DELETE", "faults", delete_faults},   {"POST", "clock", post_clock},
    {"POST", "events", post_events},       {"GET", "ledger", get_ledger},
    {"GET", "state", get_state},           {"POST", "redeliver", post_redeliver},
};

static void to_gcp(struct api *a)
{
    struct sb_gcp_api g = {.s = a->s,
                           .req = a->req,
                           .path = str_from(a->path, sizeof(SB_GCP_API) - 1),
                           .in = a->in,
                           .w = &a->w};
    int rc = sb_gcp_api_call(&g);

    if (rc)
        fail(a, rc, g.why);
    else if (g.created)
        a->resp->status = 201;
}

static void dispatch(struct api *a)
{
    bool post = str_is(a->req->method, "POST");

    if (str_starts(a->path, STR(SB_GCP_API))) {
        to_gcp(a);
        return;
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (str_is(a->path, routes[i].path) && str_is(a->req->method, routes[i].method)) {
            routes[i].fn(a);
            return;
        }
    }
    if (str_starts(a->path, STR("azure/")))
        sb_az_ctl(a->s, str_from(a->path, 6), a->req, a->in, a->resp);
    else if (str_starts(a->path, STR("purchases/")) && (post || str_is(a->req->method, "GET")))
        on_purchase(a, post);
    else
        fail(a, -ENOENT, "there is no such control");
}

void sb_api_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct api a = {.s = s, .req = req, .resp = resp};

    a.path = str_from(req->path, sizeof(SB_API_PREFIX) - 1);
    jsonw_init(&a.w, &resp->body);
    resp->ctype = "application/json";
    sb_resp_header(resp, "Cache-Control", "no-store");
    if (str_is(req->method, "POST")) {
        if (req->body.n == 0)
            a.in = cJSON_CreateObject();
        else if (json_parse(req->body, SB_BODY_MAX, &a.in))
            a.in = NULL;
        if (!cJSON_IsObject(a.in)) {
            fail(&a, -EINVAL, "the body is not a JSON object");
            cJSON_Delete(a.in);
            return;
        }
    }
    dispatch(&a);
    cJSON_Delete(a.in);
}
