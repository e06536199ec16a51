#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/jwk.h"
#include "base/jwt.h"

enum { SHA1_LEN = 20 };

struct jwt_key {
    EVP_PKEY *key;
};

int jwt_key_load(struct str pem, struct jwt_key **out)
{
    struct jwt_key *k;
    BIO *bio;

    *out = NULL;
    if (pem.n == 0 || pem.n > JWK_PEM_MAX)
        return -EKEYREJECTED;
    k = calloc(1, sizeof(*k));
    bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (!k || !bio) {
        free(k);
        BIO_free(bio);
        return -ENOMEM;
    }
    ERR_set_mark();
    k->key = PEM_read_bio_PrivateKey(bio, NULL, jwk_no_password, NULL);
    ERR_pop_to_mark();
    BIO_free(bio);
    if (!jwk_usable(k->key)) {
        jwt_key_free(&k);
        return -EKEYREJECTED;
    }
    *out = k;
    return 0;
}

void jwt_key_free(struct jwt_key **k)
{
    if (!*k)
        return;
    EVP_PKEY_free((*k)->key);
    free(*k);
    *k = NULL;
}

static bool says_rs256(struct str header)
{
    cJSON *v = NULL;
    bool yes = json_parse(header, JWT_MAX, &v) == 0 && str_is(json_str(v, "alg"), "RS256");

    cJSON_Delete(v);
    return yes;
}

static int sign(EVP_PKEY *key, struct str text, uint8_t *sig, size_t *n)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pk;
    bool ok;

    if (!md)
        return -ENOMEM;
    ERR_set_mark();
    ok = EVP_DigestSignInit(md, &pk, EVP_sha256(), NULL, key) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(pk, RSA_PKCS1_PADDING) == 1 &&
         EVP_DigestSign(md, sig, n, (const uint8_t *)text.p, text.n) == 1;
    ERR_pop_to_mark();
    EVP_MD_CTX_free(md);
    return ok ? 0 : -EKEYREJECTED;
}

int jwt_sign(const struct jwt_key *k, struct str head, struct str payload, struct buf *out)
{
    uint8_t sig[JWK_BITS_MAX / 8];
    size_t n = sizeof(sig), from = out->len;
    int rc;

    if (!says_rs256(head))
        return -EKEYREJECTED;
    enc_b64url(out, head.p, head.n);
    buf_ch(out, '.');
    enc_b64url(out, payload.p, payload.n);
    if (buf_err(out))
        return -ENOMEM;
    rc = sign(k->key, str_make(out->p + from, out->len - from), sig, &n);
    if (rc)
        return rc;
    buf_ch(out, '.');
    enc_b64url(out, sig, n);
    return buf_err(out) ? -ENOMEM : 0;
}

int jwt_x5t(struct str cert_pem, struct buf *out)
{
    uint8_t sum[SHA1_LEN];
    unsigned n = 0;
    X509 *cert;
    bool ok;

    ERR_set_mark();
    cert = jwk_pem_cert(cert_pem);
    ok = cert && X509_digest(cert, EVP_sha1(), sum, &n) == 1 && n == sizeof(sum);
    ERR_pop_to_mark();
    X509_free(cert);
    if (!ok)
        return -EBADMSG;
    enc_b64url(out, sum, n);
    return buf_err(out) ? -EBADMSG : 0;
}
