/* sb_gcp_page: the Google part of the store page, and its forms. */
#ifndef LM_SB_GCP_PAGE_H
#define LM_SB_GCP_PAGE_H

#include "sandbox/sb_gcp.h"
#include "sandbox/sb_msg.h"

/* Cards, to stand among the others. */
void sb_gcp_page_cards(const struct sb *s, struct buf *b);
/* The section with the orders. Nothing without Google listings. */
void sb_gcp_page_orders(const struct sb *s, struct buf *b);
/* The form that takes the browser to the seller with a token, by itself where scripts run; with
 * token NULL a link. */
void sb_gcp_page_handover(struct buf *b, const struct sb_gcp_ent *e, const char *url,
                          const char *token);

/* POST /sandbox/gcp/subscribe, /sandbox/gcp/purchases/{id}/{action}. False: not one of these. */
bool sb_gcp_store(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
