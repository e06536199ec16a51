/*
 * sb_landing: the form with which a buyer's browser comes to the seller ("Set up your account"):
 * POST to the fulfilment URL, application/x-www-form-urlencoded (AWS Marketplace seller guide,
 * saas-product-customer-setup). x-amzn-marketplace-token always; offer-type only for free trials;
 * the other fields are undocumented but have been seen in use.
 */
#ifndef LM_SB_LANDING_H
#define LM_SB_LANDING_H

#include "sandbox/sb_purchase.h"

struct sb_landing_field {
    const char *name;
    const char *value; /* borrowed from the purchase or the token */
};

#define SB_LANDING_FIELDS 5

/* Number of fields. */
size_t sb_landing(const struct sb_purchase *p, const char *token,
                  struct sb_landing_field out[SB_LANDING_FIELDS]);

#endif
