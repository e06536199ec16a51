/*
 * sb_gcp: Google Cloud Marketplace in the sandbox: listings, procurement accounts, entitlements,
 * Pub/Sub subscriptions, and the settings with which a test chooses among what Google has been
 * seen to do. Written from the discovery documents cloudcommerceprocurement v1 (20251012) and
 * pubsub v1 (20260310) and the partner documentation of Google Cloud Marketplace.
 *
 * Everything hangs at sb->gcp, under the sandbox's lock, and lives until sb_core_free(): records
 * that Google has deleted stay with `deleted` set. Times are UTC milliseconds by the sandbox's
 * clock, except in signed tokens, which go by the wall clock plus settings.auth_skew_ms.
 */
#ifndef LM_SB_GCP_H
#define LM_SB_GCP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "sandbox/sb_core.h"

#define SB_GCP_PLANS  16
#define SB_GCP_HANDLE 16
#define SB_GCP_TIME   32
#define SB_GCP_EMAIL  "lastmile@acme-public.iam.gserviceaccount.com"

struct sb_gcp_plan {
    char plan[64];
    char title[128];
    char price[64];
};

struct sb_gcp_product {
    char name[64];
    char title[128];
    char product_name[256]; /* productExternalName */
    char provider[64];
    char audience[256];
    char signup[1024];
    char login[1024];
    char subscription[200]; /* projects/P/subscriptions/S */
    bool automatic;         /* automatic offer approval */
    bool multiple;          /* several orders of one account */
    bool sso;               /* the login URL gets a POST with a token, not a GET */
    bool usage;             /* usage pricing: usageReportingId is given */
    struct sb_gcp_plan plans[SB_GCP_PLANS];
    size_t nplans;
};

enum sb_gcp_approval {
    SB_GCP_PENDING,
    SB_GCP_APPROVED,
    SB_GCP_REJECTED,
};

struct sb_gcp_account {
    char handle[SB_GCP_HANDLE]; /* "ga1": for the control interface and the ledger */
    char id[64];
    char provider[64];
    char user[32]; /* obfuscated Google user id of the buyer */
    char reseller[80];
    int approval; /* enum sb_gcp_approval */
    char reason[257];
    bool test; /* owned by the partner: may be reset */
    bool deleted;
    int64_t created, updated, approval_updated;
};

enum sb_gcp_state {
    SB_GCP_REQUESTED,
    SB_GCP_ACTIVE,
    SB_GCP_PLAN_APPROVAL,
    SB_GCP_PLAN_PENDING,
    SB_GCP_ENDING,
    SB_GCP_CANCELLED,
    SB_GCP_SUSPENDED,
    SB_GCP_STATES
};

/* What comes by itself at next_ms. */
enum sb_gcp_next {
    SB_GCP_NEXT_NONE,
    SB_GCP_NEXT_ACTIVE,
    SB_GCP_NEXT_PLAN,
    SB_GCP_NEXT_CANCELLED,
    SB_GCP_NEXT_OFFER_END,
    SB_GCP_NEXT_PURGE,
    SB_GCP_NEXTS
};

struct sb_gcp_ent {
    char handle[SB_GCP_HANDLE]; /* "g1" */
    char id[64];
    struct sb_gcp_account *account;
    const struct sb_gcp_product *product;
    char plan[64], pending_plan[64];
    char offer[256], pending_offer[256];
    char duration[16], pending_duration[16]; /* ISO 8601 */
    char order_id[64], benefit[64], usage_id[64];
    char message[1024]; /* messageToUser */
    char cancel_reason[32];
    char event_id[80]; /* of the act that is under way */
    int state;         /* enum sb_gcp_state */
    int next;          /* enum sb_gcp_next */
    bool approved;     /* waits for its activation only */
    bool automatic;
    bool at_cycle_end; /* the pending plan waits for the end of the cycle */
    bool deleted;
    int64_t next_ms, settle_ms;
    int64_t start, end; /* of the offer; 0 = none */
    int64_t cycle_end;
    int64_t activated;     /* 0 = not yet */
    int64_t usage_late_ms; /* usageReportingId is shown so much later */
    int64_t created, updated;
};

