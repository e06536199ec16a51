/*
 * hash: SHA-256, HMAC-SHA-256 and keyed tags (libsodium).
 * Call crypto_init() once at program start before anything else here or in rand.h, seal.h.
 */
#ifndef LM_HASH_H
#define LM_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HASH_LEN 32
#define HASH_HEX 65 /* with NUL */
#define HASH_TAG 16

int crypto_init(void); /* 0 or -EIO */
void hash_sha256(struct str s, uint8_t out[HASH_LEN]);
void hash_sha256_hex(struct str s, char out[HASH_HEX]);
void hash_hmac(struct str key, struct str msg, uint8_t out[HASH_LEN]);
/* SipHash-2-4 of 128 bits: names a secret in a table in memory, at a tenth of what SHA-256 costs.
 * Who does not know the (random) key can neither make two texts of one tag nor learn from it. */
void hash_tag(const uint8_t key[HASH_TAG], struct str s, uint8_t out[HASH_TAG]);

#endif
