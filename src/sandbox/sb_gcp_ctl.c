#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sandbox/sb_gcp_api.h"
#include "sandbox/sb_gcp_event.h"
#include "sandbox/sb_gcp_push.h"
#include "sandbox/sb_gcp_state.h"

/* By name, else that of the product. */
static struct sb_gcp_sub *sub_of(struct sb_gcp_api *a)
{
    const struct sb_gcp_product *p = sb_gcp_product(a->s, json_str(a->in, "product"));
    struct str name = json_str(a->in, "subscription");

    a->why = "there is no such subscription or product";
    return sb_gcp_sub(a->s, name.n || !p ? name : str_of(p->subscription));
}

/* data: a text as it stands, or an object. Free *tofree. */
static struct str data_of(struct sb_gcp_api *a, char **tofree)
{
    const cJSON *data = json_get(a->in, "data");

    *tofree = cJSON_IsObject(data) ? cJSON_PrintUnformatted(data) : NULL;
    return *tofree ? str_of(*tofree) : json_str(a->in, "data");
}

static int tokens(struct sb_gcp_api *a)
{
    struct sb_gcp_signup t = {.ent = sb_gcp_ent(a->s, json_str(a->in, "purchase"))};
    int rc;

    t.product = t.ent ? t.ent->product : sb_gcp_product(a->s, json_str(a->in, "product"));
    t.account = t.ent ? t.ent->account : sb_gcp_account(a->s, json_str(a->in, "account"));
    a->why = "a purchase, or an account and a product, is required";
    if (!t.product || !t.account)
        return -EINVAL;
    rc = sb_gcp_api_signup(a, &t);
    if (rc)
        return rc;
    jsonw_obj(a->w);
    rc = sb_gcp_api_token(a, &t, json_bool(a->in, "login", false));
    jsonw_obj_end(a->w);
    return rc;
}

static int expire(struct sb_gcp_api *a)
{
    for (size_t i = 0; i < a->s->gcp->bearers.n; i++)
        ((struct sb_gcp_bearer *)a->s->gcp->bearers.p[i])->expires_ms = 0;
    a->s->dirty = true;
    jsonw_obj(a->w);
    jsonw_kvi(a->w, "tokens", (int64_t)a->s->gcp->bearers.n);
    jsonw_obj_end(a->w);
    return 0;
}

static int attack(struct sb_gcp_api *a)
{
    static const struct str ping = STR("{\"eventId\":\"attack\",\"eventType\":\"PING\"}");
    const struct sb_gcp_sub *q = sub_of(a);
    struct str how = json_str(a->in, "how"), data;
    unsigned status = 0;
    char *tofree;
    int rc;

    if (!q)
        return -EINVAL;
    a->why = "the subscription does not push";
    if (!q->push_url[0])
        return -EPERM;
    data = data_of(a, &tofree);
    a->why = "there is no such attack";
    rc = sb_gcp_push_attack(a->s, q, how, data.n ? data : ping, &status);
    free(tofree);
    if (rc)
        return rc;
    jsonw_obj(a->w);
    jsonw_kvi(a->w, "status", status);
    jsonw_obj_end(a->w);
    return 0;
}

static int events(struct sb_gcp_api *a)
{
    struct sb_gcp_sub *q = sub_of(a);
    struct str label = json_str(a->in, "label");
    int64_t copies = 1, stored = 0;
    char name[96], *tofree;
    struct str data = data_of(a, &tofree);

    json_int(a->in, "copies", &copies);
    if (q) {
        a->why = "data is required, label is a short text, copies is 1 to 1000";
        if (data.n == 0 || copies < 1 || copies > 1000 ||
            str_copy(label.n ? label : STR("injected"), name, sizeof(name)))
            q = NULL;
    }
    for (; q && copies > 0; copies--)
        stored += (int64_t)sb_gcp_event_put(a->s, q->provider, q, data, "", name);
    free(tofree);
    if (!q)
        return -EINVAL;
    jsonw_obj(a->w);
    jsonw_kvi(a->w, "stored", stored);
    jsonw_obj_end(a->w);
    return 0;
}

static int subscriptions(struct sb_gcp_api *a)
{
    static const struct sb_gcp_field fields[] = {
        SB_GCP_FTEXT(sb_gcp_sub, push_url),     SB_GCP_FTEXT(sb_gcp_sub, push_audience),
        SB_GCP_FTEXT(sb_gcp_sub, push_account), SB_GCP_FINT(sb_gcp_sub, ack_s),
        SB_GCP_FBOOL(sb_gcp_sub, dead_letter),  {0},
    };
    struct sb_gcp_sub *q = sb_gcp_sub(a->s, json_str(a->in, "name"));
    int rc;

    a->why = "there is no such subscription";
    if (!q)
        return -ENOENT;
    rc = sb_gcp_fields_read(a->in, fields, q, &a->why);
    if (rc)
        return rc;
    if (q->push_url[0] && !q->push_account[0])
        snprintf(q->push_account, sizeof(q->push_account), "%s", SB_GCP_EMAIL);
    a->s->dirty = true;
    jsonw_obj(a->w);
    jsonw_kvs(a->w, "name", str_of(q->name));
    sb_gcp_fields_write(a->w, fields, q);
    jsonw_obj_end(a->w);
    sb_gcp_push_pump(a->s);
    return 0;
}

