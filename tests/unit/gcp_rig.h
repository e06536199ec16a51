/* gcp_rig: the gcp channel against tests/peer/gcp_fake.py, with keys made here. */
#ifndef LM_TEST_GCP_RIG_H
#define LM_TEST_GCP_RIG_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/jwt.h"
#include "market/gcp.h"
#include "peer.h"

#define PRODUCT "acme.endpoints.acme-public.cloud.goog"
#define EMAIL   "worker@acme.iam.gserviceaccount.com"

static uv_loop_t loop;
static struct http *http;
static struct peer peer;
static struct cfg_market cfg;
static struct market *market;
static char origin[64], at_api[96], at_pubsub[96], at_certs[96], at_token[96], at_sts[96],
    at_iam[96], at_meta[96], dir[64], key_file[96];
static const char *const audiences[] = {"saas.example", "second.example", NULL};

static struct {
    unsigned calls;
    struct market_result r;
    char code[128], purchase[132], account[132], plan[64], pending[64], change[64], usage[64],
        term[32], user[132], product[132], next[64], list[256];
    enum market_class cls;
    uint64_t retry_after_ms;
    struct {
        char dedupe[200], purchase[132], receipt[64], type[64];
        enum market_event_kind kind;
        int rc;
    } msg[8];
    size_t n, unattended;
    struct buf keys;
    uint64_t ttl_ms;
} got;

/* --- keys -------------------------------------------------------------------------------- */

struct rig_key {
    EVP_PKEY *pkey;
    struct jwt_key *sign;
    char pem[4096], cert[4096], modulus[1100];
};

static inline void rig_text(BIO *b, char *out, size_t cap)
{
    char *p;
    long n = BIO_get_mem_data(b, &p);

    if (str_copy(str_make(p, (size_t)n), out, cap))
        abort();
    BIO_free(b);
}

static inline void rig_key_make(struct rig_key *k)
{
    BIO *b = BIO_new(BIO_s_mem()), *c = BIO_new(BIO_s_mem());
    X509 *x = X509_new();
    BIGNUM *n = NULL;
    char *hex;

    k->pkey = EVP_RSA_gen(2048);
    PEM_write_bio_PKCS8PrivateKey(b, k->pkey, NULL, NULL, 0, NULL, NULL);
    rig_text(b, k->pem, sizeof(k->pem));
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, k->pkey);
    X509_sign(x, k->pkey, EVP_sha256());
    PEM_write_bio_X509(c, x);
    rig_text(c, k->cert, sizeof(k->cert));
    X509_free(x);
    EVP_PKEY_get_bn_param(k->pkey, "n", &n);
    hex = BN_bn2hex(n);
    (void)str_copy(str_of(hex), k->modulus, sizeof(k->modulus));
    OPENSSL_free(hex);
    BN_free(n);
    if (jwt_key_load(str_of(k->pem), &k->sign))
        abort();
}

static inline void rig_key_free(struct rig_key *k)
{
    jwt_key_free(&k->sign);
    EVP_PKEY_free(k->pkey);
}

/* --- talking to the peer beside the channel ------------------------------------------------ */

static struct {
    unsigned calls;
    char body[65536];
} side;

