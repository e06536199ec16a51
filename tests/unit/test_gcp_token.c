/* Sign-up tokens: when they count, hostile ones, and the certificates they are checked with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/hmac.h>
#include <sys/socket.h>

#include "gcp_tokens.h"

static struct rig_key google, second, attacker;

/* --- making tokens ------------------------------------------------------------------------- */

static void sign_hmac(const char *secret)
{
    unsigned char sig[64];
    unsigned n = sizeof(sig);

    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)token.p, token.len, sig,
         &n);
    buf_ch(&token, '.');
    enc_b64url(&token, sig, n);
}

/* Certificates at hand that every token of the test is older than, however slow the machine. */
static void prime(void)
{
    make(HEAD, "", "", &google);
    go();
    gcp_of(market)->certs.asked_ms = clock_wall_ms() + 3600000;
}

/* --- what a token becomes -------------------------------------------------------------------- */

/* Google could not be asked while the token was good: the buyer came in time all the same. */
static void what_counts_is_when_it_came(void **state)
{
    int64_t now = clock_wall_ms();

    (void)state;
    need_peer();
    rig_set("{'accounts':{'a1':'PENDING'},'entitlements':{'e1':{" MINE
            ",'state':'ENTITLEMENT_ACTIVATION_REQUESTED'}}}");
    make(HEAD, "", "", &google);
    clock_set_offset_ms(3600 * 1000);
    go();
    expect(MARKET_EXPIRED, "expired");
    got_arrived_ms = now + 2000;
    go();
    expect(MARKET_OK, "");
    assert_string_equal(got.purchase, "e1");
    got_arrived_ms = now + 600 * 1000;
    go();
    expect(MARKET_EXPIRED, "expired");
    got_arrived_ms = now - 600 * 1000; /* our clocks differ: no better than now */
    go();
    expect(MARKET_EXPIRED, "expired");
    /* Nor does anybody wait for an order that never comes. */
    got_arrived_ms = now + 2000;
    rig_set("{'entitlements':{}}");
    go();
    expect(MARKET_EXPIRED, "NoOrderYet");
    make(HEAD, "\"aud\":\"other.example\"", "aud", &google);
    clock_set_offset_ms(2 * 3600 * 1000);
    got_arrived_ms = now + 3600 * 1000;
    go();
    expect(MARKET_PRODUCT, "audience");
    got_arrived_ms = 0;
}

/* --- hostile tokens -------------------------------------------------------------------------- */

struct hostile {
    const char *head, *more, *but;
    enum market_class cls;
};

static void refused(enum market_class cls, size_t i)
{
    go();
    if (got.cls != cls)
        print_error("row %zu: %s %s\n", i, market_class_name(got.cls), got.code);
    assert_int_equal(got.cls, cls);
    assert_string_equal(got.purchase, "");
}

/* Nothing is fetched, neither from where the token says nor from Google. */
static void a_wrong_issuer_costs_nothing(void **state)
{
    static const char *const rows[] = {
        "",
        "\"iss\":\"\"",
        "\"iss\":null",
        "\"iss\":7",
        "\"iss\":[\"" ISS "\"]",
        "\"iss\":{\"a\":\"" ISS "\"}",
        "\"iss\":\"" ISS "/\"",
        "\"iss\":\"" ISS " \"",
        "\"iss\":\"" ISS "\\u0020\"",
        "\"iss\":\"https://accounts.google.com\"",
        "\"iss\":\"https://attacker.example/robot/v1/metadata/x509/"
        "cloud-commerce-partner@system.gserviceaccount.com\"",
        "\"iss\":\"https://www.googleapis.com/robot/v1/metadata/x509/"
        "attacker@attacker.iam.gserviceaccount.com\"",
        "\"iss\":\"https://www.googleapis.com/service_accounts/v1/metadata/x509/"
        "cloud-agentspace@system.gserviceaccount.com\"",
        "\"iss\":\"http://www.googleapis.com/robot/v1/metadata/x509/"
        "cloud-commerce-partner@system.gserviceaccount.com\"",
        "\"iss\":\"HTTPS://www.googleapis.com/robot/v1/metadata/x509/"
        "cloud-commerce-partner@system.gserviceaccount.com\"",
        "\"iss\":\"file:///etc/passwd\"",
        "\"iss\":\"" ISS "\",\"iss\":\"" ISS "\"",
        "\"iss\":\"" ISS "\",\"iss\":\"https://attacker.example\"",
    };
    struct buf url;

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        make(HEAD, rows[i], "iss", i % 2 ? &google : &attacker);
        refused(MARKET_INVALID, i);
    }
    buf_init(&url, 300);
    buf_fmt(&url, "\"iss\":\"%s/certs/oauth2/v3/certs\"", origin);
    make(HEAD, buf_cstr(&url), "iss", &attacker);
    refused(MARKET_INVALID, 99);
    buf_free(&url);
    assert_int_equal(rig_count("GET /"), 0);
}

