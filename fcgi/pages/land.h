/* land: a purchase token becomes a registration. Shared by the landing page and the API. */
#ifndef LM_LAND_H
#define LM_LAND_H

#include "base/id.h"
#include "html/form.h"
#include "pages/pages.h"

enum { LAND_TOKEN_MAX = 8192 };

/* rc 0: id is the new registration; -EAGAIN: the store is in trouble. */
typedef void land_cb(struct req *r, int rc, const struct cfg_market *m, const char *id);

/* What is wrong with a token: NULL, or the last part of a key "landing.<it>". count: how often
 * the form has it. */
const char *land_token_wrong(size_t count, struct str token);
/* Seals the token under a fresh id and stores it; a product that wants a sign-in waits for it.
 * extra: what else the browser brought; kept as evidence, capped, never trusted. */
void land_store(struct req *r, const struct cfg_market *m, struct str token,
                const struct form *extra, land_cb *cb);

#endif
