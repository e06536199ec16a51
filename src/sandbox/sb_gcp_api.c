#include "sandbox/sb_gcp_api.h"

#include <errno.h>
#include <string.h>

static int64_t num(const cJSON *in, const char *key, int64_t dflt)
{
    int64_t v = dflt;
    int rc = json_int(in, key, &v);

    return rc == -ENOENT ? dflt : rc ? INT64_MIN : v;
}

int sb_gcp_api_buy(const struct sb *s, const cJSON *in, struct sb_gcp_buy *b, const char **why)
{
    struct str account = json_str(in, "account");
    const cJSON *automatic = json_get(in, "automatic");

    *b = (struct sb_gcp_buy){.product = sb_gcp_product(s, json_str(in, "product"))};
    *why = "there is no such product";
    if (!b->product)
        return -EINVAL;
    b->plan = sb_gcp_plan(b->product, json_str(in, "plan"));
    *why = "the product has no such plan";
    if (!b->plan)
        return -EINVAL;
    b->account = account.n ? sb_gcp_account(s, account) : NULL;
    *why = "there is no such account";
    if (account.n && !b->account)
        return -EINVAL;
    b->automatic = automatic ? cJSON_IsTrue(automatic) : -1;
    b->test = json_bool(in, "test", false);
    b->offer = json_bool(in, "offer", false);
    b->duration = json_str(in, "duration");
    b->start_in_ms = num(in, "start_in_ms", 0);
    b->end_in_ms = num(in, "end_in_ms", 0);
    b->settle_ms = num(in, "settle_ms", -1);
    b->usage_late_ms = num(in, "usage_late_ms", 0);
    return 0;
}

int sb_gcp_api_signup(struct sb_gcp_api *a, struct sb_gcp_signup *t)
{
    static const char *const shapes[] = {"strings", "objects", "google", "absent"};
    struct str orders = json_str(a->in, "orders");

    t->kind = json_str(a->in, "kind");
    t->role = json_str(a->in, "role");
    t->user = json_str(a->in, "user");
    t->aud = json_str(a->in, "aud");
    t->sub = json_str(a->in, "sub");
    t->life_s = num(a->in, "life_s", 0);
    t->orders = -1;
    a->why = "orders is strings, objects, google or absent";
    for (int i = 0; orders.n && i < 4; i++) {
        if (str_is(orders, shapes[i]))
            t->orders = i;
    }
    return orders.n && t->orders < 0 ? -EINVAL : 0;
}

int sb_gcp_api_token(struct sb_gcp_api *a, struct sb_gcp_signup *t, bool login)
{
    struct buf token;
    int rc;

    buf_init(&token, SB_GCP_TOKEN);
    a->why = "there is no such kind of token, or no key could be made";
    rc = sb_gcp_token_signup(a->s, t, &token);
    if (rc == 0) {
        jsonw_kvs(a->w, "token", buf_view(&token));
        jsonw_key(a->w, "landing");
        jsonw_obj(a->w);
        jsonw_kvs(a->w, "url", str_of(login ? t->product->login : t->product->signup));
        jsonw_key(a->w, "fields");
        jsonw_obj(a->w);
        jsonw_kvs(a->w, SB_GCP_FIELD, buf_view(&token));
        jsonw_obj_end(a->w);
        jsonw_obj_end(a->w);
        jsonw_kvs_opt(a->w, "login", str_of(t->product->login));
        jsonw_kvb(a->w, "sso", t->product->sso);
    }
    buf_free(&token);
    return rc;
}

static void write_ent(struct sb_gcp_api *a, const struct sb_gcp_ent *e)
{
    struct jsonw *w = a->w;

    jsonw_kvs(w, "id", str_of(e->handle));
    jsonw_kvs(w, "entitlement_id", str_of(e->id));
    jsonw_kvs(w, "order_id", str_of(e->order_id));
    jsonw_kvs(w, "account", str_of(e->account->id));
    jsonw_kvs(w, "account_handle", str_of(e->account->handle));
    jsonw_kvs(w, "approval", str_of(sb_gcp_approval_name(e->account->approval)));
    jsonw_kvs(w, "user", str_of(e->account->user));
    jsonw_kvs(w, "product", str_of(e->product->name));
    jsonw_kvs(w, "provider", str_of(e->product->provider));
    jsonw_kvs(w, "state", str_of(sb_gcp_state_name(e->state)));
    jsonw_kvb(w, "approved", e->approved);
    jsonw_kvb(w, "automatic", e->automatic);
    jsonw_kvb(w, "deleted", e->deleted);
    jsonw_kvs(w, "plan", str_of(e->plan));
    jsonw_kvs_opt(w, "pending_plan", str_of(e->pending_plan));
    jsonw_kvs_opt(w, "offer", str_of(e->offer));
    jsonw_kvs(w, "usage_reporting_id", str_of(e->usage_id));
    jsonw_kvs_opt(w, "message", str_of(e->message));
    jsonw_kvs_opt(w, "cancel_reason", str_of(e->cancel_reason));
    sb_gcp_kv_time(w, "offer_start", e->start);
    sb_gcp_kv_time(w, "offer_end", e->end);
    sb_gcp_kv_time(w, "cycle_end", e->cycle_end);
    sb_gcp_kv_time(w, "next", e->next == SB_GCP_NEXT_NONE ? 0 : e->next_ms);
}