static void hostile_headers(void **state)
{
    static const char *const rows[] = {
        "{\"alg\":\"none\",\"kid\":\"kid-1\"}",
        "{\"alg\":\"None\",\"kid\":\"kid-1\"}",
        "{\"alg\":\"rs256\",\"kid\":\"kid-1\"}",
        "{\"alg\":\"RS384\",\"kid\":\"kid-1\"}",
        "{\"alg\":\"PS256\",\"kid\":\"kid-1\"}",
        "{\"alg\":\"ES256\",\"kid\":\"kid-1\"}",
        "{\"alg\":[\"RS256\"],\"kid\":\"kid-1\"}",
        "{\"kid\":\"kid-1\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"kid\":\"\"}",
        "{\"alg\":\"RS256\",\"kid\":1}",
        "{\"alg\":\"RS256\",\"kid\":[\"kid-1\"]}",
        "{\"alg\":\"RS256\",\"kid\":\"kid-1\",\"kid\":\"kid-2\"}",
        "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"kid-1\"}",
        "{\"alg\":\"RS256\",\"kid\":\"kid-1\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"RS256\",\"kid\":\"kid-1\",\"cty\":\"JWT\"}",
        "{\"alg\":\"RS256\",\"kid\":\"../../oauth2/v3/certs\"}",
        "{\"alg\":\"RS256\",\"kid\":\"' OR 1=1\"}",
        "{\"alg\":\"RS256\",\"kid\":\"kid-9\"}",
        "[\"RS256\"]",
        "{\"alg\":\"RS256\",\"kid\":\"kid-1\"",
    };

    (void)state;
    need_peer();
    prime();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        make(rows[i], "", "", &google);
        refused(MARKET_INVALID, i);
        make(rows[i], "", "", &attacker);
        refused(MARKET_INVALID, i);
    }
    /* Keys in the token itself. */
    make("{\"alg\":\"RS256\",\"kid\":\"kid-1\",\"jku\":\"https://attacker.example/\"}", "", "",
         &attacker);
    refused(MARKET_INVALID, 100);
    assert_int_equal(rig_count("/accounts/"), 1);
    assert_int_equal(rig_count("GET /certs/"), 1);
}

