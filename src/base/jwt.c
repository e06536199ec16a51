#include "base/jwt.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/jwk.h"

struct parts {
    struct str head, body, sig;
    struct str signed_text;
};

/* RFC 7515 3.1: three base64url parts between two dots, none of them empty. */
static bool split(struct str token, struct parts *out)
{
    struct str rest;

    if (token.n == 0 || token.n > JWT_MAX)
        return false;
    out->head = str_cut(token, '.', &rest);
    out->body = str_cut(rest, '.', &out->sig);
    out->signed_text = str_make(token.p, out->head.n + 1 + out->body.n);
    return out->head.n && out->body.n && out->sig.n && str_chr(out->sig, '.') < 0;
}

static cJSON *object(struct str b64url)
{
    char text[JWT_MAX];
    ssize_t n = enc_b64url_dec(b64url, text, sizeof(text));
    cJSON *v = NULL;

    if (n <= 0 || json_parse(str_make(text, (size_t)n), sizeof(text), &v) != 0)
        return NULL;
    if (cJSON_IsObject(v))
        return v;
    cJSON_Delete(v);
    return NULL;
}

/* "cty":"JWT" marks a nested token (RFC 7519 5.2). */
static enum jwt_fault header(const struct jwk_set *keys, const cJSON *head, EVP_PKEY **key)
{
    struct str kid = json_str(head, "kid");

    if (!str_is(json_str(head, "alg"), "RS256") || json_get(head, "crit"))
        return JWT_ALG;
    if (json_get(head, "cty"))
        return JWT_MALFORMED;
    *key = kid.n ? jwk_find(keys, kid) : NULL;
    return *key ? JWT_OK : JWT_KID;
}

static bool signature(EVP_PKEY *key, const struct parts *p)
{
    uint8_t sig[JWK_BITS_MAX / 8];
    ssize_t n = enc_b64url_dec(p->sig, sig, sizeof(sig));
    EVP_MD_CTX *md;
    EVP_PKEY_CTX *pk;
    bool ok;

    if (n <= 0 || n != EVP_PKEY_get_size(key))
        return false;
    md = EVP_MD_CTX_new();
    ERR_set_mark();
    ok = md && EVP_DigestVerifyInit(md, &pk, EVP_sha256(), NULL, key) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(pk, RSA_PKCS1_PADDING) == 1 &&
         EVP_DigestVerify(md, sig, (size_t)n, (const uint8_t *)p->signed_text.p,
                          p->signed_text.n) == 1;
    ERR_pop_to_mark();
    EVP_MD_CTX_free(md);
    return ok;
}

static enum jwt_fault times(const cJSON *claims, const struct jwt_want *w)
{
    int64_t now = w->now_ms / 1000, skew = w->skew_s, exp, nbf = 0, iat = 0;
    int no_nbf = json_int(claims, "nbf", &nbf), no_iat = json_int(claims, "iat", &iat);

    if (json_int(claims, "exp", &exp) != 0 || no_nbf == -EINVAL || no_iat == -EINVAL)
        return JWT_LIFETIME;
    if (now >= exp + skew)
        return JWT_EXPIRED;
    if ((!no_nbf && nbf > now + skew) || (!no_iat && iat > now + skew))
        return JWT_NOT_YET;
    if (!no_iat && exp < iat)
        return JWT_LIFETIME;
    if (w->max_life_s && (no_iat || exp - iat > w->max_life_s))
        return JWT_LIFETIME;
    return JWT_OK;
}

static bool any_of(const char *const *list, struct str s)
{
    for (; *list; list++)
        if (str_is(s, *list))
            return true;
    return false;
}

static bool audience(const cJSON *claims, const char *const *want)
{
    const cJSON *aud = json_get(claims, "aud");
    bool hit = false;

    if (cJSON_IsString(aud))
        return any_of(want, str_of(aud->valuestring));
    if (!cJSON_IsArray(aud))
        return false;
    for (const cJSON *c = aud->child; c; c = c->next) {
        if (!cJSON_IsString(c))
            return false;
        hit = hit || any_of(want, str_of(c->valuestring));
    }
    return hit;
}

static enum jwt_fault wanted(const cJSON *claims, const struct jwt_want *w)
{
    enum jwt_fault f = times(claims, w);

    if (f != JWT_OK)
        return f;
    if (w->issuers && !any_of(w->issuers, json_str(claims, "iss")))
        return JWT_ISSUER;
    if (w->audiences && !audience(claims, w->audiences))
        return JWT_AUDIENCE;
    for (size_t i = 0; i < w->nclaims; i++) {
        const cJSON *v = json_get(claims, w->claims[i].name);

        if (!cJSON_IsString(v) || !str_is(str_of(v->valuestring), w->claims[i].value))
            return JWT_CLAIM;
    }
    return JWT_OK;
}

enum jwt_fault jwt_verify(const struct jwk_set *keys, struct str token, const struct jwt_want *want,
                          cJSON **claims)
{
    struct parts p;
    EVP_PKEY *key = NULL;
    cJSON *head, *body = NULL;
    enum jwt_fault f;

    *claims = NULL;
    if (!split(token, &p))
        return JWT_MALFORMED;
    head = object(p.head);
    if (!head)
        return JWT_MALFORMED;
    f = header(keys, head, &key);
    if (f == JWT_OK && !signature(key, &p))
        f = JWT_SIGNATURE;
    if (f == JWT_OK) {
        body = object(p.body);
        f = body ? wanted(body, want) : JWT_MALFORMED;
    }
    cJSON_Delete(head);
    if (f == JWT_OK)
        *claims = body;
    else
        cJSON_Delete(body);
    return f;
}

static int member(struct str b64url, const char *name, char *out, size_t cap)
{
    cJSON *v = object(b64url);
    struct str s = v ? json_str(v, name) : str_make(NULL, 0);
    int rc = !v ? -EBADMSG : s.n == 0 ? -ENOENT : str_copy(s, out, cap) ? -EBADMSG : 0;

    cJSON_Delete(v);
    return rc;
}

int jwt_kid(struct str token, char *out, size_t cap)
{
    struct parts p;

    out[0] = '\0';
    return split(token, &p) && member(p.head, "kid", out, cap) == 0 ? 0 : -EBADMSG;
}

int jwt_peek(struct str token, const char *claim, char *out, size_t cap)
{
    struct parts p;

    out[0] = '\0';
    return split(token, &p) ? member(p.body, claim, out, cap) : -EBADMSG;
}

const char *jwt_fault_name(enum jwt_fault f)
{
    static const char *const names[] = {
        [JWT_OK] = "ok",
        [JWT_MALFORMED] = "malformed",
        [JWT_ALG] = "algorithm",
        [JWT_KID] = "unknown key",
        [JWT_SIGNATURE] = "signature",
        [JWT_EXPIRED] = "expired",
        [JWT_NOT_YET] = "not yet valid",
        [JWT_LIFETIME] = "lifetime",
        [JWT_ISSUER] = "issuer",
        [JWT_AUDIENCE] = "audience",
        [JWT_CLAIM] = "claim",
    };

    return (size_t)f < sizeof(names) / sizeof(names[0]) ? names[f] : "unknown";
}
