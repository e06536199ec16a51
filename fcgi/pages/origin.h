/*
 * origin: may this POST change anything? Fetch Metadata first, Origin where it is missing.
 *
 * Sec-Fetch-Site must be same-origin when it is there. Without it Origin must be the public
 * origin; "null" counts as absent, because our own Referrer-Policy: no-referrer makes browsers
 * send exactly that with our forms (Fetch standard, "serializing a request origin"). With neither
 * the form's token decides alone, which is bound to the registration id that the address holds.
 */
#ifndef LM_ORIGIN_H
#define LM_ORIGIN_H

#include "req.h"

bool origin_ok(const struct req *r);

#endif
