/* key sets, the buyer's sign-in and certificate credentials, with keys made here. */
#include "azure_rig.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"

#define TID    "7e4a4700-0000-4000-8000-000000000001"
#define OID    "0b1ec700-0000-4000-8000-000000000001"
#define ISSUER "https://login.microsoftonline.com/" TID "/v2.0"

static EVP_PKEY *keys[2];
static struct jwt_key *signers[2];
static char jwk[2][1024], pem[2][4096], cert[4096];

static void pem_of(BIO *bio, char *out, size_t cap)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    assert_int_equal(str_copy(str_make(p, (size_t)n), out, cap), 0);
    BIO_free(bio);
}

static void number(EVP_PKEY *k, const char *name, struct buf *out)
{
    unsigned char raw[512];
    BIGNUM *n = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
    enc_b64url(out, raw, (size_t)BN_bn2bin(n, raw));
    BN_free(n);
}

static void make_key(int i)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct buf b;

    keys[i] = EVP_RSA_gen(2048);
    PEM_write_bio_PrivateKey(bio, keys[i], NULL, NULL, 0, NULL, NULL);
    pem_of(bio, pem[i], sizeof(pem[i]));
    assert_int_equal(jwt_key_load(str_of(pem[i]), &signers[i]), 0);
    buf_init(&b, sizeof(jwk[i]) - 1);
    buf_fmt(&b, "{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"k%d\",\"x5c\":[\"x\"],\"n\":\"", i);
    number(keys[i], "n", &b);
    buf_cat(&b, "\",\"e\":\"");
    number(keys[i], "e", &b);
    buf_cat(&b, "\"}");
    assert_int_equal(str_copy(buf_view(&b), jwk[i], sizeof(jwk[i])), 0);
    buf_free(&b);
}

static void make_cert(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *x = X509_new();

    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, keys[0]);
    X509_sign(x, keys[0], EVP_sha256());
    PEM_write_bio_X509(bio, x);
    X509_free(x);
    pem_of(bio, cert, sizeof(cert));
}

static int start(void **state)
{
    make_key(0);
    make_key(1);
    make_cert();
    return scripted_start(state);
}

static int stop(void **state)
{
    for (int i = 0; i < 2; i++) {
        jwt_key_free(&signers[i]);
        EVP_PKEY_free(keys[i]);
    }
    return scripted_stop(state);
}

/* --- the sign-in ---------------------------------------------------------------------------- */

#define CLAIMS                                                                                     \
    "\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"tid\":\"" TID "\",\"oid\":\"" OID            \
    "\",\"nonce\":\"n-1\",\"name\":\"Ann\",\"preferred_username\":\"ann@example.com\""

/* rules: the keys of all tenants are `keyset` (NULL: in trouble); the code becomes a token with
 * these claims. */
static void rules_for(const char *keyset, const char *claims, int key)
{
    int64_t now = clock_wall_ms() / 1000;
    struct buf payload, token, rules;
    char head[64];

    buf_init(&payload, 4096);
    buf_init(&token, JWT_MAX);
    buf_init(&rules, 1 << 16);
    snprintf(head, sizeof(head), "{\"alg\":\"RS256\",\"kid\":\"k%d\"}", key);
    buf_fmt(&payload, "{%s,\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld}", claims, (long long)now,
            (long long)now, (long long)now + 3600);
    assert_int_equal(jwt_sign(signers[key], str_of(head), buf_view(&payload), &token), 0);
    buf_fmt(
        &rules,
        "[{\"path\":\"/entra/common/discovery/v2.0/keys\",\"status\":%d,\"body\":{\"keys\":[%s]}},"
        "{\"path\":\"/entra/common/oauth2/v2.0/token\",\"body\":{\"token_type\":\"Bearer\","
        "\"access_token\":\"x\",\"id_token\":\"%s\"}}]",
        keyset ? 200 : 503, keyset ? keyset : "", buf_cstr(&token));
    scripted_rules(buf_cstr(&rules));
    buf_free(&payload);
    buf_free(&token);
    buf_free(&rules);
}

