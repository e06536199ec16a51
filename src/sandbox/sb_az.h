/*
 * sb_az: what the sandbox remembers when it plays Microsoft: the publisher's credentials, the
 * offers, subscriptions, their operations with every delivery, purchase tokens and sign-in codes.
 * Words and rules: pc-saas-fulfillment-life-cycle, -subscription-api, -operations-api and -webhook
 * (Partner Center documentation), and the OpenAPI file of the fulfilment API 2018-08-31.
 * Everything hangs on s->az, which is NULL without a publisher. Thread rule: under the lock.
 */
#ifndef LM_SB_AZ_H
#define LM_SB_AZ_H

#include "base/json.h"
#include "sandbox/sb_core.h"
#include "sandbox/sb_id.h"
#include "sandbox/sb_jws.h"
#include "sandbox/sb_product.h"

#define SB_AZ_RESOURCE  "20e940b3-4c77-4b0b-9a53-9e16a1b010a7" /* the fulfilment API's app */
#define SB_AZ_MSA       "9188040d-6c67-4c5b-b112-36a304b66dad" /* tenant of personal accounts */
#define SB_AZ_FOREIGN   "https://main.prod.marketplaceapi.azure.com/api" /* as in bodies */
#define SB_AZ_VERSION   "2018-08-31"
#define SB_AZ_TOKEN     217 /* 160 bytes in base64, with NUL */
#define SB_AZ_GUID      SB_ID_UUID
#define SB_AZ_BODY      3500
#define SB_AZ_REDIRECTS 8

struct sb_az_plan {
    char id[64];
    char title[128];
    char price[64];
    char term[16]; /* ISO 8601 duration */
    bool auto_activate, seats, hidden;
    int64_t trial_days, min_seats, max_seats;
};

struct sb_az_product {
    char name[64];
    char title[128];
    char offer[64];
    char publisher[64];
    char landing[1024];
    char webhook[1024];
    struct sb_az_plan plans[SB_PLANS_MAX];
    size_t nplans; /* at least 1 */
};

/* A person with an account in some Entra tenant. */
struct sb_az_person {
    const char *name; /* how controls call them */
    const char *shown;
    const char *email; /* "" = the account has none */
    const char *login; /* preferred_username */
    const char *oid, *tid, *puid;
};

enum sb_az_status { SB_AZ_PENDING, SB_AZ_SUBSCRIBED, SB_AZ_SUSPENDED, SB_AZ_GONE, SB_AZ_STATES };

struct sb_az_sub {
    char id[SB_AZ_GUID];
    char name[128];
    const struct sb_az_product *product;
    const struct sb_az_plan *plan;
    int64_t quantity; /* 0 = the plan is not per seat */
    enum sb_az_status status;
    const struct sb_az_person *purchaser, *beneficiary;
    bool trial, test, reseller, auto_renew, activate_fails, has_term;
    char private_offer[SB_AZ_GUID]; /* "" = public */
    int64_t created_ms, start_ms, end_ms, suspended_ms, ended_ms;
    int64_t settle_ms;  /* when a received activation takes effect; 0 = none */
    int64_t not_before; /* future-dated offers */
    int64_t activates;  /* activate calls that were answered 200 */
    int64_t activated;  /* how often that started the subscription */
};

struct sb_az_token {
    char value[SB_AZ_TOKEN];
    const struct sb_az_sub *sub;
    int64_t expires_ms;
};

enum sb_az_opstate {
    SB_AZ_NOT_STARTED,
    SB_AZ_IN_PROGRESS,
    SB_AZ_SUCCEEDED,
    SB_AZ_FAILED,
    SB_AZ_CONFLICT,
    SB_AZ_OPSTATES
};