static int answer_ent(struct sb_gcp_api *a, struct sb_gcp_ent *e, bool with_token)
{
    struct sb_gcp_signup t = {.product = e->product, .account = e->account, .ent = e};
    int rc = 0;

    jsonw_obj(a->w);
    write_ent(a, e);
    if (with_token) {
        rc = sb_gcp_api_signup(a, &t);
        if (rc == 0)
            rc = sb_gcp_api_token(a, &t, json_bool(a->in, "login", false));
    }
    jsonw_obj_end(a->w);
    return rc;
}

static int purchases(struct sb_gcp_api *a)
{
    struct sb_gcp_ent *e;
    struct sb_gcp_buy b;
    int rc = sb_gcp_api_buy(a->s, a->in, &b, &a->why);

    if (rc == 0)
        rc = sb_gcp_order_buy(a->s, &b, &e, &a->why);
    if (rc)
        return rc;
    a->created = true;
    return answer_ent(a, e, true);
}

static int on_purchase(struct sb_gcp_api *a, bool post)
{
    struct str action, id = str_cut(str_from(a->path, sizeof("purchases/") - 1), '/', &action);
    struct sb_gcp_ent *e = sb_gcp_ent(a->s, id);
    int rc = 0;

    a->why = "there is no such purchase";
    if (!e)
        return -ENOENT;
    if (post && str_is(action, "token")) {
        a->created = true;
        return answer_ent(a, e, true);
    }
    if (post)
        rc = sb_gcp_order_act(a->s, e, action, a->in, &a->why);
    return rc ? rc : answer_ent(a, e, false);
}

static int write_account(struct sb_gcp_api *a, const struct sb_gcp_account *acct)
{
    jsonw_obj(a->w);
    jsonw_kvs(a->w, "id", str_of(acct->id));
    jsonw_kvs(a->w, "handle", str_of(acct->handle));
    jsonw_kvs(a->w, "user", str_of(acct->user));
    jsonw_kvs(a->w, "approval", str_of(sb_gcp_approval_name(acct->approval)));
    jsonw_kvs_opt(a->w, "reason", str_of(acct->reason));
    jsonw_kvb(a->w, "deleted", acct->deleted);
    jsonw_obj_end(a->w);
    return 0;
}

static int accounts(struct sb_gcp_api *a)
{
    const struct sb_gcp_product *p = sb_gcp_product(a->s, json_str(a->in, "product"));
    const struct sb_gcp_account *acct;

    a->why = "there is no such product";
    if (!p)
        return -EINVAL;
    a->why = "there is no room for more";
    acct = sb_gcp_order_account(a->s, p->provider, json_bool(a->in, "test", false));
    if (!acct)
        return -ENOBUFS;
    a->created = true;
    return write_account(a, acct);
}

static int on_account(struct sb_gcp_api *a, bool post)
{
    struct str action, id = str_cut(str_from(a->path, sizeof("accounts/") - 1), '/', &action);
    struct sb_gcp_account *acct = sb_gcp_account(a->s, id);

    a->why = "there is no such account";
    if (!acct)
        return -ENOENT;
    a->why = "there is no such action, or the account is deleted";
    if (post && acct->deleted)
        return -EPERM;
    if (post && str_is(action, "approve"))
        sb_gcp_order_approval(a->s, acct, SB_GCP_APPROVED, json_str(a->in, "reason"));
    else if (post && str_is(action, "reject"))
        sb_gcp_order_approval(a->s, acct, SB_GCP_REJECTED, json_str(a->in, "reason"));
    else if (post && str_is(action, "reset"))
        sb_gcp_order_reset(a->s, acct);
    else if (post && str_is(action, "delete"))
        sb_gcp_order_delete_account(a->s, acct);
    else if (post)
        return -ENOENT;
    return write_account(a, acct);
}

int sb_gcp_api_call(struct sb_gcp_api *a)
{
    bool post = str_is(a->req->method, "POST");
    int rc;

    a->why = "there is no such control";
    if (!post && !str_is(a->req->method, "GET"))
        return -ENOENT;
    if (post && str_is(a->path, "purchases"))
        return purchases(a);
    if (post && str_is(a->path, "accounts"))
        return accounts(a);
    if (str_starts(a->path, STR("purchases/")))
        return on_purchase(a, post);
    if (str_starts(a->path, STR("accounts/")))
        return on_account(a, post);
    rc = sb_gcp_ctl(a);
    if (rc == -ENOSYS)
        a->why = "there is no such control";
    return rc == -ENOSYS ? -ENOENT : rc;
}