static void sign_in_by(struct str code, struct str verifier, struct str nonce)
{
    const struct market_sign_in s = {code, verifier, nonce,
                                     STR("https://buy.example/marketplace/signin/azure")};

    az_begin();
    market_azure.sign_in(az.market, &s, az_on_identity, NULL);
    az_wait();
}

static void sign_in(void)
{
    sign_in_by(STR("c0de/+"), STR("verifier"), STR("n-1"));
}

static void a_person_signs_in(void **state)
{
    const cJSON *rq;
    cJSON *log;

    (void)state;
    NEED_PEER();
    rules_for(jwk[0], CLAIMS, 0);
    sign_in();
    assert_string_equal(az.code, "");
    assert_int_equal(az.cls, MARKET_OK);
    assert_string_equal(az.who.tenant, TID);
    assert_string_equal(az.who.object, OID);
    assert_string_equal(az.who.name, "Ann");
    assert_string_equal(az.who.email, "ann@example.com");
    log = scripted_log();
    rq = az_request(log, "POST", "/entra/common/", 0);
    assert_true(str_is(json_str(rq, "body"),
                       "grant_type=authorization_code&client_id=sign-in-app&scope=openid%20profile"
                       "%20email&code=c0de%2F%2B&redirect_uri=https%3A%2F%2Fbuy.example%2F"
                       "marketplace%2Fsignin%2Fazure&code_verifier=verifier"));
    assert_int_equal(json_str(json_obj(rq, "headers"), "authorization").n, 0);
    cJSON_Delete(log);
    az.cfg.azure.sign_in_secret_file = az.secret;
    rules_for(jwk[0], CLAIMS ",\"email\":\"work@example.com\"", 0);
    sign_in();
    assert_string_equal(az.who.email, "work@example.com");
    assert_int_equal(az_requests("GET", "/entra/common/"), 0); /* the keys are kept */
    log = scripted_log();
    rq = az_request(log, "POST", "/entra/common/", 0);
    assert_true(str_ends(json_str(rq, "body"), STR("&client_secret=s3cr%26t")));
    cJSON_Delete(log);
}

static void tokens_that_do_not_count(void **state)
{
    static const struct {
        const char *claims, *code;
    } rows[] = {
        {"\"aud\":\"other\",\"iss\":\"" ISSUER "\",\"tid\":\"" TID "\",\"oid\":\"" OID
         "\",\"nonce\":\"n-1\"",
         "audience"},
        {"\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"tid\":\"" TID "\",\"oid\":\"" OID
         "\",\"nonce\":\"n-2\"",
         "claim"},
        {"\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"tid\":\"" TID "\",\"oid\":\"" OID "\"",
         "claim"},
        /* Another tenant's issuer, the template itself, another host. */
        {"\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"tid\":\"evil\",\"oid\":\"" OID
         "\",\"nonce\":\"n-1\"",
         "issuer"},
        {"\"aud\":\"sign-in-app\",\"iss\":\"https://login.microsoftonline.com/{tenantid}/v2.0\","
         "\"tid\":\"" TID "\",\"oid\":\"" OID "\",\"nonce\":\"n-1\"",
         "issuer"},
        {"\"aud\":\"sign-in-app\",\"iss\":\"https://evil.example/" TID "/v2.0\",\"tid\":\"" TID
         "\",\"oid\":\"" OID "\",\"nonce\":\"n-1\"",
         "issuer"},
        {"\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"oid\":\"" OID "\",\"nonce\":\"n-1\"",
         "NoTenantOrObject"},
        {"\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"tid\":\"" TID "\",\"nonce\":\"n-1\"",
         "NoTenantOrObject"},
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        rules_for(jwk[0], rows[i].claims, 0);
        sign_in();
        assert_int_equal(az.cls, MARKET_INVALID);
        assert_string_equal(az.code, rows[i].code);
    }
    rules_for(jwk[0], CLAIMS, 0);
    clock_set_offset_ms(2 * 3600 * 1000);
    sign_in();
    clock_set_offset_ms(0);
    assert_int_equal(az.cls, MARKET_INVALID);
    assert_string_equal(az.code, "expired");
    /* Clocks may differ by some minutes. */
    rules_for(jwk[0], CLAIMS, 0);
    clock_set_offset_ms(-120 * 1000);
    sign_in();
    clock_set_offset_ms(0);
    assert_int_equal(az.cls, MARKET_OK);
}

