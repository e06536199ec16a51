/*
 * Inbound events through the route table, with a real store: what is genuine is stored once, what
 * is not gets 401, and where nobody can know the sender is told to come again.
 */
#include "store_test.h"

#include "hooks/hook_seen.h"
#include "hooks/hooks_int.h"
#include "jwt_rig.h"
#include "route.h"
#include "store/event_key.h"

#define TID   "aaaaaaaa-0000-4000-8000-000000000001"
#define APP   "bbbbbbbb-0000-4000-8000-000000000002"
#define MKT   "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
#define V1    "https://sts.windows.net/" TID "/"
#define V2    "https://login.microsoftonline.com/" TID "/v2.0"
#define AUD   "https://buy.example/marketplace/hooks/gcp/google"
#define PUSH  "push@acme.iam.gserviceaccount.com"
#define AZURE "/m/hooks/azure/micro"
#define GCP   "/m/hooks/gcp/google"
#define BODY(id, action)                                                                           \
    "{\"id\":\"" id "\",\"action\":\"" action "\",\"subscriptionId\":\"s1\",\"planId\":\"gold\"}"

static EVP_PKEY *ours, *theirs;
static struct config *cfg;
static struct front front;
static struct buf keys_text, head, text, auth;

struct answer {
    int status, retry_after;
    size_t body;
    bool done;
};

static void finished(struct req *r)
{
    struct answer *a = r->transport;

    a->status = r->resp.status;
    a->retry_after = r->resp.retry_after;
    a->body = r->resp.body.len;
    a->done = true;
    buf_free(&r->resp.body);
}

struct call {
    struct req req;
    struct req_param param[3];
    struct answer answer;
};

/* authorization NULL: none. */
static void begin(struct call *c, const char *path, const char *authorization, struct str body)
{
    *c = (struct call){.req = {.arena = arena_new(REQ_ARENA_FIRST, REQ_ARENA_MAX),
                               .method = REQ_POST,
                               .path = str_of(path),
                               .body = body,
                               .content_type = STR("application/json; charset=utf-8"),
                               .app = &front,
                               .finish = finished,
                               .id = "0123456789abcdef"}};
    c->req.transport = &c->answer;
    c->req.params = c->param;
    if (authorization)
        c->param[c->req.nparams++] =
            (struct req_param){STR("HTTP_AUTHORIZATION"), str_of(authorization)};
    buf_init(&c->req.resp.body, REQ_ANSWER_MAX);
}

static void finish(struct call *c)
{
    while (!c->answer.done)
        uv_run(&fx.loop, UV_RUN_ONCE);
    arena_free(&c->req.arena);
}

static struct answer post(const char *path, const char *authorization, struct str body)
{
    struct call c;

    begin(&c, path, authorization, body);
    route_dispatch(&c.req);
    finish(&c);
    return c.answer;
}

