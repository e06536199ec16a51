/* notice: pages of one message: help, refusals, errors. */
#ifndef LM_NOTICE_H
#define LM_NOTICE_H

#include "pages/page.h"

/* key names <key>.title, .lead, .1, .2 ...; tone: "info", "warn" or "bad". */
void notice_send(struct page *p, int status, const char *key, const char *tone);
/* The page of a registration that the channel refused; code as the worker stored it. */
void notice_refused(struct req *r, const struct cfg_market *m, struct str code);
/* The catalogue key of such a refusal: "refused.expired" ... */
const char *notice_refused_key(struct str code);
/* The one 404 of unknown, expired and malformed links. */
void notice_unknown_link(struct req *r);
/* The store is in trouble: 503 and Retry-After. */
void notice_busy(struct req *r, const struct cfg_market *m);

#endif
