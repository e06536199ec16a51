/*
 * sb_gcp_auth: the ways to an access token: the service account's signed assertion (RFC 7523, as
 * "Using OAuth 2.0 for server to server applications" asks for it), the security token service
 * and IAM credentials of workload identity federation (discovery documents sts v1 and
 * iamcredentials v1), and the metadata server of Google's machines.
 */
#ifndef LM_SB_GCP_AUTH_H
#define LM_SB_GCP_AUTH_H

#include "sandbox/sb_gcp.h"
#include "sandbox/sb_msg.h"

/* A live token of the request's Authorization header; NULL otherwise. Owned by s. */
const struct sb_gcp_bearer *sb_gcp_auth_bearer(const struct sb *s, const struct sb_req *req);
bool sb_gcp_auth_scoped(const struct sb_gcp_bearer *b, bool pubsub);
/* A new token; NULL: no room. Owned by s. */
const struct sb_gcp_bearer *sb_gcp_auth_new(struct sb *s, const char *email, struct str scope);
/* {"error","error_description"} of RFC 6749 */
void sb_gcp_auth_error(struct sb_resp *resp, unsigned status, const char *error,
                       const char *description);
void sb_gcp_auth_answer(const struct sb *s, struct sb_resp *resp, const struct sb_gcp_bearer *b,
                        const char *issued_type);

/* sb_gcp_fed.c */
void sb_gcp_fed_sts(struct sb *s, const struct sb_req *req, struct sb_resp *resp);
void sb_gcp_fed_iam(struct sb *s, const struct sb_req *req, struct sb_resp *resp);
void sb_gcp_fed_metadata(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

/* False: not an address of these. */
bool sb_gcp_auth_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
