/* The sandbox's own encoders: CBOR against the examples of RFC 8949 appendix A, SNS envelopes
 * against OpenSSL, forms and routing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/hash.h"
#include "base/json.h"
#include "sandbox/sb_call.h"
#include "sandbox/sb_cbor.h"
#include "sandbox/sb_route.h"
#include "sandbox/sb_snskey.h"

static char *decode(const char *hex)
{
    uint8_t raw[256];
    ssize_t n = enc_hex_dec(str_of(hex), raw, sizeof(raw));
    cJSON *doc = NULL;

    assert_true(n >= 0);
    if (sb_cbor_decode(str_make((char *)raw, (size_t)n), &doc))
        return NULL;
    char *text = cJSON_PrintUnformatted(doc);
    cJSON_Delete(doc);
    return text;
}

static void cbor_in(void **state)
{
    static const struct {
        const char *hex, *json;
    } cases[] = {
        {"", "{}"},
        {"00", "0"},
        {"1818", "24"},
        {"1a000f4240", "1000000"},
        {"1b000000e8d4a51000", "1000000000000"},
        {"20", "-1"},
        {"3903e7", "-1000"},
        {"f93c00", "1"},
        {"f93e00", "1.5"},
        {"f97bff", "65504"},
        {"fa47c35000", "100000"},
        {"fb3ff199999999999a", "1.1"},
        {"f4", "false"},
        {"f5", "true"},
        {"f6", "null"},
        {"c11a514b67b0", "1363896240"},
        {"6449455446", "\"IETF\""},
        {"62c3bc", "\"\xc3\xbc\""},
        {"83010203", "[1,2,3]"},
        {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
        {"7f657374726561646d696e67ff", "\"streaming\""},
        {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
        {"bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"},
    };
    static const char *const bad[] = {
        "18",
        "1c",
        "41ff",
        "62c3",
        "61ff",
        "a1",
        "a10102",
        "8301",
        "ff",
        "9f01",
        "0000",
        "f97c00",
        "f8ff",
        "6100",
        "bf6161ff",
        "7f41",
        "5bffffffff",
        "9b7fffffffffffffff",
        "7b7fffffffffffffff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = decode(cases[i].hex);
        assert_non_null(text);
        assert_string_equal(text, cases[i].json);
        free(text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(decode(bad[i]));
}

static void cbor_depth(void **state)
{
    char hex[257];

    (void)state;
    memset(hex, '8', sizeof(hex));
    for (size_t i = 1; i < 256; i += 2)
        hex[i] = '1';
    hex[256] = '\0';
    assert_null(decode(hex));
}

static void cbor_out(void **state)
{
    cJSON *doc = NULL;
    struct buf b, hex;

    (void)state;
    assert_int_equal(json_parse(STR("{\"a\":[1,-1.5,\"x\",true,null],\"T\":300}"), 100, &doc), 0);
    buf_init(&b, 200);
    buf_init(&hex, 400);
    sb_cbor_encode(&b, doc, "T");
    enc_hex(&hex, b.p, b.len);
    assert_string_equal(buf_cstr(&hex), "a261618501fbbff80000000000006178f5f66154c119012c");
    cJSON_Delete(doc);
    buf_free(&b);
    buf_free(&hex);
}

static void verify(struct sb *s, int version, const EVP_MD *md)
{
    unsigned char sig[512];
    struct buf pem, env, text;
    cJSON *doc = NULL;

    s->conf.sns_version = version;
    buf_init(&pem, 8192);
    buf_init(&env, 8192);
    buf_init(&text, 8192);
    assert_int_equal(sb_snskey_cert(s, &pem), 0);
    assert_int_equal(
        sb_snskey_wrap(s, STR("arn:aws:sns:x"), STR("{\"a\":\"<\"}"), 1780315200123, &env), 0);
    assert_int_equal(json_parse(buf_view(&env), 8192, &doc), 0);
    assert_string_equal(json_str(doc, "Timestamp").p, "2026-06-01T12:00:00.123Z");
    buf_fmt(&text, "Message\n%s\nMessageId\n%s\nTimestamp\n%s\nTopicArn\n%s\nType\n%s\n",
            json_str(doc, "Message").p, json_str(doc, "MessageId").p, json_str(doc, "Timestamp").p,
            json_str(doc, "TopicArn").p, json_str(doc, "Type").p);
    ssize_t n = enc_b64_dec(json_str(doc, "Signature"), sig, sizeof(sig));
    assert_int_equal(n, 256);
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(x);
    assert_int_equal(X509_check_host(x, "sns.amazonaws.com", 0, 0, NULL), 1);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, X509_get0_pubkey(x)), 1);
    assert_int_equal(EVP_DigestVerify(ctx, sig, (size_t)n, (unsigned char *)text.p, text.len), 1);
    EVP_MD_CTX_free(ctx);
    X509_free(x);
    BIO_free(bio);
    cJSON_Delete(doc);
    buf_free(&pem);
    buf_free(&env);
    buf_free(&text);
}

static void sns(void **state)
{
    const struct sb_conf conf = {.sns_cert_url = SB_SNSKEY_URL};
    struct sb s;

    (void)state;
    assert_int_equal(sb_core_init(&s, &conf), 0);
    verify(&s, 1, EVP_sha1());
    verify(&s, 2, EVP_sha256());
    sb_core_free(&s);
}

static void forms(void **state)
{
    cJSON *o = NULL;
    char out[8];

    (void)state;
    assert_int_equal(sb_call_form(STR("a=1+2&b=%2B%3d&a=9&c"), &o), 0);
    assert_string_equal(json_str(o, "a").p, "1 2");
    assert_string_equal(json_str(o, "b").p, "+=");
    cJSON_Delete(o);
    assert_int_not_equal(sb_call_form(STR("a=%zz"), &o), 0);
    assert_int_not_equal(sb_call_form(STR("a=%ff"), &o), 0);
    assert_int_equal(sb_req_field(STR("x=1&ab=%41+b"), "ab", out, sizeof(out)), 0);
    assert_string_equal(out, "A b");
    assert_int_not_equal(sb_req_field(STR("ab=123456789"), "ab", out, sizeof(out)), 0);
    assert_int_not_equal(sb_req_field(STR("b=1"), "ab", out, sizeof(out)), 0);
}

static unsigned ask(struct sb *s, const char *method, const char *path, const char *host,
                    const char *origin)
{
    struct sb_req req = {.method = str_of(method), .path = str_of(path), .nh = 1};
    struct sb_resp resp;

    req.h[0] = (struct sb_hdr){STR("Host"), str_of(host)};
    if (origin)
        req.h[req.nh++] = (struct sb_hdr){STR("Origin"), str_of(origin)};
    sb_resp_init(&resp);
    sb_route(s, &req, &resp);
    unsigned status = resp.status;
    sb_resp_free(&resp);
    return status;
}

static void doors(void **state)
{
    const struct sb_conf conf = {.seller = "1"};
    struct sb s;

    (void)state;
    assert_int_equal(sb_core_init(&s, &conf), 0);
    assert_int_equal(ask(&s, "GET", "/", "localhost:80", NULL), 200);
    assert_int_equal(ask(&s, "GET", "/", "127.0.0.1", NULL), 200);
    assert_int_equal(ask(&s, "GET", "/", "evil.example:80", NULL), 421);
    assert_int_equal(ask(&s, "GET", "/nothing", "localhost", NULL), 404);
    assert_int_equal(
        ask(&s, "DELETE", "/sandbox/api/faults", "localhost:80", "http://localhost:80"), 200);
    assert_int_equal(
        ask(&s, "DELETE", "/sandbox/api/faults", "localhost:80", "http://localhost:81"), 403);
    assert_int_equal(ask(&s, "POST", "/sandbox/subscribe", "localhost:80", "null"), 403);
    assert_int_equal(ask(&s, "GET", "/sandbox/api/state", "localhost:80", "http://evil.example"),
                     403);
    assert_int_equal(ask(&s, "POST", "/", "localhost:80", NULL), 400);
    sb_core_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cbor_in), cmocka_unit_test(cbor_depth), cmocka_unit_test(cbor_out),
        cmocka_unit_test(sns),     cmocka_unit_test(forms),      cmocka_unit_test(doors),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
