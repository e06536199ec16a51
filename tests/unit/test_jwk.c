/* Key sets: both forms are read, and no key that should not verify anything gets in. */
#include <errno.h>

#include <openssl/param_build.h>

#include "base/json.h"
#include "base/jwk.h"
#include "jwt_rig.h"

static EVP_PKEY *good, *other, *small;
static struct buf text;

static int parse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Number of keys, or the error. */
static int count_of(struct str json)
{
    struct jwk_set *s = NULL;
    int rc = jwk_set_parse(json, &s);
    int n = rc ? rc : (int)jwk_set_count(s);

    assert_int_equal(rc == 0, s != NULL);
    jwk_set_free(&s);
    assert_null(s);
    return n;
}

static int parse(const char *fmt, ...)
{
    struct buf b;
    va_list ap;
    int rc;

    buf_init(&b, RIG_TEXT);
    va_start(ap, fmt);
    buf_vfmt(&b, fmt, ap);
    va_end(ap);
    rc = count_of(buf_view(&b));
    buf_free(&b);
    return rc;
}

static const char *jwk(EVP_PKEY *k, const char *kid, const char *more)
{
    buf_reset(&text);
    rig_jwk(k, kid, more, &text);
    return buf_cstr(&text);
}

static void jwks(void **state)
{
    struct jwk_set *s;
    struct buf b;

    (void)state;
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, "a", "")), 1);
    assert_int_equal(parse("{\"keys\":[%s],\"more\":1}", jwk(good, "a", ",\"use\":\"sig\"")), 1);
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, "a", ",\"alg\":\"RS256\"")), 1);
    /* As Entra serves them: with certificates, which are not looked at. */
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, "a",
                                                  ",\"use\":\"sig\",\"x5t\":\"a\",\"x5c\":[\"junk"
                                                  "\"],\"issuer\":\"https://x/\"")),
                     1);
    buf_init(&b, RIG_TEXT);
    buf_cat(&b, "{\"keys\":[");
    rig_jwk(good, "a", "", &b);
    buf_ch(&b, ',');
    rig_jwk(other, "B-_.~", "", &b);
    buf_cat(&b, "]}");
    assert_int_equal(jwk_set_parse(buf_view(&b), &s), 0);
    assert_int_equal(jwk_set_count(s), 2);
    assert_true(jwk_set_has(s, STR("a")));
    assert_true(jwk_set_has(s, STR("B-_.~")));
    assert_false(jwk_set_has(s, STR("A")));
    assert_false(jwk_set_has(s, STR("")));
    assert_false(jwk_set_has(s, STR("a\0")));
    jwk_set_free(&s);
    jwk_set_free(&s);
    assert_int_equal(jwk_set_count(NULL), 0);
    assert_false(jwk_set_has(NULL, STR("a")));
    buf_free(&b);
}

static void certificates(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, RIG_TEXT);
    buf_cat(&b, "{\"k1\":\"");
    rig_cert(good, true, &b);
    buf_cat(&b, "\",\"k2\":\"");
    rig_cert(other, true, &b);
    buf_cat(&b, "\",\"weak\":\"");
    rig_cert(small, true, &b);
    buf_cat(&b, "\",\"junk\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END "
                "CERTIFICATE-----\\n\",\"text\":\"x\",\"empty\":\"\",\"number\":1,\"list\":[]}");
    assert_int_equal(count_of(buf_view(&b)), 2);
    buf_free(&b);
}

/* An RSA key that nobody can use: its modulus is any odd number. */
static EVP_PKEY *key_of(const char *e_hex, int bits)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *n = BN_new(), *e = NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;

    BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    BN_hex2bn(&e, e_hex);
    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e);
    params = OSSL_PARAM_BLD_to_param(bld);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    return key;
}

/* Google and Microsoft sign with RSASSA-PKCS1-v1_5, which this kind of key does not do. */
static EVP_PKEY *pss_key(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* How many keys a set has whose only certificate is of this one; takes over key. */
static int cert_count(EVP_PKEY *key, size_t junk)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *c = rig_x509(good);
    struct jsonw w;
    struct buf b;
    char *p;
    long n;
    int count;

    for (size_t i = 0; i < junk; i++)
        BIO_write(bio, "\n", 1);
    assert_int_equal(X509_set_pubkey(c, key), 1);
    assert_int_equal(PEM_write_bio_X509(bio, c), 1);
    n = BIO_get_mem_data(bio, &p);
    buf_init(&b, RIG_TEXT);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "k1", str_make(p, (size_t)n));
    jsonw_obj_end(&w);
    count = count_of(buf_view(&b));
    buf_free(&b);
    BIO_free(bio);
    X509_free(c);
    EVP_PKEY_free(key);
    return count;
}

