/*
 * The registration API, for portals that show their own pages. The registration id is the
 * capability; bodies are JSON, which a form of another site cannot send without a preflight that
 * we never answer.
 */
#include <errno.h>
#include <stdio.h>

#include "api/problem.h"
#include "base/json.h"
#include "front.h"
#include "pages/handlers.h"
#include "pages/land.h"
#include "pages/notice.h"
#include "pages/page.h"
#include "pages/submit.h"

enum { BODY_MAX = 16 * 1024 };

static const char *const skip[] = {NULL};

/* 0, or the status of the problem that was not yet sent. */
static int json_body(struct req *r, cJSON **out)
{
    struct str rest, type = str_trim(str_cut(r->content_type, ';', &rest));

    if (!str_ieq(type, STR("application/json")))
        return 415;
    if (json_parse(r->body, BODY_MAX, out))
        return 400;
    if (cJSON_IsObject(*out))
        return 0;
    cJSON_Delete(*out);
    return 400;
}

static void send_body_problem(struct req *r, int status)
{
    problem_send(r, status, status == 415 ? "media_type" : "json_malformed", NULL);
}

/* Members as form fields: text, numbers and booleans. -EINVAL: *bad is something else. */
static int to_form(struct req *r, const cJSON *obj, struct form *form, struct str *bad)
{
    const cJSON *m;

    for (m = obj->child; m; m = m->next) {
        struct str v;
        int rc;

        if (cJSON_IsString(m))
            v = arena_str(r->arena, str_of(m->valuestring));
        else if (cJSON_IsNumber(m))
            v = str_of(arena_fmt(r->arena, "%.15g", m->valuedouble));
        else if (cJSON_IsBool(m))
            v = cJSON_IsTrue(m) ? STR("yes") : STR("");
        else
            v = str_make(NULL, 0);
        *bad = arena_str(r->arena, str_of(m->string));
        rc = cJSON_IsString(m) || cJSON_IsNumber(m) || cJSON_IsBool(m) ? form_add(form, *bad, v)
                                                                       : -EINVAL;
        if (rc)
            return -EINVAL;
    }
    return 0;
}

static void kv_link(struct jsonw *w, struct req *r, const char *key, const char *prefix,
                    const char *id)
{
    jsonw_kvs(w, key, str_of(page_path(r, arena_fmt(r->arena, "%s%s", prefix, id))));
}

static void unknown(struct submit *s)
{
    problem_send(s->r, 404, "unknown_link", NULL);
}

static void busy(struct submit *s)
{
    s->r->resp.retry_after = 5;
    problem_send(s->r, 503, "unavailable", NULL);
}

static void refused(struct submit *s, struct str code)
{
    const char *key = notice_refused_key(code);

    problem_send(s->r, 409, key + sizeof("refused.") - 1, NULL);
}

static void malformed(struct submit *s, struct str bad)
{
    problem_member(s->r, 400, "unknown_member", bad);
}

static void invalid(struct submit *s)
{
    problem_send(s->r, 422, "invalid", s->fields);
}

static void done(struct submit *s, const char *capability)
{
    struct jsonw w;

    s->r->resp.status = 200;
    s->r->resp.content_type = "application/json";
    jsonw_init(&w, &s->r->resp.body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "state", STR("submitted"));
    kv_link(&w, s->r, "status", "api/v1/status/", capability);
    kv_link(&w, s->r, "page", "s/", capability);
    jsonw_obj_end(&w);
    req_done(s->r);
}

static const struct submit_answers answers = {skip,      unknown, busy, refused,
                                              malformed, invalid, done};

void api_registration_post(struct req *r, const struct str *bound)
{
    struct submit *s = arena_alloc(r->arena, sizeof(*s));
    struct str bad;
    cJSON *body;
    int status, rc;

    if (!s) {
        route_error(r, ROUTE_API, 503, "unavailable");
        return;
    }
    s->r = r;
    s->answers = &answers;
    if (reg_id_parse(r, bound[0], &s->id)) {
        unknown(s);
        return;
    }
    status = json_body(r, &body);
    if (status) {
        send_body_problem(r, status);
        return;
    }
    rc = to_form(r, body, &s->form, &bad);
    cJSON_Delete(body);
    if (rc)
        malformed(s, bad);
    else
        submit_run(s);
}

