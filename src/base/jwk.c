#include "base/jwk.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"

/* A public exponent above this only costs time. */
enum { EXPONENT_BITS = 64 };

int jwk_no_password(char *dst, int cap, int writing, void *ctx)
{
    (void)cap;
    (void)writing;
    (void)ctx;
    dst[0] = '\0';
    return -1;
}

bool jwk_usable(const EVP_PKEY *key)
{
    return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
           EVP_PKEY_get_bits(key) >= JWK_BITS_MIN && EVP_PKEY_get_bits(key) <= JWK_BITS_MAX;
}

X509 *jwk_pem_cert(struct str pem)
{
    X509 *cert = NULL;
    BIO *bio;

    if (pem.n == 0 || pem.n > JWK_PEM_MAX)
        return NULL;
    bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    if (bio)
        cert = PEM_read_bio_X509(bio, NULL, jwk_no_password, NULL);
    BIO_free(bio);
    return cert;
}

/* An odd number of at most max_bits that is more than one. */
static BIGNUM *number(struct str b64url, int max_bits)
{
    uint8_t raw[JWK_BITS_MAX / 8];
    ssize_t n = enc_b64url_dec(b64url, raw, sizeof(raw));
    BIGNUM *v = n > 0 ? BN_bin2bn(raw, (int)n, NULL) : NULL;

    if (v && BN_is_odd(v) && !BN_is_one(v) && BN_num_bits(v) <= max_bits)
        return v;
    BN_free(v);
    return NULL;
}

static EVP_PKEY *key_make(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
        params = OSSL_PARAM_BLD_to_param(bld);
    if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool absent_or(const cJSON *jwk, const char *name, const char *value)
{
    return !json_get(jwk, name) || str_is(json_str(jwk, name), value);
}

static EVP_PKEY *from_jwk(const cJSON *jwk)
{
    BIGNUM *n, *e;
    EVP_PKEY *key = NULL;

    if (!str_is(json_str(jwk, "kty"), "RSA") || !absent_or(jwk, "use", "sig") ||
        !absent_or(jwk, "alg", "RS256"))
        return NULL;
    n = number(json_str(jwk, "n"), JWK_BITS_MAX);
    e = number(json_str(jwk, "e"), EXPONENT_BITS);
    if (n && e && BN_num_bits(n) >= JWK_BITS_MIN)
        key = key_make(n, e);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *from_cert(struct str pem)
{
    X509 *cert = jwk_pem_cert(pem);
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;
    BIGNUM *e = NULL;
    bool good = jwk_usable(key) && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) &&
                BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= EXPONENT_BITS;

    BN_free(e);
    X509_free(cert);
    if (good)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* Takes over key. Of two keys with one kid the first counts. */
static void add(struct jwk_set *s, struct str kid, EVP_PKEY *key)
{
    struct jwk_key *to = &s->k[s->n];

    if (!key || kid.n == 0 || jwk_find(s, kid) || str_copy(kid, to->kid, sizeof(to->kid)) != 0) {
        EVP_PKEY_free(key);
        return;
    }
    to->key = key;
    s->n++;
}

static void collect(struct jwk_set *s, const cJSON *doc)
{
    const cJSON *list = json_arr(doc, "keys");
    const cJSON *v;

    for (v = list ? list->child : doc->child; v && s->n < JWK_KEYS; v = v->next) {
        if (list && cJSON_IsObject(v))
            add(s, json_str(v, "kid"), from_jwk(v));
        else if (!list && cJSON_IsString(v))
            add(s, str_of(v->string), from_cert(str_of(v->valuestring)));
    }
}

int jwk_set_parse(struct str text, struct jwk_set **out)
{
    cJSON *doc;
    struct jwk_set *s;
    int rc = json_parse(text, JWK_TEXT_MAX, &doc);

    *out = NULL;
    if (rc)
        return rc == -EINVAL ? -EBADMSG : rc;
    s = cJSON_IsObject(doc) ? calloc(1, sizeof(*s)) : NULL;
    rc = s ? 0 : cJSON_IsObject(doc) ? -ENOMEM : -EBADMSG;
    if (s) {
        ERR_set_mark();
        collect(s, doc);
        ERR_pop_to_mark();
    }
    cJSON_Delete(doc);
    if (s && s->n == 0) {
        jwk_set_free(&s);
        rc = -ENOENT;
    }
    *out = s;
    return rc;
}

void jwk_set_free(struct jwk_set **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->n; i++)
        EVP_PKEY_free((*s)->k[i].key);
    free(*s);
    *s = NULL;
}

size_t jwk_set_count(const struct jwk_set *s)
{
    return s ? s->n : 0;
}

EVP_PKEY *jwk_find(const struct jwk_set *s, struct str kid)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (str_is(kid, s->k[i].kid))
            return s->k[i].key;
    return NULL;
}

bool jwk_set_has(const struct jwk_set *s, struct str kid)
{
    return jwk_find(s, kid) != NULL;
}
