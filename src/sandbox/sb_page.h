/*
 * sb_page: the HTML of the store page. Every text from elsewhere goes through sb_page_text().
 */
#ifndef LM_SB_PAGE_H
#define LM_SB_PAGE_H

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"
#include "sandbox/sb_purchase.h"

extern const char sb_page_css[];
extern const char sb_page_js[];

/* For text and for attribute values in double quotes. */
void sb_page_text(struct buf *b, const char *text);
void sb_page_begin(struct buf *b, const char *title);
void sb_page_end(struct buf *b);
/* An answer of this status that is a page, empty as yet, and is not cached. */
void sb_page_open(struct sb_resp *resp, unsigned status, const char *csp);
/* The whole store; done: what was just done, or "". */
void sb_page_store(const struct sb *s, struct buf *b, const char *done);
/* The form that sends the browser to the seller, by itself where scripts run. */
void sb_page_handover(struct buf *b, const struct sb_purchase *p, const char *token);
void sb_page_sorry(struct buf *b, const char *why);

#endif
