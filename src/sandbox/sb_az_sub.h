/*
 * sb_az_sub: subscriptions: a purchase, its purchase tokens, its start, and how the API shows it.
 * The shape is the recorded one (Resolve, Get, List of the fulfilment API).
 */
#ifndef LM_SB_AZ_SUB_H
#define LM_SB_AZ_SUB_H

#include "sandbox/sb_az.h"

struct sb_az_buy {
    const struct sb_az_product *product;
    const struct sb_az_plan *plan;
    const struct sb_az_person *purchaser, *beneficiary; /* NULL: alice for bob */
    struct str name, private_offer;
    int64_t quantity, start_in_ms;
    bool trial, test, reseller, activate_fails, auto_activate;
};

/* 0 and *out, or -EINVAL / -ENOBUFS with a sentence in *why. */
int sb_az_buy(struct sb *s, const struct sb_az_buy *b, struct sb_az_sub **out, const char **why);
/* A new purchase token: standard base64 that holds a plus and a slash. NULL: too many. */
const struct sb_az_token *sb_az_token_new(struct sb *s, const struct sb_az_sub *sub);
const struct sb_az_token *sb_az_token(const struct sb_az *az, struct str value);
void sb_az_token_expire(struct sb *s, const struct sb_az_sub *sub);
/* The subscription runs from now on: state and first term. */
void sb_az_start(struct sb *s, struct sb_az_sub *sub);
/* The next term follows the present one. */
void sb_az_renew(struct sb *s, struct sb_az_sub *sub);
/* The landing page's address with the token; raw: not escaped, as some portals do. */
void sb_az_landing(const struct sb_az_sub *sub, const char *token, bool raw, struct buf *out);

/* The subscription object. */
void sb_az_sub_write(const struct sb *s, struct jsonw *w, const struct sb_az_sub *sub);
/* "key": quantity in the style that is set; seats: this plan has them. */
void sb_az_quantity_write(const struct sb *s, struct jsonw *w, bool seats, int64_t quantity);
/* "key": time in the style that is set; exact: with seven digits. */
void sb_az_time_write(const struct sb *s, struct jsonw *w, const char *key, int64_t ms, bool exact);

#endif