static inline void rig_spin(const unsigned *calls)
{
    while (*calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
}

static inline void rig_on_side(void *arg, const struct http_reply *r)
{
    (void)arg;
    side.calls++;
    if (str_copy(r->body, side.body, sizeof(side.body)))
        side.body[0] = '\0';
}

static inline const char *rig_ask(const char *method, const char *path, const char *body)
{
    char url[128];
    struct http_request rq = {.method = method, .url = url, .allow = HTTP_LOOPBACK};

    snprintf(url, sizeof(url), "%s%s", origin, path);
    rq.body = str_of(body);
    side.calls = 0;
    http_start(http, &rq, rig_on_side, NULL);
    rig_spin(&side.calls);
    return side.body;
}

/* Merges into the peer's state and forgets its calls. Single quotes stand for double ones. */
static inline void rig_set(const char *text)
{
    char *json = strdup(text);

    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    rig_ask("POST", "/control", json);
    free(json);
}

static inline unsigned rig_count(const char *what)
{
    const char *text = rig_ask("GET", "/control", "");
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

static inline void rig_certs(const char *kid1, const struct rig_key *k1, const char *kid2,
                             const struct rig_key *k2)
{
    struct buf b;
    struct jsonw w;

    buf_init(&b, 16384);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_key(&w, "certs");
    jsonw_obj(&w);
    jsonw_kvs(&w, kid1, str_of(k1->cert));
    if (k2)
        jsonw_kvs(&w, kid2, str_of(k2->cert));
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    rig_ask("POST", "/control", buf_cstr(&b));
    buf_free(&b);
}

/* --- calls of the interface ---------------------------------------------------------------- */

#define KEEP(to, from) snprintf(to, sizeof(to), "%s", from)

static inline void rig_take(const struct market_purchase *p)
{
    KEEP(got.purchase, p->purchase);
    KEEP(got.account, p->account);
    KEEP(got.plan, p->plan);
    KEEP(got.pending, p->pending_plan);
    KEEP(got.change, p->change_id);
    KEEP(got.usage, p->usage_id);
    KEEP(got.term, p->term);
    KEEP(got.user, p->purchaser.object);
    KEEP(got.product, p->product_code);
}

static inline void rig_on_result(void *arg, const struct market_result *r)
{
    (void)arg;
    got.calls++;
    got.r = *r;
    got.cls = r->cls;
    got.retry_after_ms = r->retry_after_ms;
    KEEP(got.code, r->code);
    rig_take(&r->purchase);
}

static inline void rig_on_verb(void *arg, enum market_class cls, const char *code,
                               uint64_t retry_after_ms)
{
    (void)arg;
    got.calls++;
    got.cls = cls;
    got.retry_after_ms = retry_after_ms;
    KEEP(got.code, code);
}

static inline void rig_on_ack(void *arg, enum market_class cls)
{
    (void)arg;
    got.calls++;
    got.cls = cls;
}

static inline void rig_on_page(void *arg, const struct market_page *p)
{
    size_t at = 0;

    (void)arg;
    got.calls++;
    got.cls = p->cls;
    KEEP(got.code, p->code);
    KEEP(got.next, p->next);
    got.n = p->n;
    got.list[0] = '\0';
    for (size_t i = 0; i < p->n; i++)
        got.unattended += p->purchases[i].unattended;
    for (size_t i = 0; i < p->n && at < sizeof(got.list); i++)
        at +=
            (size_t)snprintf(got.list + at, sizeof(got.list) - at, "%s ", p->purchases[i].purchase);
}

static inline void rig_on_batch(void *arg, const struct market_batch *b)
{
    (void)arg;
    got.calls++;
    got.cls = b->cls;
    KEEP(got.code, b->code);
    got.n = b->n;
    for (size_t i = 0; i < b->n && i < 8; i++) {
        KEEP(got.msg[i].dedupe, b->messages[i].event.dedupe);
        KEEP(got.msg[i].purchase, b->messages[i].event.purchase);
        KEEP(got.msg[i].type, b->messages[i].event.type);
        KEEP(got.msg[i].receipt, b->messages[i].receipt);
        got.msg[i].kind = b->messages[i].event.kind;
        got.msg[i].rc = b->messages[i].rc;
    }
}

static inline void rig_on_keys(void *arg, enum market_class cls, const char *code, struct str keys,
                               uint64_t ttl_ms)
{
    (void)arg;
    got.calls++;
    got.cls = cls;
    KEEP(got.code, code);
    got.ttl_ms = ttl_ms;
    buf_str(&got.keys, keys);
}

static inline void rig_begin(void)
{
    buf_free(&got.keys);
    memset(&got, 0, sizeof(got));
    buf_init(&got.keys, 65536);
}

/* Also: nothing is called back from inside a call. */
static inline void rig_end(void)
{
    assert_int_equal(got.calls, 0);
    rig_spin(&got.calls);
    assert_int_equal(got.calls, 1);
}

static int64_t got_arrived_ms; /* when the token came; 0: now */

static inline void resolve(struct str token)
{
    rig_begin();
    market_gcp.resolve(market, token, got_arrived_ms, rig_on_result, NULL);
    rig_end();
}

static inline void refresh(const char *purchase)
{
    struct market_purchase known = market_purchase_none;

    rig_begin();
    known.purchase = purchase;
    market_gcp.refresh(market, &known, rig_on_result, NULL);
    rig_end();
}

static inline void tell(enum market_verb verb, const char *purchase, const char *account,
                        const char *change, const char *text)
{
    struct market_purchase known = market_purchase_none;

    rig_begin();
    known.purchase = purchase;
    known.account = account;
    known.change_id = change;
    market_gcp.tell(market, verb, &known, str_of(text), rig_on_verb, NULL);
    rig_end();
}

/* --- life -------------------------------------------------------------------------------- */

static inline void rig_open_market(void)
{
    const char *err;

    assert_int_equal(market_gcp.open(&loop, http, &cfg, &market, &err), 0);
}

static inline void rig_reopen(void)
{
    market_gcp.close(market);
    rig_open_market();
}

static inline void rig_write(const char *path, const char *text)
{
    assert_int_equal(file_write_atomic(path, str_of(text), 0600), 0);
}

static inline void rig_key_file(const struct rig_key *k)
{
    struct buf b;
    struct jsonw w;

    buf_init(&b, 16384);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "type", STR("service_account"));
    jsonw_kvs(&w, "client_email", STR(EMAIL));
    jsonw_kvs(&w, "private_key_id", STR("kid-1"));
    jsonw_kvs(&w, "private_key", str_of(k->pem));
    jsonw_kvs(&w, "token_uri", str_of(at_token));
    jsonw_obj_end(&w);
    rig_write(key_file, buf_cstr(&b));
    buf_free(&b);
}

static inline int rig_start(void **state)
{
    (void)state;
    crypto_init();
    uv_loop_init(&loop);
    snprintf(dir, sizeof(dir), "%s/lm-gcp-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(key_file, sizeof(key_file), "%s/key.json", dir);
    if (!peer_start(&peer, "tests/peer/gcp_fake.py", NULL, NULL)) {
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/gcp_fake.py\n");
        return 0;
    }
    snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", peer.port);
    snprintf(at_api, sizeof(at_api), "%s/gcp/procurement/", origin);
    snprintf(at_pubsub, sizeof(at_pubsub), "%s/gcp/pubsub", origin);
    snprintf(at_certs, sizeof(at_certs), "%s/certs/", origin);
    snprintf(at_token, sizeof(at_token), "%s/token", origin);
    snprintf(at_sts, sizeof(at_sts), "%s/sts", origin);
    snprintf(at_iam, sizeof(at_iam), "%s/iam", origin);
    snprintf(at_meta, sizeof(at_meta), "%s/metadata", origin);
    return 0;
}

static inline int rig_stop(void **state)
{
    (void)state;
    unlink(key_file);
    rmdir(dir);
    buf_free(&got.keys);
    if (peer.port)
        peer_stop(&peer);
    return uv_loop_close(&loop);
}

static inline int rig_open(void **state)
{
    (void)state;
    cfg = (struct cfg_market){
        .name = "acme",
        .channel = "gcp",
        .cloud = "gcp",
        .product_code = PRODUCT,
        .queue_url = "projects/p/subscriptions/s",
        .gcp = {.provider_id = "acme-public",
                .product_name = PRODUCT,
                .audiences = audiences,
                .subscription = "projects/p/subscriptions/s",
                .push_audience = "",
                .push_account = "",
                .credentials_file = "",
                .token_uri = "",
                .procurement_endpoint = at_api,
                .pubsub_endpoint = at_pubsub,
                .certs_endpoint = at_certs,
                .sts_endpoint = at_sts,
                .iam_endpoint = at_iam,
                .metadata_endpoint = at_meta},
    };
    if (http_open(&loop, 16, 8, &http))
        return -1;
    if (peer.port) {
        rig_set("{'accounts':{},'entitlements':{},'messages':[],'script':[],'page':200,"
                "'max_age':3600,'settle':'ENTITLEMENT_ACTIVE'}");
        rig_open_market();
    }
    return 0;
}

static inline int rig_close(void **state)
{
    (void)state;
    if (market)
        market_gcp.close(market);
    market = NULL;
    http_close(&http);
    uv_run(&loop, UV_RUN_DEFAULT);
    clock_set_offset_ms(0);
    return 0;
}

#endif
