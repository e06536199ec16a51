/*
 * jwt_rig: keys, key sets and tokens for tests, made with the crypto library directly, so that
 * nothing of base/jwt.h is on both sides. Include once per test program.
 */
#ifndef LM_JWT_RIG_H
#define LM_JWT_RIG_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/enc.h"
#include "base/jwt.h"

#define RIG_UNUSED __attribute__((unused))
#define RIG_TEXT   (512 * 1024)

enum rig_alg { RIG_RS256, RIG_RS384, RIG_PS256, RIG_HS256_PEM, RIG_HS256_DER };

static RIG_UNUSED EVP_PKEY *rig_rsa(unsigned bits)
{
    EVP_PKEY *k = EVP_RSA_gen(bits);

    assert_non_null(k);
    return k;
}

static RIG_UNUSED void rig_bn(const BIGNUM *v, struct buf *out)
{
    uint8_t raw[2048];
    int n = BN_bn2bin(v, raw);

    enc_b64url(out, raw, (size_t)n);
}

/* {"kty":"RSA","kid":...,"n":...,"e":...<more>} */
static RIG_UNUSED void rig_jwk(EVP_PKEY *k, const char *kid, const char *more, struct buf *out)
{
    BIGNUM *n = NULL, *e = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    buf_fmt(out, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"", kid);
    rig_bn(n, out);
    buf_cat(out, "\",\"e\":\"");
    rig_bn(e, out);
    buf_fmt(out, "\"%s}", more);
    BN_free(n);
    BN_free(e);
}

static RIG_UNUSED void rig_bio(BIO *bio, struct buf *out)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    buf_add(out, p, (size_t)n);
    BIO_free(bio);
}

static RIG_UNUSED void rig_private_pem(EVP_PKEY *k, bool pkcs1, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (pkcs1)
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, k, NULL, NULL, 0, NULL, NULL),
                         1);
    else
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, k, NULL, NULL, 0, NULL, NULL), 1);
    rig_bio(bio, out);
}

static RIG_UNUSED void rig_public(EVP_PKEY *k, bool pem, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (pem)
        assert_int_equal(PEM_write_bio_PUBKEY(bio, k), 1);
    else
        assert_int_equal(i2d_PUBKEY_bio(bio, k), 1);
    rig_bio(bio, out);
}

static RIG_UNUSED X509 *rig_x509(EVP_PKEY *k)
{
    X509 *c = X509_new();
    X509_NAME *name = X509_get_subject_name(c);

    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"t", -1, -1, 0);
    X509_set_issuer_name(c, name);
    X509_set_pubkey(c, k);
    assert_true(X509_sign(c, k, EVP_sha256()) > 0);
    return c;
}

/* Line ends as \n escapes when it is to stand in JSON. */
static RIG_UNUSED void rig_cert(EVP_PKEY *k, bool escaped, struct buf *out)
{
    X509 *c = rig_x509(k);
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    long n;

    assert_int_equal(PEM_write_bio_X509(bio, c), 1);
    n = BIO_get_mem_data(bio, &p);
    for (long i = 0; i < n; i++) {
        if (escaped && p[i] == '\n')
            buf_cat(out, "\\n");
        else
            buf_ch(out, p[i]);
    }
    BIO_free(bio);
    X509_free(c);
}

static RIG_UNUSED size_t rig_rsa_sign(EVP_PKEY *k, enum rig_alg alg, struct str text, uint8_t *sig,
                                      size_t cap)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pk;

    assert_int_equal(
        EVP_DigestSignInit(md, &pk, alg == RIG_RS384 ? EVP_sha384() : EVP_sha256(), NULL, k), 1);
    if (alg == RIG_PS256)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pk, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_DigestSign(md, sig, &cap, (const uint8_t *)text.p, text.n), 1);
    EVP_MD_CTX_free(md);
    return cap;
}

/* header.payload, each as it stands, signed. */
static RIG_UNUSED void rig_sign(EVP_PKEY *k, enum rig_alg alg, struct str header,
                                struct str payload, struct buf *out)
{
    uint8_t sig[2048];
    struct buf secret;
    unsigned mac = 0;
    size_t n;

    buf_reset(out);
    enc_b64url(out, header.p, header.n);
    buf_ch(out, '.');
    enc_b64url(out, payload.p, payload.n);
    if (alg < RIG_HS256_PEM) {
        n = rig_rsa_sign(k, alg, buf_view(out), sig, sizeof(sig));
    } else {
        buf_init(&secret, 8192);
        rig_public(k, alg == RIG_HS256_PEM, &secret);
        assert_non_null(HMAC(EVP_sha256(), secret.p, (int)secret.len, (const uint8_t *)out->p,
                             out->len, sig, &mac));
        n = mac;
        buf_free(&secret);
    }
    buf_ch(out, '.');
    enc_b64url(out, sig, n);
    assert_int_equal(buf_err(out), 0);
}

#endif
