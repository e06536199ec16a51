/* the aws channel against tests/peer/aws_fake.py, which checks every signature by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "market/market.h"
#include "peer.h"

#define ID  "l-1f0e8a2b3c4d4e5f8a9b0c1d2e3f4a5b"
#define ARN "arn:aws:license-manager::294406891311:license:" ID

static uv_loop_t loop;
static struct http *http;
static struct peer peer;
static char origin[64], queue_url[128];
static struct cfg_market cfg;
static struct market *market;

static struct {
    unsigned calls;
    enum market_class cls;
    char code[64], purchase[128], license[128], status[32], offer[32], ents[256];
    char terms[64]; /* what the agreement grants */
    bool granted, known, trial;
    size_t n;
    int64_t starts, ends;
} got;

static void on_result(void *arg, const struct market_result *r)
{
    const struct market_purchase *p = &r->purchase;
    size_t at = 0;

    (void)arg;
    memset(&got, 0, sizeof(got));
    got.calls++;
    got.cls = r->cls;
    snprintf(got.code, sizeof(got.code), "%s", r->code);
    snprintf(got.purchase, sizeof(got.purchase), "%s", p->purchase);
    snprintf(got.license, sizeof(got.license), "%s", p->license);
    snprintf(got.status, sizeof(got.status), "%s", p->status);
    snprintf(got.offer, sizeof(got.offer), "%s", p->offer);
    for (size_t i = 0; i < p->nentitlements; i++)
        at += (size_t)snprintf(got.ents + at, sizeof(got.ents) - at, "%s=%s;",
                               p->entitlements[i].dimension, p->entitlements[i].value);
    at = 0;
    got.terms[0] = '\0';
    for (size_t i = 0; i < p->nterms; i++)
        at += (size_t)snprintf(got.terms + at, sizeof(got.terms) - at, "%s=%s;",
                               p->terms[i].dimension, p->terms[i].value);
    got.n = p->nentitlements;
    got.granted = p->granted;
    got.known = p->known_entitlements;
    got.trial = p->trial;
    got.starts = p->starts_ms;
    got.ends = p->ends_ms;
}

