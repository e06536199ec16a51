/*
 * hook_trust: whose word is a webhook's token? Pure: keys, token and time in, verdict out.
 *
 * azure (azure.md 6, "JWT validation"): aud = our app (azure.client_id), tid = our tenant, iss =
 * the v1 or v2 issuer of that tenant, caller (v1 appid, v2 azp) = Microsoft's marketplace, 300 s
 * of skew. gcp (gcp.md 3, push): aud = gcp.push_audience, email = gcp.push_account and verified,
 * iss = Google's, 60 s.
 */
#ifndef LM_HOOK_TRUST_H
#define LM_HOOK_TRUST_H

#include "base/jwt.h"
#include "config/config.h"

/* Has this product inbound events? */
bool hook_trusts(const struct cfg_market *m);
/* On JWT_OK *until_ms is when the token ends, by the same clock as now_ms. */
enum jwt_fault hook_trust(const struct cfg_market *m, const struct jwk_set *keys, struct str token,
                          int64_t now_ms, int64_t *until_ms);

#endif