/* Without a code, a verifier and a nonce nothing binds the token to this browser. */
static void nothing_is_asked_without_what_binds_it(void **state)
{
    (void)state;
    NEED_PEER();
    rules_for(jwk[0],
              "\"aud\":\"sign-in-app\",\"iss\":\"" ISSUER "\",\"tid\":\"" TID "\",\"oid\":\"" OID
              "\",\"nonce\":\"\"",
              0);
    for (int i = 0; i < 3; i++) {
        sign_in_by(i == 0 ? STR("") : STR("c0de"), i == 1 ? STR("") : STR("verifier"),
                   i == 2 ? STR("") : STR("n-1"));
        assert_int_equal(az.cls, MARKET_INVALID);
        assert_string_equal(az.code, "NoCode");
    }
    az.cfg.azure.sign_in_secret_file = "/nonexistent/secret";
    sign_in();
    assert_int_equal(az.cls, MARKET_CONFIG);
    assert_string_equal(az.code, "SignInSecretUnreadable");
    assert_int_equal(az_requests("POST", "/entra/common/"), 0);
}

static void codes_that_are_refused(void **state)
{
    static const struct {
        const char *answer;
        enum market_class cls;
        const char *code;
    } rows[] = {
        {"\"status\":400,\"body\":{\"error\":\"invalid_grant\",\"error_description\":"
         "\"AADSTS54005: redeemed already\",\"error_codes\":[54005]}",
         MARKET_INVALID, "AADSTS54005"},
        {"\"status\":401,\"body\":{\"error\":\"invalid_client\",\"error_description\":"
         "\"AADSTS7000222: expired\"}",
         MARKET_CONFIG, "AADSTS7000222"},
        /* What the buyer mends by signing in again. */
        {"\"status\":400,\"body\":{\"error\":\"interaction_required\"}", MARKET_INVALID,
         "interaction_required"},
        {"\"status\":400,\"body\":{\"error\":\"consent_required\"}", MARKET_INVALID,
         "consent_required"},
        {"\"status\":400,\"body\":{\"error\":\"login_required\"}", MARKET_INVALID,
         "login_required"},
        {"\"status\":403,\"body\":{\"error\":\"access_denied\"}", MARKET_INVALID, "access_denied"},
        {"\"status\":503", MARKET_RETRY, "Http503"},
        {"\"status\":500,\"body\":{\"error\":\"access_denied\"}", MARKET_RETRY, "access_denied"},
        {"\"status\":404", MARKET_CONFIG, "Http404"},
        {"\"body\":{\"access_token\":\"x\"}", MARKET_INVALID, "NoIdToken"},
    };
    char rules[4096];

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(rules, sizeof(rules),
                 "[{\"path\":\"/entra/common/discovery/v2.0/keys\",\"body\":{\"keys\":[%s]}},"
                 "{\"path\":\"/entra/common/oauth2/v2.0/token\",%s}]",
                 jwk[0], rows[i].answer);
        scripted_rules(rules);
        sign_in();
        assert_int_equal(az.cls, rows[i].cls);
        assert_string_equal(az.code, rows[i].code);
    }
    /* Without keys the code is not spent. */
    az_reopen();
    scripted_rules("[{\"path\":\"/entra/common/*\",\"status\":503}]");
    sign_in();
    assert_int_equal(az.cls, MARKET_RETRY);
    assert_int_equal(az_requests("POST", "/entra"), 0);
    az.cfg.azure.sign_in_client_id = "";
    sign_in();
    assert_int_equal(az.cls, MARKET_CONFIG);
}

static void an_unknown_key_is_no_storm(void **state)
{
    (void)state;
    NEED_PEER();
    rules_for(jwk[0], CLAIMS, 1);
    for (int i = 0; i < 5; i++) {
        sign_in();
        assert_int_equal(az.cls, MARKET_INVALID);
        assert_string_equal(az.code, jwt_fault_name(JWT_KID));
    }
    assert_int_equal(az_requests("GET", "/entra/common/"), 1);
}