static void keys_of_certificates(void **state)
{
    (void)state;
    assert_int_equal(cert_count(key_of("010001", 2048), 0), 1);
    assert_int_equal(cert_count(key_of("01", 2048), 0), -ENOENT);
    assert_int_equal(cert_count(key_of("0100000000000000000001", 2048), 0), -ENOENT);
    assert_int_equal(cert_count(key_of("010001", 2040), 0), -ENOENT);
    assert_int_equal(cert_count(key_of("010001", JWK_BITS_MAX), 0), 1);
    assert_int_equal(cert_count(key_of("010001", JWK_BITS_MAX + 8), 0), -ENOENT);
    assert_int_equal(cert_count(pss_key(), 0), -ENOENT);
    assert_int_equal(cert_count(key_of("010001", 2048), JWK_PEM_MAX), -ENOENT);
}

/* A public key in PEM is no certificate, and a kid called "keys" is a kid. */
static void other_pem(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, RIG_TEXT);
    buf_cat(&b, "{\"keys\":\"");
    rig_cert(good, true, &b);
    buf_cat(&b, "\"}");
    assert_int_equal(count_of(buf_view(&b)), 1);
    assert_int_equal(parse("{\"a\":\"-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC "
                           "KEY-----\\n\"}"),
                     -ENOENT);
    buf_free(&b);
}

/* The n of `good`, with an exponent of the test's choice. */
static const char *with_e(const char *e)
{
    static struct buf b;
    BIGNUM *n = NULL;

    if (b.max == 0)
        buf_init(&b, RIG_TEXT);
    buf_reset(&b);
    EVP_PKEY_get_bn_param(good, OSSL_PKEY_PARAM_RSA_N, &n);
    buf_fmt(&b, "{\"kty\":\"RSA\",\"kid\":\"a\",\"e\":\"%s\",\"n\":\"", e);
    rig_bn(n, &b);
    buf_cat(&b, "\"}");
    BN_free(n);
    return buf_cstr(&b);
}

static void left_out(void **state)
{
    static const char *const against[] = {
        ",\"use\":\"enc\"",   ",\"use\":\"\"",      ",\"use\":1",       ",\"use\":null",
        ",\"alg\":\"RS384\"", ",\"alg\":\"PS256\"", ",\"alg\":[]",      ",\"alg\":\"none\"",
        ",\"alg\":\"rs256\"", ",\"alg\":\"HS256\"", ",\"use\":\"SIG\"",
    };
    static const char *const exponents[] = {
        "AQ",   /* 1 */ "Ag",       /* 2 */ "AA", /* 0 */ "",
        "AQAA", /* even */ "AQAB=", "AQA!",       "AQAAAAAAAAAB", /* 65 bits and more */
    };
    static const char *const whole[] = {
        "{\"kty\":\"EC\",\"kid\":\"a\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}",
        "{\"kty\":\"RSA\",\"kid\":\"a\"}",
        "{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":1,\"e\":\"AQAB\"}",
        "{}",
        "1",
        "null",
        "[]",
        "\"x\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(against) / sizeof(against[0]); i++)
        assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, "a", against[i])), -ENOENT);
    for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++)
        assert_int_equal(parse("{\"keys\":[%s]}", with_e(exponents[i])), -ENOENT);
    assert_int_equal(parse("{\"keys\":[%s]}", with_e("AQAB")), 1);
    assert_int_equal(parse("{\"keys\":[%s]}", with_e("Aw")), 1); /* 3 */
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        assert_int_equal(parse("{\"keys\":[%s]}", whole[i]), -ENOENT);
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(small, "a", "")), -ENOENT);
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, "", "")), -ENOENT);
    assert_int_equal(parse("{\"keys\":[{\"kty\":\"oct\",%s]}", strstr(with_e("AQAB"), "\"kid\"")),
                     -ENOENT);
    assert_int_equal(parse("{\"keys\":[{%s]}", strstr(with_e("AQAB"), "\"kid\"")), -ENOENT);
    /* Bad ones do not spoil the set. */
    assert_int_equal(parse("{\"keys\":[{},1,%s,null]}", jwk(good, "a", "")), 1);
}