static void spin(const unsigned *calls)
{
    while (*calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
}

static void resolve(const char *token)
{
    got.calls = 0;
    market_aws.resolve(market, str_of(token), 0, on_result, NULL);
    assert_int_equal(got.calls, 0);
    spin(&got.calls);
}

static void refresh(const struct market_purchase *known)
{
    got.calls = 0;
    market_aws.refresh(market, known, on_result, NULL);
    assert_int_equal(got.calls, 0);
    spin(&got.calls);
}

static void open_market(void)
{
    const char *err;

    assert_int_equal(market_aws.open(&loop, http, &cfg, &market, &err), 0);
}

static void reopen(void)
{
    market_aws.close(market);
    open_market();
}

/* --- talking to the peer beside the channel ------------------------------------------------ */

static struct {
    unsigned calls;
    char body[65536];
} side;

static void on_side(void *arg, const struct http_reply *r)
{
    (void)arg;
    side.calls++;
    (void)str_copy(r->body, side.body, sizeof(side.body));
}

static const char *ask_peer(const char *method, const char *path, const char *body)
{
    char url[128];
    struct http_request rq = {.method = method, .url = url, .allow = HTTP_LOOPBACK};

    snprintf(url, sizeof(url), "%s%s", origin, path);
    rq.body = str_of(body);
    side.calls = 0;
    http_start(http, &rq, on_side, NULL);
    spin(&side.calls);
    return side.body;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

static int start(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    if (!peer_start(&peer, "tests/peer/aws_fake.py", NULL, NULL)) {
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/aws_fake.py\n");
        return 0;
    }
    snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", peer.port);
    snprintf(queue_url, sizeof(queue_url), "%s/123456789012/events", origin);
    setenv("AWS_ACCESS_KEY_ID", "AKIDSTATIC", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "static-secret", 1);
    unsetenv("AWS_SESSION_TOKEN");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (peer.port)
        peer_stop(&peer);
    return uv_loop_close(&loop);
}

static int open_all(void **state)
{
    (void)state;
    cfg = (struct cfg_market){
        .name = "acme",
        .channel = "aws",
        .product_code = "n0123examplexxxxxxxxxxxx",
        .product_id = "prod-qtwveexample",
        .mode = CFG_CONCURRENT,
        .contract = true,
        .region = "us-east-1",
        .metering_endpoint = origin,
        .entitlement_endpoint = origin,
        .agreement_endpoint = origin,
        .sqs_endpoint = "",
        .sts_endpoint = origin,
        .queue_url = queue_url,
        .sns_cert_file = "",
        .credentials_file = "",
        .profile = "",
        .role_arn = "",
        .external_id = "",
    };
    if (http_open(&loop, 16, 8, &http))
        return -1;
    if (peer.port)
        open_market();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    if (market)
        market_aws.close(market);
    market = NULL;
    http_close(&http);
    uv_run(&loop, UV_RUN_DEFAULT);
    clock_set_offset_ms(0);
    return 0;
}

static void need_peer(void)
{
    if (!peer.port)
        skip();
}

static void resolves_with_every_page(void **state)
{
    (void)state;
    need_peer();
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.purchase, ID);
    assert_string_equal(got.license, ARN);
    assert_true(got.granted && got.known);
    assert_string_equal(got.ents, "seats=25;sso=true;ratio=1.5;tier=gold;");
    assert_true(got.ends == 1811851200500);
}

static void usage_pricing_waits_for_events(void **state)
{
    (void)state;
    need_peer();
    cfg.contract = false;
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_OK);
    assert_false(got.granted || got.known);
    cfg.queue_url = "";
    reopen();
    resolve("ok+/=%2B");
    assert_true(got.granted);
}

static void legacy_mode(void **state)
{
    (void)state;
    need_peer();
    cfg.mode = CFG_LEGACY;
    cfg.contract = false;
    resolve("legacy");
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.purchase, "n0123examplexxxxxxxxxxxx/X01EXAMPLEX");
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_CONFIG);
    assert_string_equal(got.code, "NoCustomerIdentifier");
    cfg.mode = CFG_CONCURRENT;
    resolve("legacy");
    assert_int_equal(got.cls, MARKET_CONFIG);
    assert_string_equal(got.code, "NoLicenseArn");
}

static void errors_have_classes(void **state)
{
    static const struct {
        const char *token;
        enum market_class cls;
        const char *code;
    } rows[] = {
        {"expired", MARKET_EXPIRED, "ExpiredTokenException"},
        {"invalid", MARKET_INVALID, "InvalidTokenException"},
        {"throttled", MARKET_RETRY, "ThrottlingException"},
        {"denied", MARKET_CONFIG, "AccessDeniedException"},
        {"disabled", MARKET_CONFIG, "DisabledApiException"},
        {"broken", MARKET_RETRY, "InternalServiceErrorException"},
        {"naked", MARKET_RETRY, "Http503"},
        {"slow", MARKET_RETRY, "Http429"},
        {"cut", MARKET_RETRY, "MalformedReply"},
        {"html", MARKET_RETRY, "MalformedReply"},
        {"array", MARKET_RETRY, "MalformedReply"},
        {"evil", MARKET_RETRY, "MalformedReply"},
        {"noid", MARKET_CONFIG, "NoLicenseArn"},
        {"other", MARKET_PRODUCT, "OtherProduct"},
        {"", MARKET_INVALID, ""},
        {"\xff", MARKET_INVALID, ""},
    };

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        resolve(rows[i].token);
        if (got.cls != rows[i].cls)
            print_error("%s: %d %s\n", rows[i].token, (int)got.cls, got.code);
        assert_int_equal(got.cls, rows[i].cls);
        assert_string_equal(got.code, rows[i].code);
        assert_string_equal(got.purchase, "");
    }
}