static void keys_are_fetched_again(void **state)
{
    struct azure *m = azure_of(az.market);
    const uint64_t five = 5 * 60000, day = 24 * 60 * 60000;

    (void)state;
    NEED_PEER();
    rules_for(jwk[0], CLAIMS, 0);
    sign_in();
    assert_int_equal(az.cls, MARKET_OK);
    /* After a day; and where they cannot be had the old ones serve. */
    m->sign_in_keys_at -= day;
    sign_in();
    assert_int_equal(az.cls, MARKET_OK);
    assert_int_equal(az_requests("GET", "/entra/common/"), 2);
    for (int i = 0; i < 2; i++) {
        rules_for(i ? "" : NULL, CLAIMS, 0);
        m->sign_in_keys_at -= day;
        sign_in();
        assert_int_equal(az.cls, MARKET_OK);
        assert_int_equal(az_requests("GET", "/entra/common/"), 1);
    }
    /* They rolled: once for a token, whatever comes of it. */
    m->sign_in_keys_at = clock_mono_ms() - five;
    rules_for("", CLAIMS, 1);
    sign_in();
    assert_int_equal(az.cls, MARKET_INVALID);
    assert_int_equal(az_requests("GET", "/entra/common/"), 1);
    rules_for(jwk[1], CLAIMS, 1);
    sign_in();
    assert_int_equal(az.cls, MARKET_OK);
}

/* --- key sets -------------------------------------------------------------------------------- */

static void key_rules(const char *v2, const char *v1)
{
    char rules[8192];

    snprintf(rules, sizeof(rules),
             "[{\"path\":\"/entra/tid/discovery/v2.0/keys\",%s},"
             "{\"path\":\"/entra/tid/discovery/keys\",%s}]",
             v2, v1);
    scripted_rules(rules);
    az_begin();
    market_azure.keys(az.market, az_on_keys, NULL);
    az_wait();
}

static void both_lists_are_one(void **state)
{
    struct jwk_set *set = NULL;
    char v2[4096], v1[4096];

    (void)state;
    NEED_PEER();
    snprintf(v2, sizeof(v2), "\"body\":{\"keys\":[%s,{\"kty\":\"EC\",\"kid\":\"ec\"}]}", jwk[0]);
    snprintf(v1, sizeof(v1), "\"body\":{\"keys\":[%s,%s]}", jwk[0], jwk[1]);
    key_rules(v2, v1);
    assert_int_equal(az.cls, MARKET_OK);
    assert_true(az.ttl == 24 * 3600 * 1000ULL);
    assert_null(strstr(az.keys, "x5c"));
    assert_int_equal(jwk_set_parse(str_of(az.keys), &set), 0);
    assert_int_equal(jwk_set_count(set), 2);
    assert_true(jwk_set_has(set, STR("k0")) && jwk_set_has(set, STR("k1")));
    jwk_set_free(&set);
    key_rules(v2, "\"status\":503");
    assert_int_equal(az.cls, MARKET_OK);
    assert_true(az.ttl < 3600 * 1000);
    key_rules("\"status\":503", v1);
    assert_int_equal(az.cls, MARKET_OK);
    assert_true(az.ttl < 3600 * 1000);
    key_rules(v2, "\"status\":404");
    assert_true(az.ttl == 24 * 3600 * 1000ULL);
    key_rules("\"status\":503", "\"status\":503");
    assert_int_equal(az.cls, MARKET_RETRY);
    key_rules("\"body\":{\"keys\":[]}", "\"body\":\"<html>\"");
    assert_int_equal(az.cls, MARKET_RETRY);
    assert_string_equal(az.code, "NotJson");
    key_rules("\"body\":{\"keys\":[]}", "\"body\":{\"keys\":[]}");
    assert_int_equal(az.cls, MARKET_RETRY);
    assert_string_equal(az.code, "NoKeys");
    key_rules("\"status\":403", "\"status\":403");
    assert_int_equal(az.cls, MARKET_CONFIG);
}