static void hostile_signatures(void **state)
{
    struct buf good;
    char *dot;

    (void)state;
    need_peer();
    make(HEAD, "", "", &attacker);
    refused(MARKET_INVALID, 0);
    parts("{\"alg\":\"HS256\",\"kid\":\"kid-1\"}", payload("", ""));
    sign_hmac(google.cert);
    refused(MARKET_INVALID, 1);
    parts(HEAD, payload("", ""));
    sign_hmac(google.cert);
    refused(MARKET_INVALID, 2);
    parts("{\"alg\":\"none\",\"kid\":\"kid-1\"}", payload("", ""));
    buf_ch(&token, '.');
    refused(MARKET_INVALID, 3);
    parts(HEAD, payload("", ""));
    refused(MARKET_INVALID, 4);
    make(HEAD, "", "", &google);
    token.p[token.len - 100] = token.p[token.len - 100] == 'A' ? 'B' : 'A';
    refused(MARKET_INVALID, 5);
    make(HEAD, "", "", &google);
    token.len -= 4;
    refused(MARKET_INVALID, 6);
    make(HEAD, "", "", &google);
    buf_cat(&token, "=");
    refused(MARKET_INVALID, 7);
    make(HEAD, "", "", &google);
    buf_cat(&token, "\n");
    refused(MARKET_INVALID, 8);
    make(HEAD, "", "", &google);
    buf_cat(&token, ".AAAA");
    refused(MARKET_INVALID, 9);
    /* The signature of another payload. */
    buf_init(&good, 8192);
    make(HEAD, "", "", &google);
    dot = strrchr(token.p, '.');
    buf_cat(&good, dot);
    parts(HEAD, payload("\"sub\":\"a2\"", "sub"));
    buf_str(&token, buf_view(&good));
    refused(MARKET_INVALID, 10);
    buf_free(&good);
    assert_int_equal(rig_count("/accounts/"), 0);
}

static void hostile_claims(void **state)
{
    static const struct hostile rows[] = {
        {HEAD, "\"aud\":\"other.example\"", "aud", MARKET_PRODUCT},
        {HEAD, "\"aud\":\"saas.example.attacker.example\"", "aud", MARKET_PRODUCT},
        {HEAD, "\"aud\":[]", "aud", MARKET_PRODUCT},
        {HEAD, "\"aud\":[\"saas.example\"]", "aud", MARKET_PRODUCT},
        {HEAD, "", "aud", MARKET_PRODUCT},
        {HEAD, "\"exp\":1700000300,\"iat\":1700000000", "iat exp", MARKET_EXPIRED},
        {HEAD, "\"exp\":\"never\"", "exp", MARKET_INVALID},
        {HEAD, "", "exp", MARKET_INVALID},
        {HEAD, "\"exp\":-1", "exp", MARKET_EXPIRED},
        {HEAD, "\"exp\":4000000000", "exp", MARKET_INVALID},
        {HEAD, "\"iat\":3999999999,\"exp\":4000000000", "iat exp", MARKET_INVALID},
        {HEAD, "", "iat", MARKET_INVALID},
        {HEAD, "\"nbf\":3999999999", "", MARKET_INVALID},
        {HEAD, "", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":7", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"..\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"../entitlements/e1\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"a1?view=x\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"a1:approve\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"a1 state=active\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"a\\u00e4\"", "sub", MARKET_INVALID},
        {HEAD, "\"sub\":\"a1\",\"sub\":\"a2\"", "sub", MARKET_INVALID},
    };
    char long_sub[300] = "\"sub\":\"";

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        make(rows[i].head, rows[i].more, rows[i].but, &google);
        refused(rows[i].cls, i);
    }
    memset(long_sub + 7, 'a', 200);
    long_sub[207] = '"';
    long_sub[208] = '\0';
    make(HEAD, long_sub, "sub", &google);
    refused(MARKET_INVALID, 50);
    parts(HEAD, "[]");
    sign_rsa(&google);
    refused(MARKET_INVALID, 51);
    assert_int_equal(rig_count("/accounts/"), 0);
}

static void hostile_forms(void **state)
{
    static const char *const rows[] = {"",
                                       ".",
                                       "..",
                                       "a.b.c",
                                       "e30.e30.e30",
                                       "\xff\xfe.\x80.x",
                                       "x-gcp-marketplace-token=e30.e30.e30"};
    struct buf big;

    (void)state;
    need_peer();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        resolve(str_of(rows[i]));
        assert_int_equal(got.cls, MARKET_INVALID);
    }
    buf_init(&big, 64 * 1024);
    buf_cat(&big, "\"x\":\"");
    while (big.len < 16 * 1024)
        buf_cat(&big, "aaaaaaaaaaaaaaaa");
    buf_cat(&big, "\"");
    make(HEAD, buf_cstr(&big), "", &google);
    assert_true(token.len > JWT_MAX);
    refused(MARKET_INVALID, 1);
    buf_free(&big);
    assert_int_equal(rig_count("GET /certs/"), 0);
}