static const char *bearer_of(EVP_PKEY *by, const char *kid, const char *claims)
{
    struct buf t;

    buf_init(&t, RIG_TEXT);
    buf_reset(&head);
    buf_fmt(&head, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
    rig_sign(by, RIG_RS256, buf_view(&head), str_of(claims), &t);
    buf_reset(&auth);
    buf_cat(&auth, "Bearer ");
    buf_str(&auth, buf_view(&t));
    buf_free(&t);
    return buf_cstr(&auth);
}

static const char *azure_claims(const char *iss, const char *aud, const char *tid,
                                const char *caller, int64_t from_now)
{
    int64_t now = clock_wall_ms() / 1000 + from_now;

    buf_reset(&text);
    buf_fmt(&text,
            "{\"iss\":\"%s\",\"aud\":\"%s\",\"tid\":\"%s\",%s,\"iat\":%lld,\"nbf\":%lld,"
            "\"exp\":%lld}",
            iss, aud, tid, caller, (long long)now, (long long)now, (long long)now + 3600);
    return buf_cstr(&text);
}

#define APPID "\"appid\":\"" MKT "\""
#define AZP   "\"azp\":\"" MKT "\""

static const char *azure_bearer(void)
{
    return bearer_of(ours, "k1", azure_claims(V2, APP, TID, AZP, 0));
}

static const char *gcp_claims(const char *iss, const char *aud, const char *email,
                              const char *verified)
{
    int64_t now = clock_wall_ms() / 1000;

    buf_reset(&text);
    buf_fmt(&text,
            "{\"iss\":\"%s\",\"aud\":\"%s\",\"email\":\"%s\",\"email_verified\":%s,\"iat\":%lld,"
            "\"exp\":%lld}",
            iss, aud, email, verified, (long long)now, (long long)now + 3600);
    return buf_cstr(&text);
}

static void publish(const char *channel, const char *product, EVP_PKEY *key, const char *kid)
{
    char id[64], subject[48];

    buf_reset(&keys_text);
    buf_cat(&keys_text, "{\"keys\":[");
    rig_jwk(key, kid, "", &keys_text);
    buf_cat(&keys_text, "]}");
    snprintf(subject, sizeof(subject), "%s/%s", channel, product);
    snprintf(id, sizeof(id), "keys:%s", subject);
    OK(0, STORE_TASK_ADD, id, "keys", "market", subject, "0", "");
    while (claim("market") && strcmp(task, id) != 0)
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_string_equal(task, id);
    OK(0, STORE_KEYS_PUT, task, token, channel, product, buf_cstr(&keys_text), "86400000");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
}

static struct hook_ring *ring(size_t i)
{
    return &((struct hooks *)front.hooks)->ring[i];
}

/* As if that much time had passed since the set was read, and since it was fetched. */
static void age(size_t i, int64_t read_ms, int64_t fetched_ms)
{
    ring(i)->loaded -= read_ms;
    ring(i)->asked = 0;
    ring(i)->age += fetched_ms;
}

static int begin_test(void **state)
{
    fresh(state);
    front.loop = &fx.loop;
    front.cfg = cfg;
    front.base = cfg->front.base;
    front.store = fx.store;
    return hooks_open(&front);
}

static int end_test(void **state)
{
    no_violations(1);
    store_end();
    hooks_close(&front);
    (void)state;
    return 0;
}

static const char *stored_field(const char *channel, const char *dedupe, const char *name)
{
    struct event_key k;

    event_key(str_of(channel), str_of(dedupe), 1, &k);
    if (CALL(0, STORE_EVENT_GET, k.id) != 0)
        return "(not stored)";
    return field(name);
}

static void stored_once(void **state)
{
    static const char body[] = BODY("op1", "ChangePlan");
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    b = azure_bearer();
    for (int i = 0; i < 3; i++) {
        struct answer a = post(AZURE, b, str_of(body));

        assert_int_equal(a.status, 200);
        assert_int_equal(a.body, 0);
    }
    assert_string_equal(stored_field("azure", "op1\nChangePlan", "raw"), body);
    IS("type", "ChangePlan");
    IS("kind", "");
    IS("json", "");
    IS("product", "micro");
    assert_true(claim("market"));
    assert_true(strncmp(task, "event:", 6) == 0);
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_false(claim("market"));
    /* The same operation with another action is another fact. */
    assert_int_equal(post(AZURE, b, STR(BODY("op1", "Renew"))).status, 200);
    assert_string_equal(stored_field("azure", "op1\nRenew", "type"), "Renew");
}

/* A repetition that was stored by this process costs no command. */
static void repetition_without_redis(void **state)
{
    struct answer a;
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    b = azure_bearer();
    assert_int_equal(post(AZURE, b, STR(BODY("op1", "Renew"))).status, 200);
    RAW("SCRIPT", "FLUSH");
    RAW("CONFIG", "RESETSTAT");
    assert_int_equal(post(AZURE, b, STR(BODY("op1", "Renew"))).status, 200);
    assert_non_null(strstr(RAW("INFO", "commandstats"), "# Commandstats"));
    assert_null(strstr(RAW("INFO", "commandstats"), "eval"));
    redis_kill(&fx.redis, SIGKILL);
    assert_int_equal(post(AZURE, b, STR(BODY("op1", "Renew"))).status, 200);
    a = post(AZURE, b, STR(BODY("op2", "Renew")));
    assert_int_equal(a.status, 503);
    assert_int_equal(a.retry_after, 5);
    redis_start(&fx.redis);
    while (!store_connected(fx.store))
        uv_run(&fx.loop, UV_RUN_ONCE);
    OK(0, STORE_INIT, "1", "test", "1");
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 200);
}