struct sb_az_op {
    char id[SB_AZ_GUID];
    char activity[SB_AZ_GUID];
    char action[32];
    struct sb_az_sub *sub;
    const struct sb_az_plan *plan; /* asked for */
    int64_t quantity;
    bool partner; /* operationRequestSource */
    bool minimal; /* its webhook has six members */
    bool revert;  /* changes back what was rejected */
    enum sb_az_opstate state;
    int64_t created_ms;
    int64_t begin_ms;                /* a publisher's change takes effect then */
    int64_t accept_ms;               /* accepts itself then; 0 = not yet known */
    char by[12];                     /* what settled it: publisher, refused, clock, unanswered */
    unsigned sent, answered, failed; /* deliveries: all, answered 2xx, anything else */
    unsigned last;                   /* HTTP status of the last answer */
    unsigned settled;                /* PATCH calls that counted */
    bool posted;                     /* the webhook need not be sent again */
    char body[SB_AZ_BODY];           /* of the webhook, as first sent */
};

/* One word each; sb_az_set.c has the names. */
enum sb_az_quantity { SB_AZ_Q_ABSENT, SB_AZ_Q_NULL, SB_AZ_Q_EMPTY, SB_AZ_Q_STRING };
enum sb_az_times { SB_AZ_T_SEVEN, SB_AZ_T_WHOLE, SB_AZ_T_NO_ZONE };

struct sb_az_set {
    int64_t settle_ms, change_ms, auto_accept_ms, redeliver_ms, redeliver_max, suspend_days,
        jwt_version, token_s, page_size, unknown_operation;
    int64_t quantity, times; /* enum sb_az_quantity, enum sb_az_times */
    bool padded, extra, sparse, minimal, strict_activate, revert, secret_expired, every_operation;
    uint32_t signin_attack; /* SB_AZ_H_..., used once */
};

struct sb_az_seller {
    char tenant[SB_AZ_GUID];
    char client[SB_AZ_GUID];
    char secret[257]; /* "" = none */
    char cert[8192];  /* PEM; "" = none */
    char signin[SB_AZ_GUID];
    char signin_secret[257]; /* "" = public client */
    char redirect[SB_AZ_REDIRECTS][512];
    size_t nredirects;
};

struct sb_az {
    struct sb_az_seller seller;
    char service_oid[SB_AZ_GUID]; /* of the publisher's service principal */
    struct sb_az_set set;
    struct sb_jws *keys;
    struct sb_vec products; /* struct sb_az_product */
    struct sb_vec subs;     /* struct sb_az_sub */
    struct sb_vec tokens;   /* struct sb_az_token */
    struct sb_vec ops;      /* struct sb_az_op */
    struct sb_vec codes;    /* struct sb_az_code */
    struct sb_vec strikes;  /* struct sb_az_strike: attacks that wait for an answer */
    int64_t tick_at;        /* when the next timer fires; 0 = none is set */
};

/* Makes s->az with default settings. 0 or -ENOMEM. */
int sb_az_new(struct sb *s);
void sb_az_free(struct sb *s);
/* What time brings: activations, self-acceptance, ends of suspensions; and a timer for the next
 * of these. Also without s->az. */
void sb_az_tick(struct sb *s);

const struct sb_az_person *sb_az_person(struct str name);
/* The i-th person, NULL after the last. */
const struct sb_az_person *sb_az_person_at(size_t i);
const struct sb_az_product *sb_az_product(const struct sb_az *az, struct str name);
/* By id; empty: the first. NULL when there is none. */
const struct sb_az_plan *sb_az_plan(const struct sb_az_product *p, struct str id);
struct sb_az_sub *sb_az_sub(const struct sb_az *az, struct str id);
struct sb_az_op *sb_az_op(const struct sb_az *az, struct str id);
/* The operation of this subscription that is not settled yet, or NULL. */
struct sb_az_op *sb_az_pending(const struct sb_az *az, const struct sb_az_sub *sub);
const char *sb_az_status(enum sb_az_status status);
const char *sb_az_opstate(enum sb_az_opstate state);
/* The offer id as subscriptions show it. out holds 80 characters. */
void sb_az_offer(const struct sb_az_sub *sub, char out[80]);

#endif