/* 2048 to 8192 bits, odd; whether it is a product of primes nobody can tell. */
static void sizes(void **state)
{
    static const struct {
        size_t letters;
        int want;
    } t[] = {{341, -ENOENT}, {342, 1}, {1366, 1}, {1368, -ENOENT}, {4000, -ENOENT}};
    char n[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        memset(n, 'v', t[i].letters);
        n[t[i].letters - 1] = 'w';
        n[t[i].letters] = '\0';
        assert_int_equal(
            parse("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"e\":\"AQAB\",\"n\":\"%s\"}]}", n),
            t[i].want);
    }
}

static void not_a_set(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "1", "null", "x", "\"\"", "{}{}", "<html></html>", "{\"a\":1,\"a\":2}"};
    struct buf b;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(count_of(str_of(bad[i])), -EBADMSG);
    assert_int_equal(parse("{}"), -ENOENT);
    assert_int_equal(parse("{\"keys\":[]}"), -ENOENT);
    assert_int_equal(parse("{\"keys\":{}}"), -ENOENT);
    assert_int_equal(parse("{\"error\":\"unavailable\"}"), -ENOENT);
    buf_init(&b, RIG_TEXT);
    for (size_t i = 0; i <= JWK_TEXT_MAX; i++)
        buf_ch(&b, ' ');
    assert_int_equal(count_of(buf_view(&b)), -EMSGSIZE);
    buf_free(&b);
}

static void bounded(void **state)
{
    struct buf b;
    char kid[JWK_KID_MAX + 2];

    (void)state;
    buf_init(&b, RIG_TEXT);
    buf_cat(&b, "{\"keys\":[");
    for (int i = 0; i < JWK_KEYS + 10; i++) {
        char name[16];

        snprintf(name, sizeof(name), "k%d", i);
        rig_jwk(good, name, "", &b);
        buf_cat(&b, i + 1 < JWK_KEYS + 10 ? "," : "]}");
    }
    assert_int_equal(count_of(buf_view(&b)), JWK_KEYS);
    buf_free(&b);
    memset(kid, 'k', sizeof(kid));
    kid[JWK_KID_MAX - 1] = '\0';
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, kid, "")), 1);
    kid[JWK_KID_MAX - 1] = 'k';
    kid[JWK_KID_MAX] = '\0';
    assert_int_equal(parse("{\"keys\":[%s]}", jwk(good, kid, "")), -ENOENT);
}

/* Of two keys with one kid the first counts. */
static void twice(void **state)
{
    struct jwk_set *s;
    struct buf b, t;
    const struct jwt_want want = {.now_ms = 0};
    cJSON *claims;

    (void)state;
    buf_init(&b, RIG_TEXT);
    buf_init(&t, RIG_TEXT);
    buf_cat(&b, "{\"keys\":[");
    rig_jwk(good, "a", "", &b);
    buf_ch(&b, ',');
    rig_jwk(other, "a", "", &b);
    buf_cat(&b, "]}");
    assert_int_equal(jwk_set_parse(buf_view(&b), &s), 0);
    assert_int_equal(jwk_set_count(s), 1);
    rig_sign(other, RIG_RS256, STR("{\"alg\":\"RS256\",\"kid\":\"a\"}"), STR("{\"exp\":9}"), &t);
    assert_int_equal(jwt_verify(s, buf_view(&t), &want, &claims), JWT_SIGNATURE);
    rig_sign(good, RIG_RS256, STR("{\"alg\":\"RS256\",\"kid\":\"a\"}"), STR("{\"exp\":9}"), &t);
    assert_int_equal(jwt_verify(s, buf_view(&t), &want, &claims), JWT_OK);
    cJSON_Delete(claims);
    jwk_set_free(&s);
    buf_free(&b);
    buf_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwks),
        cmocka_unit_test(certificates),
        cmocka_unit_test(keys_of_certificates),
        cmocka_unit_test(other_pem),
        cmocka_unit_test(left_out),
        cmocka_unit_test(sizes),
        cmocka_unit_test(not_a_set),
        cmocka_unit_test(bounded),
        cmocka_unit_test(twice),
    };
    int rc;

    buf_init(&text, RIG_TEXT);
    good = EVP_RSA_gen(2048);
    other = EVP_RSA_gen(2048);
    small = EVP_RSA_gen(1024);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(good);
    EVP_PKEY_free(other);
    EVP_PKEY_free(small);
    buf_free(&text);
    return rc;
}