static void azure_tokens(void **state)
{
    static const struct {
        const char *iss, *aud, *tid, *caller;
        int64_t from_now;
        int status;
    } t[] = {
        {V1, APP, TID, APPID, 0, 200},
        {V2, APP, TID, AZP, 0, 200},
        {V1, APP, TID, AZP, 0, 401},
        {V2, APP, TID, APPID, 0, 401},
        {V2, APP, TID, AZP "," APPID, 0, 200},
        {V2, APP, TID, "\"azp\":\"" APP "\"", 0, 401},
        {V1, APP, TID, "\"appid\":\"" APP "\"," AZP, 0, 401},
        {V2, APP, TID, "\"azp\":[\"" MKT "\"]", 0, 401},
        {V2, MKT, TID, "\"azp\":\"" APP "\"", 0, 401}, /* swapped: the common mistake */
        {V2, MKT, TID, AZP, 0, 401},
        {V2, "api://" APP, TID, AZP, 0, 401},
        {V2, APP, "dddddddd-0000-4000-8000-000000000009", AZP, 0, 401},
        {"https://sts.windows.net/dddddddd-0000-4000-8000-000000000009/", APP, TID, APPID, 0, 401},
        {"https://login.microsoftonline.com/common/v2.0", APP, TID, AZP, 0, 401},
        {"https://login.microsoftonline.com/" TID "/v2.0/", APP, TID, AZP, 0, 401},
        {"https://login.microsoftonline.com/" TID "/", APP, TID, AZP, 0, 401},
        {V2, APP, TID, AZP, 290, 200},
        {V2, APP, TID, AZP, 310, 401},
        {V2, APP, TID, AZP, -3600 - 290, 200},
        {V2, APP, TID, AZP, -3600 - 310, 401},
    };

    (void)state;
    publish("azure", "micro", ours, "k1");
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const char *b = bearer_of(
            ours, "k1", azure_claims(t[i].iss, t[i].aud, t[i].tid, t[i].caller, t[i].from_now));

        if (post(AZURE, b, STR(BODY("op1", "Renew"))).status != t[i].status)
            fail_msg("row %zu is not %d", i, t[i].status);
    }
    assert_int_equal(post(AZURE, bearer_of(theirs, "k1", azure_claims(V2, APP, TID, AZP, 0)),
                          STR(BODY("op9", "Renew")))
                         .status,
                     401);
    assert_string_equal(stored_field("azure", "op9\nRenew", "raw"), "(not stored)");
}

static void gcp_tokens(void **state)
{
    static const struct {
        const char *iss, *aud, *email, *verified;
        int status;
    } t[] = {
        {"https://accounts.google.com", AUD, PUSH, "true", 200},
        {"accounts.google.com", AUD, PUSH, "true", 200},
        {"https://accounts.google.com", AUD, PUSH, "false", 401},
        {"https://accounts.google.com", AUD, PUSH, "\"true\"", 401},
        {"https://accounts.google.com", AUD, PUSH, "1", 401},
        {"https://accounts.google.com", AUD, PUSH, "null", 401},
        {"https://accounts.google.com", AUD, "other@acme.iam.gserviceaccount.com", "true", 401},
        {"https://accounts.google.com", AUD, "", "true", 401},
        {"https://accounts.google.com", AUD "/", PUSH, "true", 401},
        {"https://accounts.google.com", "https://evil.example/", PUSH, "true", 401},
        {"https://accounts.google.com/", AUD, PUSH, "true", 401},
        {"https://evil.example", AUD, PUSH, "true", 401},
    };
    /* {"eventId":"e1","eventType":"ENTITLEMENT_ACTIVE"} */
    static const char body[] =
        "{\"message\":{\"data\":"
        "\"eyJldmVudElkIjoiZTEiLCJldmVudFR5cGUiOiJFTlRJVExFTUVOVF9BQ1RJVkUifQ==\","
        "\"messageId\":\"m1\"},\"subscription\":\"projects/p/subscriptions/s\"}";

    (void)state;
    publish("gcp", "google", ours, "k1");
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const char *b =
            bearer_of(ours, "k1", gcp_claims(t[i].iss, t[i].aud, t[i].email, t[i].verified));

        if (post(GCP, b, str_of(body)).status != t[i].status)
            fail_msg("row %zu is not %d", i, t[i].status);
    }
    assert_string_equal(stored_field("gcp", "ENTITLEMENT_ACTIVE\ne1", "raw"), body);
    IS("type", "ENTITLEMENT_ACTIVE");
}

