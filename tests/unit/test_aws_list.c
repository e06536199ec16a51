/* The aws channel's list of agreements against tests/peer/aws_fake.py, which refuses any request
 * that the Agreement API does not document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "market/market.h"
#include "peer.h"

#define ID "l-1f0e8a2b3c4d4e5f8a9b0c1d2e3f4a5b"

static uv_loop_t loop;
static struct http *http;
static struct peer peer;
static char origin[64];
static struct cfg_market cfg;
static struct market *market;

static struct {
    unsigned calls, pages;
    enum market_class cls;
    char code[64], next[64];
    struct buf text; /* a line per agreement */
    int64_t bought, starts, ends, read;
} got;

static void on_page(void *arg, const struct market_page *p)
{
    (void)arg;
    got.calls++;
    got.pages++;
    got.cls = p->cls;
    snprintf(got.code, sizeof(got.code), "%s", p->code);
    snprintf(got.next, sizeof(got.next), "%s", p->next);
    for (size_t i = 0; i < p->n; i++) {
        const struct market_purchase *m = &p->purchases[i];

        assert_int_equal(m->standing, STANDING_UNKNOWN);
        assert_string_equal(m->product_code, cfg.product_code);
        buf_fmt(&got.text, "%s %s %s %s%s %zu\n", m->status, m->agreement, m->purchase,
                m->granted ? "granted" : "not", m->known_entitlements ? " known" : "",
                m->nentitlements);
        got.bought = m->bought_ms;
        got.starts = m->starts_ms;
        got.ends = m->ends_ms;
        got.read = m->read_ms;
    }
}

static void page(const char *word)
{
    char at[64];

    snprintf(at, sizeof(at), "%s", word);
    got.calls = 0;
    market_aws.list(market, at, on_page, NULL);
    assert_int_equal(got.calls, 0);
    while (got.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
}

static const char *walk(void)
{
    got.pages = 0;
    buf_reset(&got.text);
    page("");
    while (got.cls == MARKET_OK && got.next[0])
        page(got.next);
    return buf_cstr(&got.text);
}

static void open_market(void)
{
    const char *err;

    if (market)
        market_aws.close(market);
    assert_int_equal(market_aws.open(&loop, http, &cfg, &market, &err), 0);
}

static int start(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDSTATIC", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "static-secret", 1);
    unsetenv("AWS_SESSION_TOKEN");
    uv_loop_init(&loop);
    if (!peer_start(&peer, "tests/peer/aws_fake.py", NULL, NULL))
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/aws_fake.py\n");
    snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", (unsigned)peer.port);
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
    cfg = (struct cfg_market){.name = "acme",
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
                              .queue_url = "",
                              .sns_cert_file = "",
                              .credentials_file = "",
                              .profile = "",
                              .role_arn = "",
                              .external_id = ""};
    memset(&got, 0, sizeof(got));
    buf_init(&got.text, 65536);
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
    buf_free(&got.text);
    uv_run(&loop, UV_RUN_DEFAULT);
    return 0;
}

static void need_peer(void)
{
    if (!peer.port)
        skip();
}

/* Seven statuses, two of them with a second page; the superseded ones first. */
static void every_status_and_page(void **state)
{
    (void)state;
    need_peer();
    assert_string_equal(walk(), "RENEWED agmt-old  not 0\n"
                                "ACTIVE agmt-1 " ID " granted known 4\n"
                                "ACTIVE agmt-payg " ID " granted known 4\n"
                                "ACTIVE agmt-secret " ID " granted known 4\n"
                                "ACTIVE agmt-later  not 0\n"
                                "CANCELLED agmt-ended  not 0\n");
    assert_int_equal(got.cls, MARKET_OK);
    assert_int_equal(got.pages, 9);
    assert_true(got.bought == 1780315100500 && got.starts == 1780315200000);
    assert_true(got.ends == 1780315300000 && got.read > got.ends);
}

/* Without GetAgreementEntitlements only what the list itself names has a licence. */
static void a_refused_side_question_is_told(void **state)
{
    (void)state;
    need_peer();
    page("2:n1");
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.code, "AccessDeniedException");
    assert_string_equal(buf_cstr(&got.text), "ACTIVE agmt-secret " ID " granted known 4\n"
                                             "ACTIVE agmt-later  not 0\n");
    assert_string_equal(got.next, "3:");
}

