/* Shared by the gcp_creds*.c files only: what makes requests for access tokens. */
#ifndef LM_GCP_CREDS_H
#define LM_GCP_CREDS_H

#include "market/gcp.h"

#define GCP_SCOPE "https://www.googleapis.com/auth/cloud-platform"

enum { GCP_FILE_MAX = 64 * 1024, GCP_LIFE_S = 3600 };

void gcp_creds_wipe(struct buf *b);
/* One member of a form body. */
void gcp_creds_form(struct buf *b, const char *key, struct str value);
/* As struct oauth_source's make(). file: of type external_account. */
int gcp_creds_exchange(const struct cfg_gcp *cfg, const cJSON *file, struct oauth_request *rq,
                       const char **why);
int gcp_creds_impersonate(const struct cfg_gcp *cfg, const cJSON *file, struct str previous,
                          struct oauth_request *rq, const char **why);

#endif
