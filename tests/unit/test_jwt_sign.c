/* Tokens that this program makes: client assertions of both key forms, and x5t. */
#include <errno.h>
#include <openssl/sha.h>

#include "base/json.h"
#include "jwt_rig.h"

static EVP_PKEY *key;
static struct buf pem, out;

static void made_tokens_verify(void **state)
{
    const struct jwt_want want = {.now_ms = 5000};

    (void)state;
    for (int pkcs1 = 0; pkcs1 < 2; pkcs1++) {
        struct jwt_key *k;
        struct jwk_set *set;
        struct buf keys;
        cJSON *claims;

        buf_reset(&pem);
        buf_reset(&out);
        rig_private_pem(key, pkcs1, &pem);
        assert_int_equal(jwt_key_load(buf_view(&pem), &k), 0);
        assert_int_equal(jwt_sign(k, STR("{\"alg\":\"RS256\",\"kid\":\"a\"}"),
                                  STR("{\"iss\":\"me\",\"exp\":60}"), &out),
                         0);
        buf_init(&keys, RIG_TEXT);
        buf_cat(&keys, "{\"keys\":[");
        rig_jwk(key, "a", "", &keys);
        buf_cat(&keys, "]}");
        assert_int_equal(jwk_set_parse(buf_view(&keys), &set), 0);
        assert_int_equal(jwt_verify(set, buf_view(&out), &want, &claims), JWT_OK);
        assert_true(str_is(json_str(claims, "iss"), "me"));
        cJSON_Delete(claims);
        jwk_set_free(&set);
        jwt_key_free(&k);
        jwt_key_free(&k);
        buf_free(&keys);
    }
}

/* Appends: what stands before the token is not signed. */
static void appends(void **state)
{
    struct jwt_key *k;

    (void)state;
    buf_reset(&pem);
    buf_reset(&out);
    rig_private_pem(key, false, &pem);
    assert_int_equal(jwt_key_load(buf_view(&pem), &k), 0);
    buf_cat(&out, "client_assertion=");
    assert_int_equal(jwt_sign(k, STR("{\"alg\":\"RS256\"}"), STR("{}"), &out), 0);
    assert_true(str_starts(buf_view(&out), STR("client_assertion=eyJhbGciOiJSUzI1NiJ9.e30.")));
    jwt_key_free(&k);
}

static void refused_headers(void **state)
{
    static const char *const bad[] = {"",   "{}", "{\"alg\":\"none\"}",   "{\"alg\":\"HS256\"}",
                                      "[]", "x",  "{\"alg\":[\"RS256\"]}"};
    struct jwt_key *k;

    (void)state;
    buf_reset(&pem);
    rig_private_pem(key, false, &pem);
    assert_int_equal(jwt_key_load(buf_view(&pem), &k), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(jwt_sign(k, str_of(bad[i]), STR("{}"), &out), -EKEYREJECTED);
    jwt_key_free(&k);
}

static void refused_keys(void **state)
{
    static const char locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIC\n"
                                 "-----END ENCRYPTED PRIVATE KEY-----\n";
    EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-256");
    struct jwt_key *k;
    BIO *bio;

    (void)state;
    assert_int_equal(jwt_key_load(STR(""), &k), -EKEYREJECTED);
    assert_int_equal(jwt_key_load(STR("x"), &k), -EKEYREJECTED);
    assert_int_equal(jwt_key_load(str_of(locked), &k), -EKEYREJECTED);
    buf_reset(&pem);
    rig_public(key, true, &pem);
    assert_int_equal(jwt_key_load(buf_view(&pem), &k), -EKEYREJECTED);
    buf_reset(&pem);
    rig_private_pem(small, false, &pem);
    assert_int_equal(jwt_key_load(buf_view(&pem), &k), -EKEYREJECTED);
    buf_reset(&pem);
    rig_private_pem(curve, false, &pem);
    assert_int_equal(jwt_key_load(buf_view(&pem), &k), -EKEYREJECTED);
    /* A password is asked of nobody. */
    buf_reset(&pem);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "pw", 2, NULL, NULL), 1);
    rig_bio(bio, &pem);
    assert_int_equal(jwt_key_load(buf_view(&pem), &k), -EKEYREJECTED);
    assert_null(k);
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

static void thumbprint(void **state)
{
    X509 *cert = rig_x509(key);
    unsigned char *der = NULL, sum[SHA_DIGEST_LENGTH];
    BIO *bio = BIO_new(BIO_s_mem());
    struct buf want;
    int n = i2d_X509(cert, &der);

    (void)state;
    buf_init(&want, 64);
    SHA1(der, (size_t)n, sum);
    enc_b64url(&want, sum, sizeof(sum));
    assert_int_equal(want.len, 27);
    PEM_write_bio_X509(bio, cert);
    buf_reset(&pem);
    buf_reset(&out);
    rig_bio(bio, &pem);
    assert_int_equal(jwt_x5t(buf_view(&pem), &out), 0);
    assert_string_equal(buf_cstr(&out), buf_cstr(&want));
    assert_int_equal(jwt_x5t(STR("x"), &out), -EBADMSG);
    assert_int_equal(jwt_x5t(STR(""), &out), -EBADMSG);
    buf_free(&want);
    OPENSSL_free(der);
    X509_free(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_tokens_verify), cmocka_unit_test(appends),
        cmocka_unit_test(refused_headers),    cmocka_unit_test(refused_keys),
        cmocka_unit_test(thumbprint),
    };
    int rc;

    key = EVP_RSA_gen(2048);
    buf_init(&pem, RIG_TEXT);
    buf_init(&out, RIG_TEXT);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(key);
    buf_free(&pem);
    buf_free(&out);
    return rc;
}
