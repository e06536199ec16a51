/*
 * jwt: RS256 JSON Web Tokens (RFC 7515, 7519), verified and made. Pure: no I/O, no clock, no cache.
 *
 * The algorithm is fixed here, never read from a token: a header that says anything but RS256 is
 * refused, and so are "crit", nested tokens, padding, white space, duplicate members of header or
 * payload and tokens over JWT_MAX. Keys come from a set that the caller trusts; the token only
 * picks one by `kid`. "jwk", "jku", "x5u" and "x5c" of a header are never looked at.
 *
 * Order of the checks: form, header, kid, signature, then time (exp, nbf, iat with skew), then what
 * struct jwt_want asks. Nothing of the payload is believed before the signature.
 *
 * Key sets: RFC 7517 JWKS ({"keys":[{"kty":"RSA","kid","n","e","use"?,"alg"?}]}) or Google's map of
 * kid -> PEM certificate. Keys that are not RSA 2048..8192, or whose "use" or "alg" speaks against
 * signing with RS256, are left out. At most JWK_KEYS keys.
 */
#ifndef LM_JWT_H
#define LM_JWT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { JWT_MAX = 16384, JWK_KEYS = 64, JWK_TEXT_MAX = 256 * 1024, JWK_KID_MAX = 256 };

enum jwt_fault {
    JWT_OK,
    JWT_MALFORMED, /* not three base64url parts of JSON objects, too long, duplicates */
    JWT_ALG,       /* not RS256, or a critical extension */
    JWT_KID,       /* no such key in the set: perhaps rotated */
    JWT_SIGNATURE,
    JWT_EXPIRED,
    JWT_NOT_YET,  /* nbf or iat in the future */
    JWT_LIFETIME, /* exp missing, or exp - iat above the limit */
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_CLAIM /* one of want.claims */
};

struct jwk_set;

/* Parses either form of key set. 0, -EBADMSG, -EMSGSIZE, -ENOENT (no usable key), -ENOMEM. */
int jwk_set_parse(struct str text, struct jwk_set **out);
void jwk_set_free(struct jwk_set **s);
size_t jwk_set_count(const struct jwk_set *s);
bool jwk_set_has(const struct jwk_set *s, struct str kid);

/* A claim that must be a string and equal `value`. */
struct jwt_claim {
    const char *name, *value;
};

struct jwt_want {
    int64_t now_ms;
    uint32_t skew_s;                /* for exp, nbf, iat */
    uint32_t max_life_s;            /* exp - iat; 0: not limited */
    const char *const *issuers;     /* any of, NULL-terminated; NULL: not checked here */
    const char *const *audiences;   /* any of; a token's `aud` may be a text or a list */
    const struct jwt_claim *claims; /* all of */
    size_t nclaims;
};

/* On JWT_OK *claims is the payload (an object, for the caller to cJSON_Delete()); else NULL. want
 * may not be NULL. */
enum jwt_fault jwt_verify(const struct jwk_set *keys, struct str token, const struct jwt_want *want,
                          cJSON **claims);
/* The kid of a token that has not been verified, for the choice of a key set; 0 or -EBADMSG. Copied
 * to out (cap bytes with the NUL). */
int jwt_kid(struct str token, char *out, size_t cap);
/* One string member of the payload of a token that has NOT been verified ("ver" to pick a key list,
 * never for trust); 0, -ENOENT, -EBADMSG. */
int jwt_peek(struct str token, const char *claim, char *out, size_t cap);
const char *jwt_fault_name(enum jwt_fault f); /* "expired" ... */

/* Making tokens: client assertions (RFC 7523). key: PKCS#8 or PKCS#1 PEM. header and payload are
 * complete JSON objects; header must say RS256. 0, -EKEYREJECTED, -ENOMEM. */
struct jwt_key;
int jwt_key_load(struct str pem, struct jwt_key **out);
void jwt_key_free(struct jwt_key **k);
int jwt_sign(const struct jwt_key *k, struct str header, struct str payload, struct buf *out);
/* base64url of the SHA-1 of a PEM certificate's DER ("x5t" of RFC 7515 4.1.7); 0 or -EBADMSG. */
int jwt_x5t(struct str cert_pem, struct buf *out);

#endif