/* The process clock is an hour behind: the first answer teaches it, the second call is signed
 * right at once. */
static void a_wrong_clock_is_corrected(void **state)
{
    unsigned before;

    (void)state;
    need_peer();
    cfg.contract = false;
    clock_set_offset_ms(-3600000);
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_OK);
    before = count(ask_peer("GET", "/state", ""), "InvalidSignatureException");
    assert_true(before >= 1);
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(count(ask_peer("GET", "/state", ""), "InvalidSignatureException"), before);
}

static void a_wrong_key_is_configuration(void **state)
{
    (void)state;
    need_peer();
    setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
    reopen();
    resolve("ok+/=%2B");
    setenv("AWS_SECRET_ACCESS_KEY", "static-secret", 1);
    assert_int_equal(got.cls, MARKET_CONFIG);
    assert_string_equal(got.code, "SignatureDoesNotMatch");
}

/* Our own session ends early: the same code as an old buyer's token, but mended in silence. */
static void an_expired_session_is_renewed(void **state)
{
    char url[128], key[16];
    const char *text;
    cJSON *j;
    int64_t n;

    (void)state;
    need_peer();
    unsetenv("AWS_ACCESS_KEY_ID");
    snprintf(url, sizeof(url), "%s/creds", origin);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    cfg.contract = false;
    reopen();
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_OK);
    text = ask_peer("GET", "/state", "");
    assert_int_equal(json_parse(str_of(text), 65536, &j), 0);
    assert_int_equal(json_int(j, "keys", &n), 0);
    cJSON_Delete(j);
    snprintf(key, sizeof(key), "ASIA%d", (int)n);
    ask_peer("POST", "/kill", key);
    resolve("ok+/=%2B");
    assert_int_equal(got.cls, MARKET_OK);
    /* With fresh credentials the code can only mean the buyer's token. */
    resolve("expired");
    assert_int_equal(got.cls, MARKET_EXPIRED);
    setenv("AWS_ACCESS_KEY_ID", "AKIDSTATIC", 1);
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

static void no_credentials_no_call(void **state)
{
    (void)state;
    need_peer();
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    reopen();
    resolve("ok+/=%2B");
    setenv("AWS_ACCESS_KEY_ID", "AKIDSTATIC", 1);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    assert_int_equal(got.cls, MARKET_CONFIG);
    assert_string_equal(got.code, "NoCredentials");
}

static struct market_purchase purchase(void)
{
    struct market_purchase p = market_purchase_none;

    p.purchase = ID;
    p.license = ARN;
    p.account = "845735284135";
    return p;
}

static void refresh_reads_agreement_and_terms(void **state)
{
    struct market_purchase p = purchase();

    (void)state;
    need_peer();
    p.agreement = "agmt-trial";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.status, "ACTIVE");
    assert_string_equal(got.offer, "offer-1");
    assert_true(got.trial && got.granted && got.known);
    assert_string_equal(got.terms, "seats=25;sso=1;");
    assert_int_equal(got.n, 4);
    assert_true(got.starts == 1780315200000 && got.ends == 1811851200500);

    cfg.contract = false;
    p.granted = true;
    p.agreement = "agmt-payg";
    refresh(&p);
    assert_false(got.trial);
    assert_true(got.granted && got.ends == 0);
    p.agreement = "agmt-ended";
    refresh(&p);
    assert_false(got.granted);
    assert_string_equal(got.status, "TERMINATED");
}

static void refresh_goes_on_without_side_answers(void **state)
{
    struct market_purchase p = purchase();

    (void)state;
    need_peer();
    p.agreement = "agmt-denied";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.code, "AccessDeniedException");
    assert_true(got.granted);
    p.agreement = "agmt-gone";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.code, "ResourceNotFoundException");
}