/* --- certificates ------------------------------------------------------------------------------
 */

static void one_order(void)
{
    rig_set("{'accounts':{'a1':'APPROVED'},'entitlements':{'e1':{" MINE
            ",'state':'ENTITLEMENT_ACTIVE'}}}");
}

static void certificates_are_kept(void **state)
{
    (void)state;
    need_peer();
    one_order();
    for (unsigned i = 0; i < 5; i++) {
        make(HEAD, "", "", &google);
        go();
        expect(MARKET_OK, "");
    }
    assert_int_equal(rig_count("GET /certs/"), 1);
    /* Their time is over and the address is in trouble: the last good ones serve. */
    gcp_of(market)->certs.fresh_until = gcp_of(market)->certs.next_fetch = 0;
    rig_set("{'script':[{'match':'/certs/','status':500,'code':'INTERNAL','times':9}]}");
    go();
    expect(MARKET_OK, "");
    go();
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("GET /certs/"), 1);
}

static void a_flood_of_unknown_keys_is_one_fetch(void **state)
{
    char head[100];

    (void)state;
    need_peer();
    one_order();
    prime();
    for (unsigned i = 0; i < 40; i++) {
        snprintf(head, sizeof(head), "{\"alg\":\"RS256\",\"kid\":\"flood-%u\"}", i);
        make(head, "", "", &attacker);
        go();
        expect(MARKET_INVALID, "unknown key");
    }
    assert_int_equal(rig_count("GET /certs/"), 1);
    gcp_of(market)->certs.next_fetch = 0;
    for (unsigned i = 0; i < 10; i++) {
        go();
        assert_int_equal(got.cls, MARKET_INVALID);
    }
    assert_int_equal(rig_count("GET /certs/"), 2);
    /* Nor does a time in the future buy a fetch. */
    gcp_of(market)->certs.next_fetch = 0;
    make("{\"alg\":\"RS256\",\"kid\":\"kid-9\"}", "\"iat\":3999999999,\"exp\":4000000000",
         "iat exp", &attacker);
    go();
    expect(MARKET_INVALID, "not yet valid");
    assert_int_equal(rig_count("GET /certs/"), 2);
}

static void keys_rotate(void **state)
{
    static const char head2[] = "{\"alg\":\"RS256\",\"kid\":\"kid-2\"}";

    (void)state;
    need_peer();
    one_order();
    make(HEAD, "", "", &google);
    go();
    expect(MARKET_OK, "");
    rig_certs("kid-2", &second, NULL, NULL);
    /* Signed after the set was fetched: perhaps newer than the set, so asked again later. */
    gcp_of(market)->certs.asked_ms = clock_wall_ms() - 60000;
    make(head2, "", "", &second);
    go();
    expect(MARKET_RETRY, "KeyNotYetKnown");
    assert_true(got.retry_after_ms > 0 && got.retry_after_ms <= 60000);
    gcp_of(market)->certs.next_fetch = 0;
    go();
    expect(MARKET_OK, "");
    /* Our clock may be some seconds before Google's. */
    make("{\"alg\":\"RS256\",\"kid\":\"kid-3\"}", "", "", &second);
    gcp_of(market)->certs.asked_ms = (clock_wall_ms() / 1000 - 3) * 1000;
    go();
    expect(MARKET_RETRY, "KeyNotYetKnown");
    /* The old key went with the set. */
    gcp_of(market)->certs.asked_ms = clock_wall_ms() + 3600000;
    make(HEAD, "", "", &google);
    go();
    expect(MARKET_INVALID, "unknown key");
}

