/* azure_rig: a market_azure against tests/peer/scripted.py, and what it answered last. */
#ifndef LM_TEST_AZURE_RIG_H
#define LM_TEST_AZURE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "market/azure.h"
#include "scripted.h"

#define SUB "5ab50000-0000-4000-8000-000000000001"
#define OP  "7c1b2a30-0000-4000-8000-000000000001"
/* Rules of the peer. */
#define TOKEN_RULE                                                                                 \
    "{\"path\":\"/entra/tid/oauth2/v2.0/token\",\"body\":{\"access_token\":\"bearer-1\","          \
    "\"expires_in\":3600}}"
#define SUB_PATH "/api/saas/subscriptions/" SUB
#define SUB_BODY(status, more)                                                                     \
    "{\"id\":\"" SUB "\",\"offerId\":\"offer1\",\"planId\":\"silver\","                            \
    "\"saasSubscriptionStatus\":\"" status "\"" more "}"
#define GET_SUB(status, more)                                                                      \
    "{\"method\":\"GET\",\"path\":\"" SUB_PATH "\",\"body\":" SUB_BODY(status, more) "}"
#define OPERATION(action, status, source, more)                                                    \
    "{\"method\":\"GET\",\"path\":\"" SUB_PATH "/operations/" OP "\",\"body\":{\"id\":\"" OP       \
    "\",\"subscriptionId\":\"" SUB "\",\"action\":\"" action "\",\"status\":\"" status             \
    "\",\"operationRequestSource\":\"" source "\"" more "}}"

static struct {
    struct cfg_market cfg;
    struct market *market;
    char api[96], login[96], dir[64], secret[96];
    /* the last answer */
    unsigned calls, ok;
    enum market_class cls;
    char code[128];
    struct market_purchase p;
    struct arena *a;
    size_t n;
    char next[512];
    struct market_plan plans[16];
    size_t nplans;
    char keys[1 << 16];
    uint64_t ttl;
    struct market_identity who;
} az;

static inline const char *az_dup(const char *s)
{
    return arena_dup(az.a, str_of(s));
}

static inline void az_answer(enum market_class cls, const char *code)
{
    az.calls++;
    az.ok += cls == MARKET_OK;
    az.cls = cls;
    snprintf(az.code, sizeof(az.code), "%s", code);
}

static inline void az_on_result(void *arg, const struct market_result *r)
{
    struct market_purchase *p = &az.p;

    (void)arg;
    az_answer(r->cls, r->code);
    *p = r->purchase;
    p->purchase = az_dup(p->purchase);
    p->plan = az_dup(p->plan);
    p->term = az_dup(p->term);
    p->offer = az_dup(p->offer);
    p->status = az_dup(p->status);
    p->account = az_dup(p->account);
    p->product_code = az_dup(p->product_code);
    p->pending_plan = az_dup(p->pending_plan);
    p->change_id = az_dup(p->change_id);
    p->beneficiary.tenant = az_dup(p->beneficiary.tenant);
    p->beneficiary.object = az_dup(p->beneficiary.object);
    p->beneficiary.email = az_dup(p->beneficiary.email);
}

static inline void az_on_verb(void *arg, enum market_class cls, const char *code, uint64_t retry)
{
    (void)arg;
    (void)retry;
    az_answer(cls, code);
}

static inline void az_on_page(void *arg, const struct market_page *p)
{
    (void)arg;
    az_answer(p->cls, p->code);
    az.n += p->n;
    for (size_t i = 0; i < p->n; i++)
        assert_true(str_starts(str_of(p->purchases[i].offer), str_of(az.cfg.azure.offer_id)));
    snprintf(az.next, sizeof(az.next), "%s", p->next);
}

static inline void az_on_plans(void *arg, const struct market_plans *p)
{
    (void)arg;
    az_answer(p->cls, p->code);
    assert_true(p->n == 0 || p->cls == MARKET_OK);
    az.nplans = p->n;
    for (size_t i = 0; i < p->n && i < 16; i++) {
        az.plans[i] = p->plans[i];
        az.plans[i].id = az_dup(p->plans[i].id);
        az.plans[i].title = az_dup(p->plans[i].title);
    }
}

static inline void az_on_keys(void *arg, enum market_class cls, const char *code, struct str keys,
                              uint64_t ttl)
{
    (void)arg;
    az_answer(cls, code);
    (void)str_copy(keys, az.keys, sizeof(az.keys));
    az.ttl = ttl;
}

static inline void az_on_identity(void *arg, enum market_class cls, const char *code,
                                  const struct market_identity *who)
{
    (void)arg;
    az_answer(cls, code);
    assert_true((cls == MARKET_OK) == (who != NULL));
    az.who = (struct market_identity){"", "", "", ""};
    if (who)
        az.who = (struct market_identity){az_dup(who->tenant), az_dup(who->object),
                                          az_dup(who->name), az_dup(who->email)};
}