/* An event told of the agreement, its "License Updated" was lost. */
static void refresh_finds_the_licence(void **state)
{
    struct market_purchase p = purchase();

    (void)state;
    need_peer();
    p.purchase = p.license = "";
    p.agreement = "agmt-1";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.purchase, ID);
    assert_string_equal(got.license, ARN);
    assert_true(got.granted);
    /* The ARN form of some events is not sent back: the account is asked for instead. */
    p.license = "aws:license-manager:us-east-1:294406891311:" ID;
    p.agreement = "";
    refresh(&p);
    assert_int_equal(got.n, 4);
}

static void legacy_entitlements(void **state)
{
    struct market_purchase p = purchase();

    (void)state;
    need_peer();
    cfg.mode = CFG_LEGACY;
    p.customer = "X01EXAMPLEX";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(got.n, 5);
    p.customer = "NOBODY";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_OK);
    assert_true(got.known && !got.granted && got.n == 0);
    p.customer = "FOREVER";
    refresh(&p);
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "EndlessPages");
}

static struct {
    unsigned calls, acks;
    enum market_class cls, ack_cls;
    size_t n;
    struct {
        int rc;
        unsigned deliveries;
        enum market_event_kind kind;
        char receipt[32], dedupe[64], purchase[64];
        int64_t time;
    } m[10];
} polled;

static void on_batch(void *arg, const struct market_batch *b)
{
    (void)arg;
    polled.calls++;
    polled.cls = b->cls;
    polled.n = b->n;
    for (size_t i = 0; i < b->n; i++) {
        const struct market_message *m = &b->messages[i];

        polled.m[i].rc = m->rc;
        polled.m[i].deliveries = m->deliveries;
        polled.m[i].kind = m->event.kind;
        polled.m[i].time = m->event.time_ms;
        snprintf(polled.m[i].receipt, 32, "%s", m->receipt);
        snprintf(polled.m[i].dedupe, 64, "%s", m->event.dedupe);
        snprintf(polled.m[i].purchase, 64, "%s", m->event.purchase);
    }
}

static void on_ack(void *arg, enum market_class cls)
{
    (void)arg;
    polled.acks++;
    polled.ack_cls = cls;
}

static void put(const char *id, const char *body)
{
    struct buf b;
    struct jsonw w;

    buf_init(&b, 65536);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "MessageId", str_of(id));
    jsonw_key(&w, "ReceiptHandle");
    jsonw_str(&w, str_of(id));
    jsonw_kvs(&w, "Body", str_of(body));
    jsonw_key(&w, "Attributes");
    jsonw_obj(&w);
    jsonw_kvs(&w, "ApproximateReceiveCount", STR("3"));
    jsonw_kvs(&w, "SentTimestamp", STR("1780315200000"));
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    ask_peer("POST", "/put", buf_cstr(&b));
    buf_free(&b);
}

static void poll_once(void)
{
    memset(&polled, 0, sizeof(polled));
    market_aws.poll(market, on_batch, NULL);
    assert_int_equal(polled.calls, 0);
    spin(&polled.calls);
}

