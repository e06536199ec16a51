/*
 * seal: libsodium sealed boxes. The front seals with the market role's public key and cannot
 * open; only the market role holds the secret key. Keys are files of 64 hex digits; the secret
 * key file must be mode 0600 or stricter. seal_keygen() writes both (the `lastmile keygen` way).
 */
#ifndef LM_SEAL_H
#define LM_SEAL_H

#include <stdint.h>

#include "base/buf.h"

#define SEAL_KEY 32

struct seal_pub {
    uint8_t k[SEAL_KEY];
};
struct seal_key {
    uint8_t pk[SEAL_KEY];
    uint8_t sk[SEAL_KEY]; /* wipe with seal_wipe() */
};

int seal_keygen(const char *secret_path, const char *public_path);
int seal_load_pub(const char *path, struct seal_pub *out);
int seal_load_key(const char *path, struct seal_key *out);
void seal_wipe(struct seal_key *k);
/* Appends the base64 text of the box. */
int seal_box(const struct seal_pub *pk, struct str msg, struct buf *out);
/* 0, -EINVAL not base64 or not a box, -EKEYREJECTED not for this key. */
int seal_open(const struct seal_key *k, struct str b64, struct buf *out);

#endif
