/* sb_az_page: the azure part of the store page. */
#ifndef LM_SB_AZ_PAGE_H
#define LM_SB_AZ_PAGE_H

#include "base/buf.h"
#include "sandbox/sb_az.h"

/* Cards, to stand among the others. Nothing without a publisher. */
void sb_az_page_cards(const struct sb *s, struct buf *b);
/* The section with the subscriptions. Nothing without azure listings. */
void sb_az_page_subs(const struct sb *s, struct buf *b);
/* The page after a purchase: the link to the seller. */
void sb_az_page_configure(struct buf *b, const struct sb_az_sub *sub, const char *token);

#endif
