/*
 * mail_money: what a mail to a buyer says about the charge. Pure. The status page says more
 * (fcgi/pages/billing.h); a mail says only what the buyer may be afraid of at that moment.
 */
#ifndef LM_MAIL_MONEY_H
#define LM_MAIL_MONEY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct mail_money {
    const char *kind;            /* of the mail: registered, ready, ... */
    struct str channel;          /* aws, azure, gcp */
    struct str contract, commit; /* fields of the order */
    bool early;                  /* plans.x.commit: at-registration */
};

/* A paragraph with its empty line, or the empty slice. Lives in the arena or is static. */
struct str mail_money_text(struct arena *a, const struct mail_money *m);

#endif