static void authorizations(void **state)
{
    static const char *const bad[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "Basic dXNlcjpwdw==",
                                      "Bearer x",
                                      "Bearer x y",
                                      "Bearer a.b.c",
                                      "Bearer ..",
                                      "bearer  a.b.c",
                                      "Bearer\ta.b.c",
                                      "Bearer e30.e30.AA,Bearer e30.e30.AA"};
    struct call c;
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    assert_int_equal(post(AZURE, NULL, STR(BODY("op1", "Renew"))).status, 401);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(post(AZURE, bad[i], STR(BODY("op1", "Renew"))).status, 401);
    b = azure_bearer();
    begin(&c, AZURE, b, STR(BODY("op1", "Renew")));
    c.param[c.req.nparams++] = (struct req_param){STR("HTTP_AUTHORIZATION"), str_of(b)};
    route_dispatch(&c.req);
    finish(&c);
    assert_int_equal(c.answer.status, 401);
    /* The scheme's letters are of either case (RFC 9110 11.1). */
    auth.p[0] = 'b';
    assert_int_equal(post(AZURE, buf_cstr(&auth), STR(BODY("op1", "Renew"))).status, 200);
}

static void bodies(void **state)
{
    static const char *const bad[] = {
        "", "x", "[]", "1", "null", "{\"id\":\"a\",\"id\":\"b\"}", "{\"id\":\"a\"}}", "\xff"};
    struct call c;
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    publish("gcp", "google", ours, "k1");
    b = azure_bearer();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(post(AZURE, b, str_of(bad[i])).status, 400);
        assert_int_equal(post(AZURE, "Bearer x", str_of(bad[i])).status, 401);
    }
    begin(&c, AZURE, b, STR(BODY("op1", "Renew")));
    c.req.content_type = STR("text/plain");
    route_dispatch(&c.req);
    finish(&c);
    assert_int_equal(c.answer.status, 415);
    /* Nothing genuine is lost because it does not say what it is. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(post(AZURE, b, STR("{\"new\":\"shape\"}")).status, 200);
    assert_true(claim("market"));
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_false(claim("market"));
    b = bearer_of(ours, "k1", gcp_claims("accounts.google.com", AUD, PUSH, "true"));
    assert_int_equal(post(GCP, b, STR("{\"id\":\"a\"}")).status, 400);
    assert_int_equal(post(GCP, b, STR("{\"message\":1}")).status, 400);
    assert_int_equal(
        post(GCP, b, STR("{\"message\":{\"messageId\":\"m7\",\"data\":\"!\"}}")).status, 200);
    assert_string_not_equal(stored_field("gcp", "m7", "raw"), "(not stored)");
    assert_int_equal(post(GCP, b, STR("{\"message\":{}}")).status, 200);
}

static void sizes(void **state)
{
    struct buf big;
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    b = azure_bearer();
    buf_init(&big, 2 * HOOK_BODY);
    buf_cat(&big, "{\"id\":\"op1\",\"action\":\"Renew\",\"x\":\"");
    while (big.len < HOOK_BODY - 2)
        buf_ch(&big, 'x');
    buf_cat(&big, "\"}");
    assert_int_equal(big.len, HOOK_BODY);
    assert_int_equal(post(AZURE, b, buf_view(&big)).status, 200);
    buf_ch(&big, ' ');
    assert_int_equal(post(AZURE, b, buf_view(&big)).status, 413);
    assert_int_equal(post(AZURE, NULL, buf_view(&big)).status, 413);
    buf_free(&big);
}

static void addresses(void **state)
{
    struct call c;

    (void)state;
    publish("azure", "micro", ours, "k1");
    assert_int_equal(post("/m/hooks/azure/none", azure_bearer(), STR("{}")).status, 404);
    assert_int_equal(post("/m/hooks/gcp/micro", azure_bearer(), STR("{}")).status, 404);
    assert_int_equal(post("/m/hooks/aws/amazon", azure_bearer(), STR("{}")).status, 404);
    assert_int_equal(post("/m/hooks/gcp/nopush", azure_bearer(), STR("{}")).status, 404);
    begin(&c, AZURE, NULL, STR(""));
    c.req.method = REQ_GET;
    route_dispatch(&c.req);
    assert_string_equal(c.req.resp.allow, "POST");
    finish(&c);
    assert_int_equal(c.answer.status, 405);
}

/* One product's keys and tokens are nothing for another. */
static void products_apart(void **state)
{
    (void)state;
    publish("azure", "micro", ours, "k1");
    publish("gcp", "google", ours, "k1");
    assert_int_equal(post(GCP, azure_bearer(), STR("{\"message\":{}}")).status, 401);
    assert_int_equal(
        post(AZURE, bearer_of(ours, "k1", gcp_claims("accounts.google.com", AUD, PUSH, "true")),
             STR(BODY("op1", "Renew")))
            .status,
        401);
}

