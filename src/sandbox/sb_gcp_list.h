/*
 * sb_gcp_list: what lists of the Procurement API share: pageSize, pageToken, and the filter of
 * entitlements.list (its grammar is the text of that parameter in the discovery document).
 */
#ifndef LM_SB_GCP_LIST_H
#define LM_SB_GCP_LIST_H

#include "sandbox/sb_gcp_call.h"

/* Newest first: a page begins below index `from`. 0 or sb_gcp_fail(). */
int sb_gcp_list_page(struct sb_gcp_call *c, size_t dflt, size_t have, size_t *size, size_t *from);
/* nextPageToken: the page that begins below index next. */
void sb_gcp_list_next(struct sb_gcp_call *c, size_t next);
/* Does the entitlement fit? 1, 0, or -EINVAL: the filter is malformed. Empty: all. */
int sb_gcp_list_match(struct str filter, const struct sb_gcp_ent *e);

#endif
