/*
 * sb_purchase: what buyers did. A purchase is one agreement with one licence; in a legacy
 * listing it is one subscription of one account, and the licence stays our own secret.
 *
 * Life: buy, then upgrade, renew, cancel, advisory in any order. An upgrade by replacement and a
 * renewal of a concurrent listing make a *new* purchase (new agreement, new licence ARN) and end
 * the old one as REPLACED or RENEWED; everything else changes the purchase in place. Every change
 * sends the events that AWS would send (sb_event.h). After the end, usage is taken for one more
 * hour. Sources: AWS Marketplace seller guide, saas-eventbridge-integration,
 * saas-product-customer-setup, saas-free-trials.
 *
 * Functions return 0, -EINVAL (arguments), -EEXIST, -EPERM (not in this state) or -ENOBUFS, with
 * a sentence in *why. Purchases live until sb_core_free().
 */
#ifndef LM_SB_PURCHASE_H
#define LM_SB_PURCHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "sandbox/sb_core.h"
#include "sandbox/sb_product.h"

enum sb_status {
    SB_ACTIVE,
    SB_CANCELLED,
    SB_EXPIRED,
    SB_TERMINATED,
    SB_RENEWED,
    SB_REPLACED,
    SB_STATUSES
};

struct sb_purchase {
    char id[16];
    char agreement[64];
    char license[40];      /* "l-..." */
    char license_arn[160]; /* as ResolveCustomer returns it */
    char account[16];
    char customer[32]; /* CustomerIdentifier; legacy listings only */
    char offer[40];
    char previous[64]; /* agreement that this one renewed or replaced */
    const struct sb_product *product;
    const struct sb_plan *plan;
    int64_t quantity;
    enum sb_status status;
    bool trial, advisory, cppo, auto_renew;
    int64_t accepted_ms, start_ms;
    int64_t end_ms;         /* 0 = open end */
    int64_t provisioned_ms; /* from here on the licence entitles */
    int64_t ended_ms;       /* 0 = lives */
};

struct sb_buy {
    const struct sb_product *product;
    const struct sb_plan *plan;
    int64_t quantity;   /* 0 = the plan's */
    struct str account; /* empty = the default buyer */
    struct str agreement;
    bool trial, cppo;
    bool fail;           /* legacy: the payment fails after the landing */
    int64_t settle_ms;   /* licence comes so much later */
    int64_t start_in_ms; /* future-dated agreement */
    int64_t days;        /* contract length; 0 = 365 */
};

struct sb_change {
    const struct sb_plan *plan; /* upgrade */
    int64_t quantity;
    bool replace;        /* upgrade by a new agreement */
    bool link;           /* the new agreement names the previous one */
    bool ended_first;    /* the old agreement's events go out first */
    int64_t start_in_ms; /* renewal: agreed upon now, begins so much later */
};

#define SB_DEFAULT_ACCOUNT "845735284135"

const char *sb_purchase_status(enum sb_status st);
/* By own id, agreement id or licence id (of any ARN form). */
struct sb_purchase *sb_purchase_find(const struct sb *s, struct str id);
struct sb_purchase *sb_purchase_by_license(const struct sb *s, struct str arn);

int sb_purchase_buy(struct sb *s, const struct sb_buy *b, struct sb_purchase **out,
                    const char **why);
/* *out is the purchase that counts from now on. */
int sb_purchase_upgrade(struct sb *s, struct sb_purchase *p, const struct sb_change *c,
                        struct sb_purchase **out, const char **why);
int sb_purchase_renew(struct sb *s, struct sb_purchase *p, const struct sb_change *c,
                      struct sb_purchase **out, const char **why);
int sb_purchase_cancel(struct sb *s, struct sb_purchase *p, enum sb_status st, const char **why);
int sb_purchase_advise(struct sb *s, struct sb_purchase *p, bool issue, const char **why);
/* Ends what has run out by the sandbox's clock. Called before every request is answered. */
void sb_purchase_tick(struct sb *s);
/* Entitled now: provisioned and not ended. */
bool sb_purchase_entitled(const struct sb *s, const struct sb_purchase *p);

#endif