static void no_keys_yet(void **state)
{
    struct answer a;

    (void)state;
    for (int i = 0; i < 3; i++) {
        a = post(AZURE, azure_bearer(), STR(BODY("op1", "Renew")));
        assert_int_equal(a.status, 503);
        assert_int_equal(a.retry_after, 5);
    }
    OK(0, STORE_READY); /* the wish was sent after the answer, perhaps twice (NOSCRIPT) */
    OK(0, STORE_READY);
    assert_true(claim("market"));
    assert_string_equal(task, "keys:azure/micro");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_false(claim("market"));
    publish("azure", "micro", ours, "k1");
    age(0, HOOK_RETRY_MS, 0);
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op1", "Renew"))).status, 200);
}

static void rotation(void **state)
{
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op1", "Renew"))).status, 200);
    /* The set was fetched just now: a key that it does not know is nobody's. */
    b = bearer_of(theirs, "k2", azure_claims(V2, APP, TID, AZP, 0));
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 401);
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 401);
    /* An old set may not know a new key: nobody can tell until the worker has fetched. */
    age(0, 0, HOOK_REFETCH_MS);
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 503);
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op3", "Renew"))).status, 200);
    publish("azure", "micro", theirs, "k2");
    b = bearer_of(theirs, "k2", azure_claims(V2, APP, TID, AZP, 0));
    age(0, HOOK_RETRY_MS, 0);
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 200);
    /* The key that is gone is gone, also for tokens that were verified with it. */
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op4", "Renew"))).status, 401);
}

/* What was verified once is believed for as long as the token says, and no longer. */
static void tokens_end(void **state)
{
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    b = azure_bearer();
    assert_int_equal(post(AZURE, b, STR(BODY("op1", "Renew"))).status, 200);
    clock_set_offset_ms(3600 * 1000 + 290 * 1000); /* two clocks */
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 200);
    clock_set_offset_ms(3600 * 1000 + 310 * 1000);
    assert_int_equal(post(AZURE, b, STR(BODY("op3", "Renew"))).status, 401);
    clock_set_offset_ms(0);
    assert_string_equal(stored_field("azure", "op3\nRenew", "type"), "(not stored)");
}

