#include "net/sigv4.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "net/sigv4_canon.h"

enum { MAC = 32, CANON_MAX = 256 * 1024, SHORT_MAX = 4096 };

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

struct mac {
    unsigned char b[MAC];
};

static int sha256_hex(struct str s, char out[65])
{
    unsigned char raw[MAC];

    if (EVP_Digest(s.p ? s.p : "", s.n, raw, NULL, EVP_sha256(), NULL) != 1)
        return -EINVAL;
    sodium_bin2hex(out, 65, raw, sizeof(raw));
    return 0;
}

static int hmac(const void *key, size_t n, struct str msg, struct mac *out)
{
    unsigned len = MAC;

    return HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)msg.p, msg.n, out->b, &len)
               ? 0
               : -EINVAL;
}

/* kSigning = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request") */
static int signing_key(const struct sigv4_request *rq, const char *secret, struct str day,
                       struct mac *key)
{
    char seed[256];
    int rc = -EINVAL;
    size_t n = strlen(secret) + 4;

    if (n < sizeof(seed)) {
        memcpy(seed, "AWS4", 4);
        memcpy(seed + 4, secret, n - 4);
        rc = hmac(seed, n, day, key);
    }
    sodium_memzero(seed, sizeof(seed));
    if (rc == 0)
        rc = hmac(key->b, MAC, str_of(rq->region), key);
    if (rc == 0)
        rc = hmac(key->b, MAC, str_of(rq->service), key);
    return rc ? rc : hmac(key->b, MAC, STR("aws4_request"), key);
}

static int authorize(const struct sigv4_request *rq, const struct sigv4_credentials *cred,
                     struct str signed_headers, struct sigv4_result *out)
{
    struct str day = str_make(out->date, 8);
    char digest[65];
    struct mac key, sig;
    int rc = sha256_hex(buf_view(&out->canonical), digest);

    if (rc)
        return rc;
    buf_fmt(&out->string_to_sign, "%s\n%s\n%.*s/%s/%s/aws4_request\n%s", ALGORITHM, out->date,
            STR_FMT(day), rq->region, rq->service, digest);
    rc = signing_key(rq, cred->secret_access_key, day, &key);
    if (rc == 0)
        rc = hmac(key.b, MAC, buf_view(&out->string_to_sign), &sig);
    if (rc == 0) {
        buf_fmt(
            &out->authorization,
            "%s Credential=%s/%.*s/%s/%s/aws4_request, SignedHeaders=%.*s, Signature=", ALGORITHM,
            cred->access_key_id, STR_FMT(day), rq->region, rq->service, STR_FMT(signed_headers));
        enc_hex(&out->authorization, sig.b, MAC);
    }
    sodium_memzero(&key, sizeof(key));
    return rc;
}

static bool field_ok(const char *s)
{
    return s && *s && str_text(str_of(s));
}

int sigv4_sign(const struct sigv4_request *rq, const struct sigv4_credentials *cred,
               struct sigv4_result *out)
{
    const char *token = cred->session_token ? cred->session_token : "";
    struct buf names;
    int rc;

    *out = (struct sigv4_result){.date = ""};
    buf_init(&out->canonical, CANON_MAX);
    buf_init(&out->string_to_sign, SHORT_MAX);
    buf_init(&out->authorization, SHORT_MAX);
    buf_init(&names, SHORT_MAX);
    if (!field_ok(rq->method) || !field_ok(rq->region) || !field_ok(rq->service) ||
        !field_ok(cred->access_key_id) || !field_ok(cred->secret_access_key))
        return -EINVAL;
    clock_basic(rq->now_ms, out->date);
    rc = sha256_hex(rq->body, out->payload_hash);
    if (rc == 0)
        rc = sigv4_canonical(rq, out->date, rq->token_unsigned ? "" : token, out->payload_hash,
                             &out->canonical, &names);
    if (rc == 0)
        rc = authorize(rq, cred, buf_view(&names), out);
    if (rc == 0 &&
        (buf_err(&out->canonical) || buf_err(&out->string_to_sign) || buf_err(&out->authorization)))
        rc = -ENOMEM;
    buf_free(&names);
    return rc;
}

void sigv4_free(struct sigv4_result *r)
{
    /* The canonical form holds the session token. */
    if (r->canonical.p)
        sodium_memzero(r->canonical.p, r->canonical.cap);
    buf_free(&r->canonical);
    buf_free(&r->string_to_sign);
    buf_free(&r->authorization);
}