struct sb_gcp_sub {
    char name[200];
    char provider[64];
    char push_url[1024];
    char push_audience[1024];
    char push_account[128];
    int64_t ack_s;
    bool dead_letter; /* deliveryAttempt is told */
    struct sb_queue queue;
    /* pushing */
    unsigned fails;
    uint64_t push_after_mono;
    bool busy;
};

/* An access token. */
struct sb_gcp_bearer {
    char token[100];
    char email[200];
    char scope[300];
    int64_t expires_ms;
};

enum { SB_GCP_ORDERS_STRINGS, SB_GCP_ORDERS_OBJECTS, SB_GCP_ORDERS_GOOGLE, SB_GCP_ORDERS_ABSENT };
enum { SB_GCP_ACCT_TYPED, SB_GCP_ACCT_UNTYPED, SB_GCP_ACCT_BOTH, SB_GCP_ACCT_NONE };
enum { SB_GCP_STYLE_CURRENT, SB_GCP_STYLE_OLD };
enum { SB_GCP_AGAIN_OK, SB_GCP_AGAIN_PRECONDITION, SB_GCP_AGAIN_CONFLICT };

/* docs/sandbox.md lists them. */
struct sb_gcp_set {
    int orders, account_event, style, approve_again;
    bool sparse, shuffle, reject_removes, linked_procurement, linked_pubsub;
    int64_t settle_ms, pull_hold_ms, push_retry_ms, token_life_s, auth_skew_ms, certs_age_s;
    int64_t cycle_ms;
};

struct sb_gcp_keys; /* sb_gcp_key.h */

struct sb_gcp {
    struct sb_vec products, accounts, ents, subs, bearers;
    struct sb_gcp_set set;
    unsigned next_account, next_ent;
    struct sb_gcp_keys *keys;
    uint64_t alarm_mono; /* when sb_gcp_push looks again; 0 = not set */
    unsigned attack;     /* of sb_gcp_push_attack(): the newest one and its answer */
    unsigned attack_status;
    bool attack_over;
};

struct sb_gcp *sb_gcp_new(void);
void sb_gcp_free(struct sb_gcp **g);

/* An entry of the products file with "channel":"gcp". 0, or -errno with a sentence in why. */
int sb_gcp_product_add(struct sb *s, const cJSON *o, char why[256]);
const struct sb_gcp_product *sb_gcp_product(const struct sb *s, struct str name);
/* By plan id, else by title; NULL when unknown. Empty: the first. */
const struct sb_gcp_plan *sb_gcp_plan(const struct sb_gcp_product *p, struct str plan);
bool sb_gcp_provider(const struct sb *s, struct str provider); /* has a listing here */

/* By handle or id; deleted ones too. */
struct sb_gcp_account *sb_gcp_account(const struct sb *s, struct str id);
struct sb_gcp_ent *sb_gcp_ent(const struct sb *s, struct str id);
struct sb_gcp_sub *sb_gcp_sub(const struct sb *s, struct str name);

const char *sb_gcp_state_name(int state); /* ENTITLEMENT_... */
const char *sb_gcp_approval_name(int approval);
/* RFC 3339 with 0, 3, 6 or 9 digits of fraction, always the same ones for the same time. */
void sb_gcp_time(int64_t ms, char out[SB_GCP_TIME]);
/* Writes nothing for 0. */
void sb_gcp_kv_time(struct jsonw *w, const char *key, int64_t ms);
/* The resources as the Procurement API shows them. */
void sb_gcp_write_account(struct jsonw *w, const struct sb_gcp_account *a, bool full);
void sb_gcp_write_ent(const struct sb *s, struct jsonw *w, const struct sb_gcp_ent *e);

#endif
