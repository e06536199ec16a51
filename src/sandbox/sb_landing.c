#include "sandbox/sb_landing.h"

size_t sb_landing(const struct sb_purchase *p, const char *token,
                  struct sb_landing_field out[SB_LANDING_FIELDS])
{
    size_t n = 0;

    out[n++] = (struct sb_landing_field){"x-amzn-marketplace-token", token};
    if (p->trial)
        out[n++] = (struct sb_landing_field){"x-amzn-marketplace-offer-type", "free-trial"};
    out[n++] = (struct sb_landing_field){"x-amzn-marketplace-product-id", p->product->id};
    if (p->product->mode == SB_MODE_CONCURRENT)
        out[n++] = (struct sb_landing_field){"x-amzn-marketplace-agreement-id", p->agreement};
    out[n++] = (struct sb_landing_field){"x-amzn-marketplace-fulfillment-url", p->product->landing};
    return n;
}
