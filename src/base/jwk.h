/*
 * jwk: the inside of a key set, for jwt.c and jwk.c alone; everybody else uses base/jwt.h.
 */
#ifndef LM_JWK_H
#define LM_JWK_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/jwt.h"

enum { JWK_BITS_MIN = 2048, JWK_BITS_MAX = 8192, JWK_PEM_MAX = 16384 };

struct jwk_key {
    char kid[JWK_KID_MAX];
    EVP_PKEY *key;
};

struct jwk_set {
    size_t n;
    struct jwk_key k[JWK_KEYS];
};

/* Borrowed; NULL: not in the set. */
EVP_PKEY *jwk_find(const struct jwk_set *s, struct str kid);
/* An RSA key (not RSA-PSS) of an accepted size. */
bool jwk_usable(const EVP_PKEY *key);
/* For X509_free(); NULL: not a PEM certificate. */
X509 *jwk_pem_cert(struct str pem);
/* A PEM password callback that has none, so that nothing is ever asked on a terminal. */
int jwk_no_password(char *dst, int cap, int writing, void *ctx);

#endif
