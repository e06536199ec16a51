/*
 * sb_jws: a ring of RSA-2048 signing keys, as an issuer of JSON Web Tokens holds one. Each key has
 * a kid and a self-signed certificate; the newest signs, all that are published verify.
 *
 * Keys are made at first use and live as long as the ring (not across restarts: to a client that
 * looks like a rotation). Forms: RFC 7515 (compact serialization), RFC 7517 and 7518 (JWK of an
 * RSA key). kid: SHA-1 of the certificate, base64url as Entra prints it (equal to x5t) or 40 hex
 * digits as Google does.
 * Ownership: the ring is the caller's until sb_jws_free(). Thread rule: under the sandbox's lock.
 */
#ifndef LM_SB_JWS_H
#define LM_SB_JWS_H

#include <stdbool.h>

#include "base/buf.h"

#define SB_JWS_KEYS 4  /* published at most */
#define SB_JWS_KID  41 /* with NUL */

enum sb_jws_kid { SB_JWS_KID_ENTRA, SB_JWS_KID_GOOGLE };

/* How a token is signed. All but GOOD are attacks that a receiver must refuse. */
enum sb_jws_how {
    SB_JWS_GOOD,
    SB_JWS_NONE,        /* alg none, empty signature */
    SB_JWS_HS256,       /* HMAC keyed with the PEM text of the current public key */
    SB_JWS_UNKNOWN_KID, /* a good signature by a key that is never published */
    SB_JWS_WRONG_KEY    /* the published kid, but signed by that other key */
};

struct sb_jws;

/* cn: common name of the certificates, a static string. NULL: no memory. */
struct sb_jws *sb_jws_new(const char *cn, enum sb_jws_kid form);
void sb_jws_free(struct sb_jws **ring);
/* Appends header.payload.signature. payload: JSON text of the claims. x5t: the header names the
 * certificate too (Entra). 0, -EIO, -ENOMEM or -ENOBUFS. */
int sb_jws_sign(struct sb_jws *ring, enum sb_jws_how how, bool x5t, struct str payload,
                struct buf *out);
/* The same with a header of the caller's; signed RS256 with the current key, whatever it says. */
int sb_jws_sign_raw(struct sb_jws *ring, struct str header, struct str payload, struct buf *out);
/* {"keys":[{"kty","use","kid","alg"?,"n","e","x5t"?,"x5c"?,"issuer"?}]}: Entra's keys carry x5t,
 * x5c and, when issuer is not empty, that; Google's carry alg. Same errors. */
int sb_jws_jwks(struct sb_jws *ring, struct str issuer, struct buf *out);
/* {"<kid>":"-----BEGIN CERTIFICATE-----\n...", ...} */
int sb_jws_certs(struct sb_jws *ring, struct buf *out);
/* A new key signs from now on. overlap: the older ones stay published (the oldest goes when the
 * ring is full); otherwise they are gone at once, as after a leak. */
int sb_jws_rotate(struct sb_jws *ring, bool overlap);
/* kid of the signing key; "" when none can be made. */
const char *sb_jws_current(struct sb_jws *ring);
/* Verifies a compact token that this ring signed with any published key. 0 with the claims
 * appended to payload, -EBADMSG, -ENOBUFS. Times and claims are the caller's to check. */
int sb_jws_verify(struct sb_jws *ring, struct str token, struct buf *payload);
/* Verifies RS256 by a foreign key: pem holds a certificate, a public or a private key. header and
 * payload get the decoded JSON texts. 0, -EBADMSG (not RS256, bad form or signature), -EINVAL (no
 * usable key in pem), -ENOBUFS. */
int sb_jws_verify_pem(struct str token, struct str pem, struct buf *header, struct buf *payload);
/* SHA-1 and SHA-256 of the first certificate in pem, base64url: x5t and x5t#S256.
 * 0 or -EINVAL. */
int sb_jws_thumbprint(struct str pem, char sha1[28], char sha256[44]);

#endif