/* What the front could not keep, or would not use, is not given to it. */
static void key_lists_are_bounded(void **state)
{
    char list[8000], long_kid[JWK_KID_MAX + 2];
    size_t n = 0, found = 0;

    (void)state;
    NEED_PEER();
    memset(long_kid, 'x', sizeof(long_kid));
    long_kid[sizeof(long_kid) - 1] = '\0';
    n = (size_t)snprintf(list, sizeof(list),
                         "\"body\":{\"keys\":[{\"kty\":\"EC\",\"kid\":\"ec\"},"
                         "{\"kty\":\"RSA\",\"kid\":\"%s\"}",
                         long_kid);
    for (int i = 0; i < JWK_KEYS + 2; i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, ",{\"kty\":\"RSA\",\"kid\":\"k%d\"}", i);
    snprintf(list + n, sizeof(list) - n, "]}");
    key_rules(list, "\"status\":404");
    assert_int_equal(az.cls, MARKET_OK);
    for (const char *p = az.keys; (p = strstr(p, "\"kid\"")); p++)
        found++;
    assert_int_equal(found, JWK_KEYS);
    assert_null(strstr(az.keys, "\"ec\""));
    assert_null(strstr(az.keys, "xx"));
}

/* --- certificate --------------------------------------------------------------------------------
 */

/* The assertion names its key by x5t: looked at by hand. */
static void check_assertion(struct str token)
{
    char head[256], aud[256], iss[64], jti[64];
    struct str rest;
    struct buf x5t;
    ssize_t n;

    buf_init(&x5t, 200);
    assert_int_equal(jwt_x5t(str_of(cert), &x5t), 0);
    n = enc_b64url_dec(str_cut(token, '.', &rest), head, sizeof(head) - 1);
    assert_true(n > 0);
    head[n] = '\0';
    assert_non_null(strstr(head, buf_cstr(&x5t)));
    assert_non_null(strstr(head, "RS256"));
    buf_free(&x5t);
    assert_int_equal(jwt_peek(token, "aud", aud, sizeof(aud)), 0);
    assert_int_equal(jwt_peek(token, "iss", iss, sizeof(iss)), 0);
    assert_int_equal(jwt_peek(token, "jti", jti, sizeof(jti)), 0);
    assert_true(str_ends(str_of(aud), STR("/entra/tid/oauth2/v2.0/token")));
    assert_string_equal(iss, "app");
    assert_int_equal(strlen(jti), 32);
}

static void with_certificate(char cert_file[96], char key_file[96])
{
    az_write("cert.pem", cert, cert_file, 96);
    az_write("key.pem", pem[0], key_file, 96);
    az.cfg.azure.client_secret_file = "";
    az.cfg.azure.certificate_file = cert_file;
    az.cfg.azure.key_file = key_file;
    az_reopen();
}

static void a_certificate_instead_of_a_secret(void **state)
{
    char cert_file[96], key_file[96], body[8192];
    cJSON *log;

    (void)state;
    NEED_PEER();
    with_certificate(cert_file, key_file);
    scripted_rules("[" TOKEN_RULE "," GET_SUB("Unsubscribed", "") "]");
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_OK);
    log = scripted_log();
    assert_int_equal(
        str_copy(json_str(az_request(log, "POST", "/entra/", 0), "body"), body, sizeof(body)), 0);
    cJSON_Delete(log);
    assert_non_null(strstr(body, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
                                 "client-assertion-type%3Ajwt-bearer&client_assertion="));
    assert_null(strstr(body, "client_secret"));
    check_assertion(str_of(strstr(body, "client_assertion=") + strlen("client_assertion=")));
    unlink(key_file);
    az_reopen();
    az_refresh(SUB, "");
    assert_int_equal(az.cls, MARKET_CONFIG);
    assert_string_equal(az.code, "KeyFileUnreadable");
    az_write("key.pem", "not a key", key_file, sizeof(key_file));
    az_reopen();
    az_refresh(SUB, "");
    assert_string_equal(az.code, "CertificateOrKeyUnusable");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, az_setup, az_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_person_signs_in),
        CASE(tokens_that_do_not_count),
        CASE(codes_that_are_refused),
        CASE(an_unknown_key_is_no_storm),
        CASE(nothing_is_asked_without_what_binds_it),
        CASE(keys_are_fetched_again),
        CASE(both_lists_are_one),
        CASE(key_lists_are_bounded),
        CASE(a_certificate_instead_of_a_secret),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