static inline void az_begin(void)
{
    az.calls = az.ok = 0;
}

static inline void az_wait(void)
{
    assert_int_equal(az.calls, 0);
    scripted_spin(&az.calls, 1);
}

static inline void az_resolve(const char *token)
{
    az_begin();
    market_azure.resolve(az.market, str_of(token), 0, az_on_result, NULL);
    az_wait();
}

static inline void az_refresh(const char *id, const char *change)
{
    struct market_purchase known = market_purchase_none;

    known.purchase = id;
    known.change_id = change;
    az_begin();
    market_azure.refresh(az.market, &known, az_on_result, NULL);
    az_wait();
}

static inline void az_tell(enum market_verb verb, uint64_t quantity, const char *text)
{
    struct market_purchase known = market_purchase_none;

    known.purchase = SUB;
    known.plan = "silver";
    known.quantity = quantity;
    known.change_id = OP;
    az_begin();
    market_azure.tell(az.market, verb, &known, str_of(text), az_on_verb, NULL);
    az_wait();
}

static inline void az_plans(const char *id, enum market_standing standing)
{
    struct market_purchase known = market_purchase_none;

    known.purchase = id;
    known.standing = standing;
    az_begin();
    market_azure.plans(az.market, &known, az_on_plans, NULL);
    az_wait();
}

static inline void az_open(void)
{
    const char *err;

    assert_int_equal(market_azure.open(&sc.loop, sc.http, &az.cfg, &az.market, &err), 0);
}

static inline void az_reopen(void)
{
    market_azure.close(az.market);
    az_open();
}

static inline void az_write(const char *name, const char *text, char *path, size_t cap)
{
    snprintf(path, cap, "%s/%s", az.dir, name);
    assert_int_equal(file_write_atomic(path, str_of(text), 0600), 0);
}

static inline int az_setup(void **state)
{
    (void)state;
    snprintf(az.dir, sizeof(az.dir), "%s/azure-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(az.dir) || http_open(&sc.loop, 64, 64, &sc.http))
        return -1;
    az.a = arena_new(4096, 1 << 22);
    az_write("secret", "s3cr&t\n", az.secret, sizeof(az.secret));
    snprintf(az.api, sizeof(az.api), "%s/api/", sc.origin);
    snprintf(az.login, sizeof(az.login), "%s/entra", sc.origin);
    az.cfg = (struct cfg_market){.name = "acme", .channel = "azure", .product_code = "offer1"};
    az.cfg.azure = (struct cfg_azure){.offer_id = "offer1",
                                      .tenant_id = "tid",
                                      .client_id = "app",
                                      .client_secret_file = az.secret,
                                      .certificate_file = "",
                                      .key_file = "",
                                      .sign_in_client_id = "sign-in-app",
                                      .sign_in_secret_file = "",
                                      .api_endpoint = az.api,
                                      .login_endpoint = az.login};
    if (sc.peer.port)
        az_open();
    return 0;
}

static inline int az_teardown(void **state)
{
    (void)state;
    if (az.market)
        market_azure.close(az.market);
    az.market = NULL;
    http_close(&sc.http);
    uv_run(&sc.loop, UV_RUN_DEFAULT);
    arena_free(&az.a);
    for (const char *const *f = (const char *const[]){"secret", "cert.pem", "key.pem", NULL}; *f;
         f++) {
        char path[96];

        snprintf(path, sizeof(path), "%s/%s", az.dir, *f);
        unlink(path);
    }
    return rmdir(az.dir);
}

/* The n-th request of the peer's log to a path that begins so, in `log`; NULL: none. */
static inline const cJSON *az_request(const cJSON *log, const char *method, const char *path, int n)
{
    const cJSON *e;

    cJSON_ArrayForEach(e, log)
    {
        if (str_is(json_str(e, "method"), method) &&
            str_starts(json_str(e, "target"), str_of(path)) && n-- == 0)
            return e;
    }
    return NULL;
}

static inline int az_requests(const char *method, const char *path)
{
    cJSON *log = scripted_log();
    int n = 0;

    while (az_request(log, method, path, n))
        n++;
    cJSON_Delete(log);
    return n;
}

/* A file of the vendors' data as JSON; NULL (and skip() is due) where it is not at hand. */
static inline cJSON *az_contract(const char *name)
{
    const char *dir = getenv("LASTMILE_CONTRACTS");
    cJSON *j = NULL;
    char path[512];
    struct buf b;

    snprintf(path, sizeof(path), "%s/azure/%s", dir ? dir : "../shared/contracts", name);
    buf_init(&b, 4 << 20);
    if (file_read(path, &b) == 0)
        j = cJSON_Parse(buf_cstr(&b));
    else
        fprintf(stderr, "skipped: no %s (set LASTMILE_CONTRACTS)\n", path);
    buf_free(&b);
    return j;
}

#define NEED_PEER()                                                                                \
    if (!sc.peer.port)                                                                             \
    skip()

#endif