static int redeliver(struct sb_gcp_api *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->s->gcp->subs.n; i++) {
        struct sb_gcp_sub *q = a->s->gcp->subs.p[i];
        n += q->busy ? 0 : sb_queue_show(&q->queue, clock_mono_ms());
        q->push_after_mono = 0;
    }
    sb_core_announce(a->s);
    sb_gcp_push_pump(a->s);
    jsonw_obj(a->w);
    jsonw_kvi(a->w, "messages", (int64_t)n);
    jsonw_obj_end(a->w);
    return 0;
}

static int keys(struct sb_gcp_api *a)
{
    const struct sb_gcp_keys *k = sb_gcp_keys(a->s);
    struct str ring = json_str(a->in, "ring"), how = json_str(a->in, "rotate");
    struct sb_jws *r = !k ? NULL : str_is(ring, "oidc") ? k->oidc : k->partner;
    int rc = 0;

    a->why = "ring is partner or oidc, rotate is overlap or emergency";
    if (!r || (ring.n && !str_is(ring, "oidc") && !str_is(ring, "partner")) ||
        (how.n && !str_is(how, "overlap") && !str_is(how, "emergency")))
        return -EINVAL;
    if (how.n)
        rc = sb_jws_rotate(r, str_is(how, "overlap"));
    if (rc)
        return rc;
    jsonw_obj(a->w);
    jsonw_kvs(a->w, "kid", str_of(sb_jws_current(r)));
    jsonw_obj_end(a->w);
    return 0;
}

static int settings(struct sb_gcp_api *a)
{
    struct sb_gcp_set set = a->s->gcp->set;
    const cJSON *item;
    int rc = sb_gcp_fields_read(a->in, sb_gcp_set_fields, &set, &a->why);

    if (rc)
        return rc;
    cJSON_ArrayForEach(item, a->in)
    {
        const struct sb_gcp_field *f = sb_gcp_set_fields;
        while (f->key && !str_is(str_of(item->string), f->key))
            f++;
        a->why = "there is no such setting";
        if (!f->key)
            return -EINVAL;
    }
    a->why = "a number is out of range";
    if (set.settle_ms < 0 || set.pull_hold_ms < 0 || set.pull_hold_ms > 80000 ||
        set.push_retry_ms < 1 || set.push_retry_ms > SB_DAY_MS || set.token_life_s < 1 ||
        set.token_life_s > 43200 || set.certs_age_s < 0 || set.cycle_ms < 1000)
        return -EINVAL;
    a->s->gcp->set = set;
    a->s->dirty = true;
    jsonw_obj(a->w);
    sb_gcp_fields_write(a->w, sb_gcp_set_fields, &set);
    jsonw_obj_end(a->w);
    return 0;
}

static int key_file(struct sb_gcp_api *a)
{
    a->why = "no key could be made";
    return sb_gcp_key_file(a->s, a->w->b);
}

static int external(struct sb_gcp_api *a)
{
    const struct sb_gcp_keys *k = sb_gcp_keys(a->s);
    char path[1024];
    struct buf b;
    int rc;

    a->why = "file is required: where the subject token will stand";
    if (!k || sb_req_field(a->req->query, "file", path, sizeof(path)))
        return -EINVAL;
    buf_init(&b, 8192);
    rc = sb_gcp_key_external(a->s, str_of(path), &b);
    if (rc == 0) {
        jsonw_obj(a->w);
        jsonw_key(a->w, "file");
        jsonw_raw(a->w, buf_view(&b));
        jsonw_kvs(a->w, "subject_token", str_of(k->subject));
        jsonw_obj_end(a->w);
    }
    buf_free(&b);
    return rc;
}

static int state(struct sb_gcp_api *a)
{
    sb_gcp_state_write(a->s, a->w, false);
    return 0;
}

int sb_gcp_ctl(struct sb_gcp_api *a)
{
    static const struct {
        const char *method, *path;
        int (*fn)(struct sb_gcp_api *a);
    } routes[] = {
        {"POST", "tokens", tokens},
        {"POST", "tokens/expire", expire},
        {"POST", "attack", attack},
        {"POST", "events", events},
        {"POST", "subscriptions", subscriptions},
        {"POST", "redeliver", redeliver},
        {"POST", "keys", keys},
        {"POST", "settings", settings},
        {"GET", "key-file", key_file},
        {"GET", "external-account", external},
        {"GET", "state", state},
    };

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (str_is(a->path, routes[i].path) && str_is(a->req->method, routes[i].method))
            return routes[i].fn(a);
    }
    return -ENOSYS;
}
