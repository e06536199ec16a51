#include "base/hash.h"

#include <errno.h>
#include <sodium.h>

int crypto_init(void)
{
    return sodium_init() < 0 ? -EIO : 0;
}

void hash_sha256(struct str s, uint8_t out[HASH_LEN])
{
    crypto_hash_sha256(out, (const unsigned char *)s.p, s.n);
}

void hash_sha256_hex(struct str s, char out[HASH_HEX])
{
    uint8_t raw[HASH_LEN];

    hash_sha256(s, raw);
    sodium_bin2hex(out, HASH_HEX, raw, sizeof(raw));
}

void hash_hmac(struct str key, struct str msg, uint8_t out[HASH_LEN])
{
    crypto_auth_hmacsha256_state st;

    crypto_auth_hmacsha256_init(&st, (const unsigned char *)key.p, key.n);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)msg.p, msg.n);
    crypto_auth_hmacsha256_final(&st, out);
}

void hash_tag(const uint8_t key[HASH_TAG], struct str s, uint8_t out[HASH_TAG])
{
    crypto_shorthash_siphashx24(out, (const unsigned char *)s.p, s.n, key);
}
