/*
 * hash: SHA-256, HMAC-SHA-256 and constant-time comparison (libsodium).
 * Call crypto_init() once at program start before anything else here or in rand.h, seal.h.
 */
#ifndef LM_HASH_H
#define LM_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HASH_LEN 32
#define HASH_HEX 65 /* with NUL */

int crypto_init(void); /* 0 or -EIO */
void hash_sha256(struct str s, uint8_t out[HASH_LEN]);
void hash_sha256_hex(struct str s, char out[HASH_HEX]);
void hash_hmac(struct str key, struct str msg, uint8_t out[HASH_LEN]);

#endif
