/*
 * sb_az_jwt: the tokens that Entra issues: access tokens for the fulfilment API, webhook tokens
 * ("Securing your webhooks": aud = the publisher's app, appid or azp = the fulfilment API's), ID
 * tokens. Claims: learn.microsoft.com access-token and id-token claims references.
 * Entra keeps the real time: moving the store's clock does not spoil tokens.
 */
#ifndef LM_SB_AZ_JWT_H
#define LM_SB_AZ_JWT_H

#include "sandbox/sb_az.h"

/* What is wrong with a token or a delivery; may be combined. */
enum sb_az_wrong {
    SB_AZ_W_NONE = 1 << 0, /* alg none */
    SB_AZ_W_HS256 = 1 << 1,
    SB_AZ_W_KID = 1 << 2, /* unknown kid */
    SB_AZ_W_KEY = 1 << 3, /* known kid, other key */
    SB_AZ_W_AUD = 1 << 4,
    SB_AZ_W_ISS = 1 << 5,
    SB_AZ_W_TID = 1 << 6, /* another tenant throughout: tid and iss */
    SB_AZ_W_CALLER = 1 << 7,
    SB_AZ_W_SWAPPED = 1 << 8,
    SB_AZ_W_EXPIRED = 1 << 9,
    SB_AZ_W_FUTURE = 1 << 10,
    SB_AZ_W_NONCE = 1 << 11,
    /* of a delivery */
    SB_AZ_W_NO_AUTH = 1 << 12,
    SB_AZ_W_TWO_AUTH = 1 << 13,
    SB_AZ_W_GARBAGE = 1 << 14,
    SB_AZ_W_HUGE = 1 << 15,
    SB_AZ_W_FORGED = 1 << 16, /* nothing wrong but the content */
    SB_AZ_W_TYPE = 1 << 17
};

/* Bits for a list of words (docs/sandbox.md); -EINVAL for an unknown one. */
int sb_az_wrong(const cJSON *words, uint32_t *out);

/* All append a compact token; 0, -EIO, -ENOMEM or -ENOBUFS. */
int sb_az_jwt_webhook(struct sb *s, uint32_t wrong, struct buf *out);
int sb_az_jwt_access(struct sb *s, const char *aud, int64_t life_s, struct buf *out);
int sb_az_jwt_id(struct sb *s, const struct sb_az_person *p, struct str nonce, bool email,
                 uint32_t wrong, struct buf *out);
/* Is this a token for the fulfilment API by the publisher's app that is valid now? */
bool sb_az_jwt_check(struct sb *s, struct str token);

#endif
