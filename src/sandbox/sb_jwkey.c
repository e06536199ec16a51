#include "sandbox/sb_jwkey.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/enc.h"

/* Valid from far back to far ahead: the sandbox's clock may be moved. */
static X509 *make_cert(EVP_PKEY *key, const char *cn)
{
    X509 *x = X509_new();
    X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
    const unsigned char *text = (const unsigned char *)cn;

    if (x && X509_set_version(x, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -366L * 86400) &&
        X509_gmtime_adj(X509_getm_notAfter(x), 10L * 366 * 86400) && X509_set_pubkey(x, key) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) &&
        X509_set_issuer_name(x, name) && X509_sign(x, key, EVP_sha256()))
        return x;
    X509_free(x);
    return NULL;
}

static int digest_text(const X509 *x, const EVP_MD *md, bool hex, char *out, size_t cap)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf b;

    if (!X509_digest(x, md, raw, &n))
        return -EIO;
    buf_init(&b, cap - 1);
    if (hex)
        enc_hex(&b, raw, n);
    else
        enc_b64url(&b, raw, n);
    int rc = str_copy(buf_view(&b), out, cap);
    if (rc == 0)
        rc = buf_err(&b);
    buf_free(&b);
    return rc;
}

int sb_jwkey_print(const X509 *x, const EVP_MD *md, char *out, size_t cap)
{
    return digest_text(x, md, false, out, cap);
}

int sb_jwkey_make(struct sb_jwkey *k, const char *cn, enum sb_jws_kid form)
{
    int rc = -EIO;

    memset(k, 0, sizeof(*k));
    k->key = EVP_RSA_gen(2048);
    k->cert = k->key ? make_cert(k->key, cn) : NULL;
    if (k->cert)
        rc = digest_text(k->cert, EVP_sha1(), form == SB_JWS_KID_GOOGLE, k->kid, sizeof(k->kid));
    if (rc == 0)
        rc = digest_text(k->cert, EVP_sha1(), false, k->x5t, sizeof(k->x5t));
    if (rc)
        sb_jwkey_free(k);
    return rc;
}

void sb_jwkey_free(struct sb_jwkey *k)
{
    X509_free(k->cert);
    EVP_PKEY_free(k->key);
    memset(k, 0, sizeof(*k));
}

int sb_jwkey_sign(const struct sb_jwkey *k, struct str text, struct buf *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t n = sizeof(sig);
    int rc = -EIO;

    if (ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->key) == 1 &&
        EVP_DigestSign(ctx, sig, &n, (const unsigned char *)text.p, text.n) == 1) {
        enc_b64url(out, sig, n);
        rc = buf_err(out);
    }
    EVP_MD_CTX_free(ctx);
    return rc;
}

bool sb_jwkey_good(EVP_PKEY *key, struct str text, struct str sig)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
              EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n,
                               (const unsigned char *)text.p, text.n) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static int take_bio(BIO *bio, bool ok, struct buf *out)
{
    char *p = NULL;
    int rc = -EIO;

    if (ok) {
        long n = BIO_get_mem_data(bio, &p);
        buf_add(out, p, (size_t)n);
        rc = buf_err(out);
    }
    BIO_free(bio);
    return rc;
}

int sb_jwkey_cert_pem(const struct sb_jwkey *k, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return take_bio(bio, bio && PEM_write_bio_X509(bio, k->cert), out);
}

int sb_jwkey_public_pem(const struct sb_jwkey *k, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    return take_bio(bio, bio && PEM_write_bio_PUBKEY(bio, k->key), out);
}

static void number(struct jsonw *w, const char *name, const struct sb_jwkey *k, const char *param)
{
    unsigned char raw[512];
    BIGNUM *bn = NULL;
    struct buf b;

    buf_init(&b, 1024);
    if (EVP_PKEY_get_bn_param(k->key, param, &bn) && BN_num_bytes(bn) <= (int)sizeof(raw))
        enc_b64url(&b, raw, (size_t)BN_bn2bin(bn, raw));
    jsonw_kvs(w, name, buf_view(&b));
    buf_free(&b);
    BN_free(bn);
}

static void chain(struct jsonw *w, const struct sb_jwkey *k)
{
    unsigned char *der = NULL;
    int n = i2d_X509(k->cert, &der);
    struct buf b;

    buf_init(&b, 8192);
    if (n > 0)
        enc_b64(&b, der, (size_t)n);
    jsonw_key(w, "x5c");
    jsonw_arr(w);
    jsonw_str(w, buf_view(&b));
    jsonw_arr_end(w);
    buf_free(&b);
    OPENSSL_free(der);
}

int sb_jwkey_write(const struct sb_jwkey *k, enum sb_jws_kid form, struct str issuer,
                   struct jsonw *w)
{
    jsonw_obj(w);
    jsonw_kvs(w, "kty", STR("RSA"));
    jsonw_kvs(w, "use", STR("sig"));
    jsonw_kvs(w, "kid", str_of(k->kid));
    if (form == SB_JWS_KID_GOOGLE)
        jsonw_kvs(w, "alg", STR("RS256"));
    else
        jsonw_kvs(w, "x5t", str_of(k->x5t));
    number(w, "n", k, OSSL_PKEY_PARAM_RSA_N);
    number(w, "e", k, OSSL_PKEY_PARAM_RSA_E);
    if (form == SB_JWS_KID_ENTRA)
        chain(w, k);
    jsonw_kvs_opt(w, "issuer", issuer);
    jsonw_obj_end(w);
    return buf_err(w->b);
}

X509 *sb_jwkey_read_cert(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return x;
}

EVP_PKEY *sb_jwkey_read(struct str pem)
{
    X509 *x = sb_jwkey_read_cert(pem);
    EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;

    X509_free(x);
    for (int private = 0; !key && private < 2; private ++) {
        BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
        if (bio)
            key = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
                          : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }
    return key;
}
