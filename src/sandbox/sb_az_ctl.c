#include "sandbox/sb_az_ctl.h"

#include <errno.h>

#include "sandbox/sb_az_hook.h"
#include "sandbox/sb_az_op.h"
#include "sandbox/sb_az_set.h"
#include "sandbox/sb_az_state.h"
#include "sandbox/sb_az_sub.h"

struct ctl {
    struct sb *s;
    const cJSON *in;
    bool post;
    struct sb_resp *resp;
    struct jsonw w;
};

static void fail(struct ctl *c, int rc, const char *why)
{
    static const struct {
        int rc;
        unsigned status;
    } map[] = {{-EINVAL, 400}, {-ENOENT, 404},    {-EEXIST, 409},
               {-EPERM, 409},  {-ETIMEDOUT, 504}, {-ENOBUFS, 507}};

    buf_reset(&c->resp->body);
    jsonw_init(&c->w, &c->resp->body);
    c->resp->status = 500;
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (map[i].rc == rc)
            c->resp->status = map[i].status;
    }
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "error", str_of(why));
    jsonw_obj_end(&c->w);
}

static void kv_url(struct ctl *c, const char *key, const struct sb_az_sub *sub, const char *token,
                   bool raw)
{
    struct buf b;

    buf_init(&b, 4096);
    sb_az_landing(sub, token, raw, &b);
    jsonw_kvs(&c->w, key, buf_view(&b));
    buf_free(&b);
}

static void write_sub(struct ctl *c, const struct sb_az_sub *sub, const struct sb_az_op *op,
                      const char *token)
{
    jsonw_obj(&c->w);
    sb_az_state_sub(c->s, &c->w, sub);
    if (op)
        jsonw_kvs(&c->w, "operation", str_of(op->id));
    if (token) {
        jsonw_kvs(&c->w, "token", str_of(token));
        kv_url(c, "landing_url", sub, token, false);
        kv_url(c, "landing_url_raw", sub, token, true);
    }
    jsonw_obj_end(&c->w);
}

static void with_token(struct ctl *c, const struct sb_az_sub *sub)
{
    const struct sb_az_token *t = sb_az_token_new(c->s, sub);

    if (!t) {
        fail(c, -ENOBUFS, "too many tokens");
        return;
    }
    c->resp->status = 201;
    write_sub(c, sub, NULL, t->value);
}

static void buy(struct ctl *c)
{
    struct sb_az_sub *sub;
    const char *why;
    int rc = sb_az_order(c->s, c->in, &sub, &why);

    if (rc)
        fail(c, rc, why);
    else
        with_token(c, sub);
}

/* {id} and {id}/{action} */
static void on_purchase(struct ctl *c, struct str path)
{
    struct str action, id = str_cut(path, '/', &action);
    struct sb_az_sub *sub = sb_az_sub(c->s->az, id);
    struct sb_az_op *op;
    const char *why;
    int rc;

    if (!sub) {
        fail(c, -ENOENT, "there is no such subscription");
        return;
    }
    if (!c->post) {
        write_sub(c, sub, NULL, NULL);
        return;
    }
    if (str_is(action, "token")) {
        with_token(c, sub);
        return;
    }
    rc = sb_az_act(c->s, sub, action, c->in, &op, &why);
    if (rc)
        fail(c, rc, why);
    else
        write_sub(c, sub, op, NULL);
}

/* {id}/redeliver */
static void on_operation(struct ctl *c, struct str path)
{
    struct str action, id = str_cut(path, '/', &action);
    struct sb_az_op *op = sb_az_op(c->s->az, id);
    int64_t copies = 1;
    int rc = 0;

    if (!op || !c->post || !str_is(action, "redeliver")) {
        fail(c, -ENOENT, "there is no such operation or action");
        return;
    }
    if ((json_get(c->in, "copies") && json_int(c->in, "copies", &copies)) || copies < 1 ||
        copies > 500) {
        fail(c, -EINVAL, "copies is 1 to 500");
        return;
    }
    for (int64_t i = 0; rc == 0 && i < copies; i++)
        rc = sb_az_hook_send(c->s, op, 0);
    if (rc)
        fail(c, rc, "the deliveries cannot be queued");
    else
        write_sub(c, op->sub, op, NULL);
}

static void attack(struct ctl *c)
{
    struct sb_az_sub *sub = sb_az_sub(c->s->az, json_str(c->in, "purchase"));
    unsigned status;
    int rc = sub ? sb_az_attack(c->s, sub, c->in, &status) : -ENOENT;

    if (rc) {
        fail(c, rc,
             sub ? "how, action or plan is unknown, or nothing answered"
                 : "there is no such subscription");
        return;
    }
    jsonw_obj(&c->w);
    jsonw_kvi(&c->w, "status", status);
    jsonw_obj_end(&c->w);
}

static void rotate(struct ctl *c)
{
    struct str how = json_str(c->in, "rotate");
    bool overlap = str_is(how, "overlap");

    if (!overlap && !str_is(how, "emergency")) {
        fail(c, -EINVAL, "rotate is overlap or emergency");
        return;
    }
    if (sb_jws_current(c->s->az->keys)[0] == '\0' || sb_jws_rotate(c->s->az->keys, overlap)) {
        fail(c, -EIO, "no key could be made");
        return;
    }
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "kid", str_of(sb_jws_current(c->s->az->keys)));
    jsonw_obj_end(&c->w);
}

static void settings(struct ctl *c)
{
    const char *why;

    if (c->post && sb_az_set(&c->s->az->set, c->in, &why)) {
        fail(c, -EINVAL, why);
        return;
    }
    c->s->dirty = c->s->dirty || c->post;
    sb_az_set_write(&c->w, &c->s->az->set);
}

void sb_az_ctl(struct sb *s, struct str path, const struct sb_req *req, const cJSON *in,
               struct sb_resp *resp)
{
    struct ctl c = {.s = s, .in = in, .post = str_is(req->method, "POST"), .resp = resp};

    jsonw_init(&c.w, &resp->body);
    if (!s->az)
        fail(&c, -ENOENT, "there is no azure publisher; start with --azure-seller");
    else if (c.post && str_is(path, "purchases"))
        buy(&c);
    else if (str_starts(path, STR("purchases/")))
        on_purchase(&c, str_from(path, sizeof("purchases/") - 1));
    else if (str_starts(path, STR("operations/")))
        on_operation(&c, str_from(path, sizeof("operations/") - 1));
    else if (c.post && str_is(path, "attack"))
        attack(&c);
    else if (c.post && str_is(path, "keys"))
        rotate(&c);
    else if (str_is(path, "settings"))
        settings(&c);
    else
        fail(&c, -ENOENT, "there is no such control");
}
