/*
 * sb_jwkey: one RSA key with its certificate, below sb_jws. Keys: RFC 7518 section 6.3;
 * signature RS256: section 3.3 (PKCS#1 v1.5 with SHA-256).
 */
#ifndef LM_SB_JWKEY_H
#define LM_SB_JWKEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/json.h"
#include "sandbox/sb_jws.h"

struct sb_jwkey {
    EVP_PKEY *key;
    X509 *cert;
    char kid[SB_JWS_KID];
    char x5t[28];
};

/* 0, -EIO or -ENOMEM; on failure k is empty. */
int sb_jwkey_make(struct sb_jwkey *k, const char *cn, enum sb_jws_kid form);
void sb_jwkey_free(struct sb_jwkey *k);
/* Appends the base64url signature over text. 0, -EIO, -ENOBUFS. */
int sb_jwkey_sign(const struct sb_jwkey *k, struct str text, struct buf *out);
/* Is sig (raw bytes) key's RS256 signature of text? */
bool sb_jwkey_good(EVP_PKEY *key, struct str text, struct str sig);
/* Appends PEM. 0 or -EIO. */
int sb_jwkey_cert_pem(const struct sb_jwkey *k, struct buf *out);
int sb_jwkey_public_pem(const struct sb_jwkey *k, struct buf *out);
/* One member of a JWKS. 0 or -EIO. */
int sb_jwkey_write(const struct sb_jwkey *k, enum sb_jws_kid form, struct str issuer,
                   struct jsonw *w);
/* The public key of PEM text of any of the three kinds; NULL when there is none. */
EVP_PKEY *sb_jwkey_read(struct str pem);
X509 *sb_jwkey_read_cert(struct str pem);
/* base64url of the digest (sha1 or sha256) of the certificate, with NUL. 0 or -EIO. */
int sb_jwkey_print(const X509 *x, const EVP_MD *md, char *out, size_t cap);

#endif