static void usage_is_granted_by_the_licence(void **state)
{
    (void)state;
    need_peer();
    cfg.contract = false;
    open_market();
    page("2:");
    assert_string_equal(buf_cstr(&got.text), "ACTIVE agmt-1 " ID " granted 0\n"
                                             "ACTIVE agmt-payg " ID " granted 0\n");
    assert_true(got.ends == 0);
}

static void failures_have_classes(void **state)
{
    (void)state;
    need_peer();
    cfg.product_id = "prod-denied";
    walk();
    assert_int_equal(got.cls, MARKET_CONFIG);
    assert_string_equal(got.code, "AccessDeniedException");
    cfg.product_id = "prod-endless";
    walk();
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "EndlessPages");
    page("7:");
    assert_int_equal(got.cls, MARKET_INVALID);
    cfg.product_id = "";
    walk();
    assert_int_equal(got.cls, MARKET_CONFIG);
    cfg.mode = CFG_LEGACY;
    walk();
    assert_string_equal(got.code, "NoList");
}

static const char *holdings(const char *account)
{
    struct market_purchase known = market_purchase_none;
    char id[16];

    snprintf(id, sizeof(id), "%s", account);
    known.account = id;
    got.calls = 0;
    buf_reset(&got.text);
    market_aws.holdings(market, &known, on_page, NULL);
    memset(id, 'x', sizeof(id) - 1); /* it is the caller's again */
    assert_int_equal(got.calls, 0);
    while (got.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    return buf_cstr(&got.text);
}

#define ACCOUNT "845735284135"
#define OTHER   "l-ffff"

/* Of this account and product only; two pages, and each licence once. */
static void what_an_account_holds(void **state)
{
    (void)state;
    need_peer();
    assert_string_equal(holdings(ACCOUNT), "RENEWED agmt-old  not 0\n"
                                           "CANCELLED agmt-new  not 0\n"
                                           "  " ID " granted 0\n"
                                           "  " OTHER " granted 0\n");
    assert_int_equal(got.cls, MARKET_OK);
    assert_string_equal(got.code, "");
    assert_string_equal(got.next, "");
    cfg.contract = false;
    open_market();
    assert_string_equal(holdings(ACCOUNT), "RENEWED agmt-old  not 0\n"
                                           "CANCELLED agmt-new  not 0\n");
    assert_true(got.bought == 1780316000000);
}

/* A partner's agreements, a listing without an id: its licences are known all the same. */
static void holdings_without_agreements(void **state)
{
    static const char *const products[] = {"prod-denied", ""};

    (void)state;
    need_peer();
    for (size_t i = 0; i < 2; i++) {
        cfg.product_id = products[i];
        open_market();
        assert_string_equal(holdings(ACCOUNT), "  " ID " granted 0\n"
                                               "  " OTHER " granted 0\n");
        assert_int_equal(got.cls, MARKET_OK);
        assert_string_equal(got.code, i == 0 ? "AccessDeniedException" : "");
    }
}

static void holdings_that_are_no_answer(void **state)
{
    (void)state;
    need_peer();
    holdings("000000000009");
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "EndlessPages");
    holdings("000000000006");
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "EndlessPages");
    holdings("000000000007");
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "ThrottlingException");
    holdings("");
    assert_int_equal(got.cls, MARKET_CONFIG);
    cfg.product_id = "prod-busy";
    holdings(ACCOUNT);
    assert_int_equal(got.cls, MARKET_RETRY);
    assert_string_equal(got.code, "ThrottlingException");
    cfg.mode = CFG_LEGACY;
    holdings(ACCOUNT);
    assert_string_equal(got.code, "NoList");
}

static void closing_ends_a_walk(void **state)
{
    (void)state;
    need_peer();
    got.calls = 0;
    market_aws.list(market, "2:", on_page, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    market_aws.close(market);
    market = NULL;
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.cls, MARKET_RETRY);
}

#define LIST_TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIST_TEST(every_status_and_page),           LIST_TEST(a_refused_side_question_is_told),
        LIST_TEST(usage_is_granted_by_the_licence), LIST_TEST(failures_have_classes),
        LIST_TEST(what_an_account_holds),           LIST_TEST(holdings_without_agreements),
        LIST_TEST(holdings_that_are_no_answer),     LIST_TEST(closing_ends_a_walk),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
