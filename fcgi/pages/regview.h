/* regview: the pages of a registration: checking, form, resume. */
#ifndef LM_REGVIEW_H
#define LM_REGVIEW_H

#include "pages/fields.h"
#include "pages/page.h"
#include "pages/reg.h"

/* One row of "what was bought": label from the catalogue key; nothing for an empty value. */
void regview_bought(struct page *p, const char *key, struct str value);
/* The row of the buyer's (masked) account, named as the channel names it. */
void regview_account(struct page *p, struct str masked);
/* Fills plan, term, quantity and account of the page from the registration. */
void regview_purchase(struct page *p, const struct reg *g);
/* How long it lasts: until when, where the channel has said it; before that how long (iso, such as
 * P1Y). */
struct str regview_term(struct page *p, int64_t ends, bool trial, struct str iso);
/* status 200; 422 with errors in fs; 503 when the store is in trouble. reg NULL: not known. */
void regview_form(struct req *r, const struct reg_id *id, const struct reg *g,
                  const struct fields *fs, int status);
void regview_checking(struct req *r, const struct reg_id *id, const struct reg *g);
/* Puts what the sign-in told into empty fields: proposals that the buyer may change. */
void regview_propose(struct fields *fs, const struct reg *g);
void regview_resume(struct req *r, const struct reg_id *id, const struct reg *g);

#endif
