/*
 * reg: a registration as its handlers see it: the id out of the path, the record out of the store
 * as a typed structure, and the wait of a fresh landing for the channel's answer.
 *
 * Everything lives in the request's arena.
 */
#ifndef LM_REG_H
#define LM_REG_H

#include "base/id.h"
#include "pages/pages.h"

/* SIGNIN: nobody has signed in yet, or somebody did who may not have this purchase (code). */
enum reg_state { REG_NEW, REG_RESOLVED, REG_REFUSED, REG_SUBMITTED, REG_SIGNIN };

struct reg {
    enum reg_state state;
    struct str channel, product, plan, plan_title, quantity, term, account, code, order, contract;
    struct str id_name, id_email;    /* of who signed in: a proposal, nothing more */
    const struct cfg_market *market; /* NULL: no longer configured */
    const struct cfg_plan *plan_cfg; /* NULL: not known */
    bool trial, registered, ended, final;
    bool made;     /* without a form: where it runs is no question any more */
    bool signs_in; /* only who signed in may see and claim it */
    int64_t starts, ends, created, now, ver;
};

/* An id out of a path, taken apart. */
struct reg_id {
    char text[ID_SECRET];
    unsigned shard;
    struct str rand; /* into text */
    char hash[HASH_HEX];
};

struct reg_call;
/* rc as in store.h; reg is valid when rc is 0 and lives as long as the request. */
typedef void reg_cb(struct req *r, void *arg, int rc, const struct reg *reg);

/* 0 or -EINVAL. */
int reg_id_parse(const struct req *r, struct str text, struct reg_id *out);
/* The capability that belongs to a registration, and its hash. */
void reg_capability(const struct reg_id *id, unsigned shard, char cap[ID_SECRET],
                    char hash[HASH_HEX]);
/* Reads the record. wait_ms > 0: asks again while it is new, up to that long and as far as the
 * request's deadline allows. */
void reg_load(struct req *r, const struct reg_id *id, uint64_t wait_ms, reg_cb *cb, void *arg);
/* Hidden field of the forms of a registration: HMAC under its secret id, 43 base64url letters. */
void reg_csrf(const struct reg_id *id, char out[48]);
/* "new" ... */
const char *reg_state_name(enum reg_state s);
/* A buyer may register although the channel has not answered: it was asked and could not, or it
 * takes too long. The form is accepted and parked. Never where buyers sign in: whose purchase it
 * is stands in the answer. */
bool reg_parked(const struct reg *g);

#endif
