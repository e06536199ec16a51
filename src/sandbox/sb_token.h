/*
 * sb_token: registration tokens. Valid for four hours, reusable, always the same answer (AWS
 * seller guide, saas-product-customer-setup). Opaque and with the characters that need escaping.
 */
#ifndef LM_SB_TOKEN_H
#define LM_SB_TOKEN_H

#include "sandbox/sb_purchase.h"

#define SB_TOKEN         384
#define SB_TOKEN_LIFE_MS (4 * (int64_t)SB_HOUR_MS)

struct sb_token {
    char value[SB_TOKEN];
    struct sb_purchase *purchase;
    int64_t expires_ms;
};

/* A fresh token; NULL when there is no room. Owned by s. */
const struct sb_token *sb_token_new(struct sb *s, struct sb_purchase *p);
/* Expired ones too; NULL: never issued. */
const struct sb_token *sb_token_find(const struct sb *s, struct str value);
/* Expires all tokens of the purchase; how many that were. */
size_t sb_token_expire(struct sb *s, const struct sb_purchase *p);

#endif