static void polls_and_acknowledges(void **state)
{
    (void)state;
    need_peer();
    put("m1", "{\"source\":\"aws.agreement-marketplace\",\"id\":\"e1\",\"time\":"
              "\"2026-06-01T12:00:00Z\",\"detail-type\":\"License Updated - Manufacturer\","
              "\"detail\":{\"requestId\":\"r\",\"agreement\":{\"id\":\"agmt-1\"},\"license\":"
              "{\"arn\":\"" ARN "\"}}}");
    put("m2", "not json");
    put("m3", "{\"action\":\"subscribe-success\",\"customer-identifier\":\"C\",\"product-code\":"
              "\"P\"}");
    poll_once();
    assert_int_equal(polled.cls, MARKET_OK);
    assert_int_equal(polled.n, 3);
    assert_int_equal(polled.m[0].rc, 0);
    assert_int_equal(polled.m[0].kind, EVENT_ENTITLEMENT_CHANGED);
    assert_int_equal(polled.m[0].deliveries, 3);
    assert_string_equal(polled.m[0].purchase, ID);
    assert_int_equal(polled.m[1].rc, -EBADMSG);
    assert_string_equal(polled.m[1].dedupe, "m2");
    assert_int_equal(polled.m[2].rc, 0);
    assert_string_equal(polled.m[2].dedupe, "m3");
    assert_true(polled.m[2].time == 1780315200000);
    market_aws.ack(market, "m1", on_ack, NULL);
    assert_int_equal(polled.acks, 0);
    spin(&polled.acks);
    assert_int_equal(polled.ack_cls, MARKET_OK);
    assert_non_null(strstr(ask_peer("GET", "/state", ""), "\"deleted\": [\"m1\"]"));
    poll_once();
    assert_int_equal(polled.cls, MARKET_OK);
    assert_int_equal(polled.n, 0);
}

/* A queue may answer with more than it was asked for, and with what lacks its attributes; a message
 * without a receipt could never be acknowledged. */
static void polls_no_more_than_it_asked_for(void **state)
{
    static char flood[128];
    int64_t before = clock_wall_ms();

    (void)state;
    need_peer();
    snprintf(flood, sizeof(flood), "%s/123456789012/flood", origin);
    cfg.queue_url = flood;
    reopen();
    poll_once();
    assert_int_equal(polled.cls, MARKET_OK);
    assert_int_equal(polled.n, 10);
    assert_string_equal(polled.m[0].receipt, "r2");
    assert_string_equal(polled.m[9].receipt, "r11");
    assert_int_equal(polled.m[0].deliveries, 1);
    assert_string_equal(polled.m[0].dedupe, "f2");
    assert_true(polled.m[0].time >= before && polled.m[0].time <= clock_wall_ms());
    cfg.queue_url = queue_url;
}

static void a_missing_queue_is_configuration(void **state)
{
    (void)state;
    need_peer();
    snprintf(queue_url + strlen(queue_url), 8, "-other");
    reopen();
    poll_once();
    queue_url[strlen(queue_url) - 6] = '\0';
    assert_int_equal(polled.cls, MARKET_CONFIG);
    cfg.queue_url = "";
    reopen();
    poll_once();
    assert_int_equal(polled.cls, MARKET_CONFIG);
}

static void closing_answers_everybody(void **state)
{
    (void)state;
    need_peer();
    got.calls = 0;
    market_aws.resolve(market, STR("ok+/=%2B"), 0, on_result, NULL);
    market_aws.close(market);
    market = NULL;
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.cls, MARKET_RETRY);
    open_market();
    got.calls = 0;
    market_aws.resolve(market, STR("ok+/=%2B"), 0, on_result, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    market_aws.close(market);
    market = NULL;
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.cls, MARKET_RETRY);
}

#define AWS_TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AWS_TEST(resolves_with_every_page),
        AWS_TEST(usage_pricing_waits_for_events),
        AWS_TEST(legacy_mode),
        AWS_TEST(errors_have_classes),
        AWS_TEST(a_wrong_clock_is_corrected),
        AWS_TEST(a_wrong_key_is_configuration),
        AWS_TEST(an_expired_session_is_renewed),
        AWS_TEST(no_credentials_no_call),
        AWS_TEST(refresh_reads_agreement_and_terms),
        AWS_TEST(refresh_goes_on_without_side_answers),
        AWS_TEST(refresh_finds_the_licence),
        AWS_TEST(legacy_entitlements),
        AWS_TEST(polls_and_acknowledges),
        AWS_TEST(polls_no_more_than_it_asked_for),
        AWS_TEST(a_missing_queue_is_configuration),
        AWS_TEST(closing_answers_everybody),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