/* Genuine, but good for longer than their makers ever made one. */
static void tokens_of_too_long_a_life(void **state)
{
    long long now = clock_wall_ms() / 1000;

    (void)state;
    publish("azure", "micro", ours, "k1");
    publish("gcp", "google", ours, "k1");
    buf_reset(&text);
    buf_fmt(&text,
            "{\"iss\":\"" V2 "\",\"aud\":\"" APP "\",\"tid\":\"" TID "\"," AZP
            ",\"iat\":%lld,\"exp\":%lld}",
            now, now + 26 * 3600);
    assert_int_equal(
        post(AZURE, bearer_of(ours, "k1", buf_cstr(&text)), STR(BODY("op1", "Renew"))).status, 401);
    buf_reset(&text);
    buf_fmt(&text,
            "{\"iss\":\"accounts.google.com\",\"aud\":\"" AUD "\",\"email\":\"" PUSH
            "\",\"email_verified\":true,\"iat\":%lld,\"exp\":%lld}",
            now, now + 3 * 3600);
    assert_int_equal(
        post(GCP, bearer_of(ours, "k1", buf_cstr(&text)), STR("{\"message\":{}}")).status, 401);
}

/* Two tokens that meet in one place of the table are still two. */
static void seen_is_the_whole_hash(void **state)
{
    uint8_t one[HASH_LEN] = {1, 2, 3, 4, 5}, other[HASH_LEN] = {1, 2, 3, 4, 6};
    struct hook_seen *seen;

    (void)state;
    assert_int_equal(hook_seen_new(7, &seen), 0);
    hook_seen_put(seen, one, 1000);
    assert_true(hook_seen_has(seen, one, 999));
    assert_false(hook_seen_has(seen, one, 1000));
    assert_false(hook_seen_has(seen, other, 999));
    hook_seen_free(&seen);
}

/* A set that is no longer published is not trusted either. */
static void a_set_that_is_gone(void **state)
{
    (void)state;
    publish("azure", "micro", ours, "k1");
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op1", "Renew"))).status, 200);
    RAW("DEL", "{p0}:keys:azure/micro");
    age(0, HOOK_RELOAD_MS, 0);
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op2", "Renew"))).status, 503);
}

/* Also without an unknown key a new set is seen within a minute. */
static void sets_are_read_again(void **state)
{
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    b = azure_bearer();
    assert_int_equal(post(AZURE, b, STR(BODY("op1", "Renew"))).status, 200);
    publish("azure", "micro", theirs, "k1");
    assert_int_equal(post(AZURE, b, STR(BODY("op2", "Renew"))).status, 200);
    age(0, HOOK_RELOAD_MS, 0);
    assert_int_equal(post(AZURE, b, STR(BODY("op3", "Renew"))).status, 401);
}

/* Its source is down: the last good set goes on, but not for ever. */
static void stale_sets(void **state)
{
    (void)state;
    publish("azure", "micro", ours, "k1");
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op1", "Renew"))).status, 200);
    age(0, 0, 2 * 86400000);
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op2", "Renew"))).status, 200);
    age(0, 0, HOOK_STALE_MS);
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op3", "Renew"))).status, 503);
}

static void broken_set(void **state)
{
    (void)state;
    publish("azure", "micro", ours, "k1");
    RAW("HSET", "{p0}:keys:azure/micro", "keys", "<html>busy</html>");
    assert_int_equal(post(AZURE, azure_bearer(), STR(BODY("op1", "Renew"))).status, 503);
}

/* Many at once: one look-up of the keys, one event. */
static void a_storm(void **state)
{
    enum { N = 200 };
    static struct call calls[N];
    const char *b;

    (void)state;
    publish("azure", "micro", ours, "k1");
    b = azure_bearer();
    for (int i = 0; i < N; i++) {
        begin(&calls[i], AZURE, b, STR(BODY("op1", "Unsubscribe")));
        route_dispatch(&calls[i].req);
    }
    for (int i = 0; i < N; i++) {
        finish(&calls[i]);
        assert_int_equal(calls[i].answer.status, 200);
    }
    assert_true(claim("market"));
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_false(claim("market"));
    assert_string_equal(RAW("HLEN", "{p0}:k:event:none"), "0");
}

