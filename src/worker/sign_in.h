/*
 * sign_in: who is the buyer of a registration? What his browser brought back from the sign-in page
 * is redeemed, once, and the person is durable before anything else is done with it.
 */
#ifndef LM_SIGN_IN_H
#define LM_SIGN_IN_H

#include "worker/task.h"

struct sign_in {
    struct task *t;
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct market_identity who; /* object "": nobody */
    void (*done)(struct sign_in *s);
    void *user;
};

/* Does this listing want the buyer to sign in? */
bool sign_in_wanted(const struct market_ops *ops, const struct cfg_market *cfg);
/* row: the registration (STORE_REG_LOAD). Calls done() with who; or ends the task: the code was
 * refused (back to the sign-in page), or the identity provider cannot be asked now. */
void sign_in_begin(struct sign_in *s, const struct store_row *row);
/* Sends the buyer back to the sign-in page (code: sign_in_again, wrong_account) and ends the task.
 * submitted: he sent the form already, so there is no way back. */
void sign_in_again(struct task *t, const char *code, bool submitted);

#endif
