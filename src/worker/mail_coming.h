/*
 * mail_coming: the sentence about a change of plan or quantity that comes later, for mails that
 * name the plan. The status page says the same (coming.* of its catalogue).
 */
#ifndef LM_MAIL_COMING_H
#define LM_MAIL_COMING_H

#include "base/arena.h"
#include "store/coming.h"

/* With the empty line behind it; empty where nothing comes. market may be NULL. */
struct str mail_coming_text(struct arena *a, const struct cfg_market *market,
                            const struct coming *c);

#endif