static void cold_and_in_trouble(void **state)
{
    static const char *const scripts[] = {
        "'status':500,'code':'INTERNAL'", "'status':200,'body':'<html>no</html>'",
        "'status':200,'body':'{}'", "'status':200,'body':'[]'",
        "'status':200,'body':'{\\\"kid-1\\\":\\\"-----BEGIN CERTIFICATE-----\\\\nAAAA\\\"}'"};
    char text[300];
    struct buf big;

    (void)state;
    need_peer();
    one_order();
    make(HEAD, "", "", &google);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        snprintf(text, sizeof(text), "{'script':[{'match':'/certs/',%s}]}", scripts[i]);
        rig_set(text);
        gcp_of(market)->certs.next_fetch = 0;
        go();
        expect(MARKET_RETRY, "KeysUnavailable");
        assert_true(got.retry_after_ms > 0 && got.retry_after_ms <= 60000);
        go();
        expect(MARKET_RETRY, "KeysUnavailable");
        assert_int_equal(rig_count("GET /certs/"), 1);
    }
    buf_init(&big, 1 << 20);
    buf_cat(&big, "{\"script\":[{\"match\":\"/certs/\",\"status\":200,\"body\":\"");
    while (big.len < 400000)
        buf_cat(&big, "                                                                ");
    buf_cat(&big, "\"}]}");
    rig_ask("POST", "/control", buf_cstr(&big));
    buf_free(&big);
    gcp_of(market)->certs.next_fetch = 0;
    go();
    expect(MARKET_RETRY, "KeysUnavailable");
    rig_set("{'script':[]}");
    gcp_of(market)->certs.next_fetch = 0;
    go();
    expect(MARKET_OK, "");
}

/* When the certificates may be asked for again, in ms from now. */
static uint64_t next_after(const char *script)
{
    char text[200];

    snprintf(text, sizeof(text),
             "{'script':[{'match':'/certs/','status':503,'code':'UNAVAILABLE'%s}]}", script);
    rig_set(text);
    gcp_of(market)->certs.fresh_until = gcp_of(market)->certs.next_fetch = 0;
    go();
    return gcp_of(market)->certs.next_fetch - clock_mono_ms();
}

static void certificates_are_not_asked_for_too_often(void **state)
{
    uint64_t ms;

    (void)state;
    need_peer();
    one_order();
    make(HEAD, "", "", &google);
    assert_true(next_after("") <= 5000);
    ms = next_after(",'headers':{'Retry-After':'30'}");
    assert_true(ms > 5000 && ms <= 30000);
    ms = next_after(",'headers':{'Retry-After':'600'}");
    assert_true(ms > 30000 && ms <= 60000);
    gcp_of(market)->certs.next_fetch = 0;
    go();
    expect(MARKET_OK, "");
    ms = next_after("");
    assert_true(ms > 5000 && ms <= 60000);
}

static void tokens_in_wait_share_the_fetch(void **state)
{
    (void)state;
    need_peer();
    one_order();
    make(HEAD, "", "", &google);
    rig_begin();
    for (unsigned i = 0; i < 3; i++)
        market_gcp.resolve(market, buf_view(&token), 0, rig_on_result, NULL);
    while (got.calls < 3)
        uv_run(&loop, UV_RUN_ONCE);
    expect(MARKET_OK, "");
    assert_int_equal(rig_count("GET /certs/"), 1);
}

/* A listener that never answers. */
static int silent(char *url, size_t cap)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    snprintf(url, cap, "http://127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return fd;
}