static void put_purchase(struct jsonw *w, const struct reg *g)
{
    jsonw_kvs(w, "channel", g->channel);
    jsonw_kvs(w, "product", g->product);
    if (g->market)
        jsonw_kvs(w, "product_title", str_of(g->market->product));
    jsonw_kvs_opt(w, "plan", g->plan);
    jsonw_kvs_opt(w, "plan_title", g->plan_title);
    jsonw_kvs_opt(w, "quantity", g->quantity);
    jsonw_kvs_opt(w, "account", g->account);
    if (g->state == REG_RESOLVED)
        jsonw_kvb(w, "trial", g->trial);
    jsonw_kvs_opt(w, "term", g->term);
    if (g->starts > 0)
        jsonw_kvi(w, "starts", g->starts);
    if (g->ends > 0)
        jsonw_kvi(w, "ends", g->ends);
}

static void put_fields(struct jsonw *w, const struct fields *fs)
{
    size_t i, j;

    jsonw_key(w, "fields");
    jsonw_arr(w);
    for (i = 0; i < fs->n; i++) {
        const struct field *f = &fs->f[i];

        jsonw_obj(w);
        jsonw_kvs(w, "name", str_of(f->name));
        jsonw_kvs(w, "label", f->label);
        jsonw_kvb(w, "required", f->required);
        if (f->options) {
            jsonw_key(w, "options");
            jsonw_arr(w);
            for (j = 0; f->options[j]; j++)
                jsonw_str(w, str_of(f->options[j]));
            jsonw_arr_end(w);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void show(struct req *r, void *arg, int rc, const struct reg *g)
{
    const struct front *f = r->app;
    const struct reg_id *id = arg;
    char cap[ID_SECRET], hash[HASH_HEX];
    struct fields *fs = NULL;
    struct jsonw w;

    if (rc == -ENOENT || rc == -EINVAL) {
        problem_send(r, 404, "unknown_link", NULL);
        return;
    }
    if (rc || fields_for(r->arena, pages_of(r), f->cfg, g->plan_cfg, g->made, &fs)) {
        r->resp.retry_after = 5;
        problem_send(r, 503, "unavailable", NULL);
        return;
    }
    r->resp.status = 200;
    r->resp.content_type = "application/json";
    if (g->state == REG_NEW)
        r->resp.retry_after = 1;
    jsonw_init(&w, &r->resp.body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "state", str_of(reg_state_name(g->state)));
    jsonw_kvs_opt(&w, "code", g->code);
    put_purchase(&w, g);
    if (g->state == REG_SUBMITTED) {
        reg_capability(id, id->shard, cap, hash);
        kv_link(&w, r, "status", "api/v1/status/", cap);
        kv_link(&w, r, "page", "s/", cap);
    } else if (g->state == REG_SIGNIN) {
        kv_link(&w, r, "page", "r/", id->text);
    } else if (g->state != REG_REFUSED) {
        put_fields(&w, fs);
    }
    jsonw_obj_end(&w);
    req_done(r);
}

void api_registration_get(struct req *r, const struct str *bound)
{
    struct reg_id *id = arena_alloc(r->arena, sizeof(*id));

    if (!id || reg_id_parse(r, bound[0], id))
        problem_send(r, 404, "unknown_link", NULL);
    else
        reg_load(r, id, 2000, show, id);
}

static void landed(struct req *r, int rc, const struct cfg_market *m, const char *id)
{
    struct jsonw w;

    (void)m;
    if (rc || !id) {
        r->resp.retry_after = 5;
        problem_send(r, 503, "unavailable", NULL);
        return;
    }
    r->resp.status = 201;
    r->resp.location = page_path(r, arena_fmt(r->arena, "api/v1/registrations/%s", id));
    r->resp.content_type = "application/json";
    jsonw_init(&w, &r->resp.body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "id", str_of(id));
    kv_link(&w, r, "page", "r/", id);
    jsonw_obj_end(&w);
    req_done(r);
}

/* A portal's own landing page hands the token on: {channel, product, token}. */
void api_registration_new(struct req *r, const struct str *bound)
{
    const struct front *f = r->app;
    const struct cfg_market *m;
    const char *wrong;
    struct str token;
    cJSON *body;
    int status = json_body(r, &body);

    (void)bound;
    if (status) {
        send_body_problem(r, status);
        return;
    }
    m = config_market(f->cfg, json_str(body, "channel"), json_str(body, "product"));
    token = json_str(body, "token");
    wrong = land_token_wrong(json_get(body, "token") ? 1 : 0, token);
    if (!m)
        problem_member(r, 422, "unknown_product", STR("product"));
    else if (wrong)
        problem_member(r, 422, wrong, STR("token"));
    else
        land_store(r, m, token, NULL, landed);
    cJSON_Delete(body);
}

void api_openapi(struct req *r, const struct str *bound)
{
    const struct pages *pg = pages_of(r);

    (void)bound;
    r->resp.status = 200;
    r->resp.content_type = "application/json";
    r->resp.cache = "public, max-age=300";
    buf_str(&r->resp.body, pg->openapi);
    req_done(r);
}