static void keys_of_events(void **state)
{
    struct event_key a, b;
    char out[EVENT_TEXT];
    cJSON *j;

    (void)state;
    event_key(STR("gcp"), STR("T\nid"), 4, &a);
    event_key(STR("azure"), STR("T\nid"), 4, &b);
    assert_string_not_equal(a.dedupe, b.dedupe);
    assert_int_equal(strlen(a.id), 32);
    assert_true(a.shard < 4);
    j = cJSON_Parse("{\"eventId\":\"e\",\"eventType\":\"T\",\"id\":\"o\",\"action\":\"A\"}");
    assert_int_equal(event_text_gcp(j, out), 0);
    assert_string_equal(out, "T\ne");
    assert_int_equal(event_text_azure(j, out), 0);
    assert_string_equal(out, "o\nA");
    cJSON_DeleteItemFromObject(j, "eventType");
    assert_int_equal(event_text_gcp(j, out), 0);
    assert_string_equal(out, "\ne");
    cJSON_ReplaceItemInObject(j, "eventId", cJSON_CreateNumber(1));
    assert_int_equal(event_text_gcp(j, out), -ENOENT);
    cJSON_ReplaceItemInObject(j, "action", cJSON_CreateString("a\nb"));
    assert_int_equal(event_text_azure(j, out), -ENOENT);
    assert_int_equal(event_text_gcp(NULL, out), -ENOENT);
    cJSON_Delete(j);
}

static int configure(void)
{
    static const char yaml[] =
        "front: {public_url: https://buy.example, base: /m}\n"
        "marketplaces:\n"
        "  - {name: amazon, cloud: aws, product: A, product_code: p1, plans: {a: {"
        "deployment_template: t}}}\n"
        "  - {name: micro, cloud: azure, product: M, azure: {offer_id: o1, tenant_id: " TID
        ", client_id: BBBBBBBB-0000-4000-8000-000000000002, client_secret_file: /s},"
        " plans: {a: {deployment_template: t}}}\n"
        "  - {name: google, cloud: gcp, product: G, gcp: {provider_id: acme, product_name: g,"
        " audiences: [buy.example], push_audience: \"" AUD "\", push_account: " PUSH "},"
        " plans: {a: {deployment_template: t}}}\n"
        "  - {name: nopush, cloud: gcp, product: N, gcp: {provider_id: acme, product_name: n,"
        " audiences: [buy.example], subscription: projects/p/subscriptions/s},"
        " plans: {a: {deployment_template: t}}}\n"
        "deployment_templates: {t: {engine: exec, command: [/bin/true]}}\n";
    struct buf errors;
    int rc;

    buf_init(&errors, 65536);
    rc = config_parse("t.yaml", str_of(yaml), &cfg, &errors);
    if (rc)
        print_error("%s", buf_cstr(&errors));
    buf_free(&errors);
    return rc;
}

#define H(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        H(stored_once),
        H(azure_tokens),
        H(gcp_tokens),
        H(authorizations),
        H(bodies),
        H(sizes),
        H(addresses),
        H(products_apart),
        H(no_keys_yet),
        H(rotation),
        H(sets_are_read_again),
        H(stale_sets),
        H(tokens_end),
        H(tokens_of_too_long_a_life),
        H(seen_is_the_whole_hash),
        H(a_set_that_is_gone),
        H(broken_set),
        H(a_storm),
        H(keys_of_events),
        H(repetition_without_redis),
    };
    int rc;

    if (crypto_init() || configure())
        return 1;
    ours = EVP_RSA_gen(2048);
    theirs = EVP_RSA_gen(2048);
    buf_init(&keys_text, RIG_TEXT);
    buf_init(&head, RIG_TEXT);
    buf_init(&text, RIG_TEXT);
    buf_init(&auth, RIG_TEXT);
    rc = cmocka_run_group_tests(tests, group_setup, group_teardown);
    buf_free(&keys_text);
    buf_free(&head);
    buf_free(&text);
    buf_free(&auth);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    config_free(&cfg);
    return rc;
}
