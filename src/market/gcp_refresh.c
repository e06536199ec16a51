/* Reads a purchase again. Its account, too, while the sign-up is not known to be approved, and as
 * long as nothing has begun: a sign-up can be taken back (accounts.reset), and what is held waits
 * for a new one. */
#include <string.h>

#include "market/gcp.h"

static void done(struct gcp_job *j)
{
    gcp_job_end(j, MARKET_OK, j->side_code, 0);
}

static void signup(struct gcp_job *j)
{
    if (j->p.standing == STANDING_ENDED || !*j->p.account) {
        done(j);
    } else if (gcp_begun(&j->p) && gcp_approved_has(j->m, j->p.account)) {
        j->p.unattended = true;
        done(j);
    } else {
        j->after = done;
        gcp_account(j);
    }
}

static void begin(struct gcp_job *j)
{
    j->after = signup;
    gcp_entitlement(j);
}

void gcp_refresh(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                 void *arg)
{
    struct gcp_job *j = gcp_job_new(m, 64 * 1024, begin, gcp_result_end, arg);

    if (!j) {
        cb(arg, &(struct market_result){MARKET_RETRY, "NoMemory", 0, market_purchase_none});
        return;
    }
    j->cb.result = cb;
    gcp_known(j, known);
    if (known->unattended)
        gcp_approved_add(j->m, known->account);
}