static void closing_ends_who_waits(void **state)
{
    char url[64];
    int fd;

    (void)state;
    need_peer();
    fd = silent(url, sizeof(url));
    cfg.gcp.certs_endpoint = url;
    make(HEAD, "", "", &google);
    rig_begin();
    for (unsigned i = 0; i < 3; i++)
        market_gcp.resolve(market, buf_view(&token), 0, rig_on_result, NULL);
    while (!gcp_of(market)->certs.fetching)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(got.calls, 0);
    market_gcp.close(market);
    market = NULL;
    assert_int_equal(got.calls, 3);
    expect(MARKET_RETRY, "Canceled");
    close(fd);
}

static void jwks(struct buf *out, const char *n)
{
    buf_reset(out);
    buf_fmt(out,
            "{\"jwks\":{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"%s\",\"e\":\"AQAB\","
            "\"use\":\"sig\",\"alg\":\"RS256\"}]}}",
            n);
}

static void push_keys(void **state)
{
    static const struct {
        const char *state;
        uint64_t ttl_ms;
    } ages[] = {
        {"{'max_age':5}", 60000}, {"{'max_age':0}", 3600000}, {"{'max_age':864000}", 24 * 3600000}};
    struct buf json, b64;
    uint8_t raw[512];
    ssize_t n;

    (void)state;
    need_peer();
    buf_init(&json, 4096);
    rig_set("{'max_age':600,'jwks':{'keys':[]}}");
    rig_begin();
    market_gcp.keys(market, rig_on_keys, NULL);
    rig_end();
    expect(MARKET_RETRY, "MalformedReply");
    jwks(&json, "AQAB"); /* a key of 17 bits is none */
    rig_ask("POST", "/control", buf_cstr(&json));
    rig_begin();
    market_gcp.keys(market, rig_on_keys, NULL);
    rig_end();
    expect(MARKET_RETRY, "MalformedReply");
    n = enc_hex_dec(str_of(google.modulus), raw, sizeof(raw));
    buf_init(&b64, 1024);
    enc_b64url(&b64, raw, (size_t)n);
    jwks(&json, buf_cstr(&b64));
    rig_ask("POST", "/control", buf_cstr(&json));
    rig_begin();
    market_gcp.keys(market, rig_on_keys, NULL);
    rig_end();
    expect(MARKET_OK, "");
    assert_true(got.ttl_ms == 600000);
    assert_non_null(strstr(buf_cstr(&got.keys), buf_cstr(&b64)));
    for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++) {
        rig_set(ages[i].state);
        rig_begin();
        market_gcp.keys(market, rig_on_keys, NULL);
        rig_end();
        assert_true(got.ttl_ms == ages[i].ttl_ms);
    }
    rig_set("{'script':[{'match':'/certs/oauth2','status':404,'code':'NOT_FOUND'}]}");
    rig_begin();
    market_gcp.keys(market, rig_on_keys, NULL);
    rig_end();
    expect(MARKET_CONFIG, "NOT_FOUND");
    buf_free(&b64);
    buf_free(&json);
}

static int start(void **state)
{
    rig_key_make(&google);
    rig_key_make(&second);
    rig_key_make(&attacker);
    buf_init(&token, 128 * 1024);
    return rig_start(state);
}

static int stop(void **state)
{
    rig_key_free(&google);
    rig_key_free(&second);
    rig_key_free(&attacker);
    buf_free(&token);
    return rig_stop(state);
}

static int open_with_certs(void **state)
{
    int rc = rig_open(state);

    if (rc == 0 && peer.port)
        rig_certs("kid-1", &google, "other", &second);
    return rc;
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_with_certs, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_counts_is_when_it_came),
        T(a_wrong_issuer_costs_nothing),
        T(hostile_headers),
        T(hostile_signatures),
        T(hostile_claims),
        T(hostile_forms),
        T(certificates_are_kept),
        T(a_flood_of_unknown_keys_is_one_fetch),
        T(keys_rotate),
        T(cold_and_in_trouble),
        T(certificates_are_not_asked_for_too_often),
        T(tokens_in_wait_share_the_fetch),
        T(closing_ends_who_waits),
        T(push_keys),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
