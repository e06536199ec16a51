/*
 * market: where orders come from. One table of functions per channel; the worker knows no other
 * way.
 *
 * All calls are asynchronous on the worker's loop: they return at once and call back exactly once,
 * never from inside the call. Results live until the callback returns. Events are hints, the
 * channel's API is the truth: after an event the worker asks refresh().
 */
#ifndef LM_MARKET_H
#define LM_MARKET_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "config/config.h"
#include "net/http.h"

/* What a failed call means for the task that made it. */
enum market_class {
    MARKET_OK,
    MARKET_RETRY,   /* transport, throttled, 5xx: again with backoff */
    MARKET_CONFIG,  /* credentials, permissions, wrong account: alert, retry slowly, drop nothing */
    MARKET_EXPIRED, /* the buyer's token is too old: "Set up your account" gives a fresh one */
    MARKET_INVALID, /* the buyer's token is not one of ours */
    MARKET_PRODUCT, /* a genuine purchase of a product that this installation does not sell */
    MARKET_GONE,    /* the purchase does not exist or has ended */
    MARKET_REFUSED  /* of tell(): the channel will never do that for this purchase */
};

struct market_entitlement {
    const char *dimension;
    const char *value;  /* as text: "25", "true", "1.5" */
    int64_t expires_ms; /* 0: none given */
};

/* What the channel's own record says of a purchase now. UNKNOWN: it has no such record (aws), the
 * worker judges by `granted`, entitlements and `status`. */
enum market_standing {
    STANDING_UNKNOWN,
    STANDING_HELD,      /* bought, the charge waits for our commit */
    STANDING_SCHEDULED, /* committed or needing none, begins later (starts_ms, or the channel's
                           delay) */
    STANDING_ACTIVE,
    STANDING_SUSPENDED,
    STANDING_ENDED
};

/* A person as the channel names him: "tenant/object" (Entra tid/oid), "" when not told. */
struct market_person {
    const char *tenant, *object, *email;
};

/* One purchase as the channel tells it. Strings never NULL. */
struct market_purchase {
    enum market_standing standing;
    bool signup_wanted;   /* gcp: the account's sign-up waits for our approval */
    bool unattended;      /* may be fulfilled with no landing: auto-activated, or the account signed
                             up before */
    bool no_renewal;      /* ends at ends_ms by the buyer's wish */
    bool read_only;       /* azure: allowedCustomerOperations has no Update or Delete (reseller) */
    bool test;            /* a test purchase by the channel's word */
    const char *plan;     /* the channel's plan id; "" where entitlements name the plan (aws) */
    uint64_t quantity;    /* seats; 0: not sold by seats */
    const char *term;     /* ISO 8601 duration as given, "" unknown */
    const char *usage_id; /* where usage is reported to, when it differs from the purchase (gcp) */
    /* A change that the buyer asked for and that waits for our answer. */
    const char *pending_plan;  /* "" none */
    uint64_t pending_quantity; /* 0 none */
    const char *change_id;     /* azure: operation id; gcp: the pending plan; "" nothing waits */
    int64_t pending_at_ms; /* when a change that was accepted for later takes effect; 0: not told */
    bool change_off;       /* the change that was asked about by its id will not come */
    int64_t changed_ms;    /* when the channel's record last changed, by its clock; 0: not told */
    int64_t bought_ms;     /* when it was made, by the channel's record; 0: not told */
    int64_t read_ms;       /* our wall clock when the reading began; 0: not read */
    struct market_person beneficiary, purchaser;
    const char
        *purchase; /* the key: licence id "l-..." (aws concurrent), "<code>/<customer>" (legacy) */
    const char *license; /* full ARN as ResolveCustomer returned it, to be sent back as it is */
    const char *agreement;
    const char *account;  /* buyer's cloud account */
    const char *customer; /* legacy CustomerIdentifier */
    const char *product_code;
    const char *offer;
    bool trial;
    bool granted;            /* entitlement present, or usage-priced and confirmed by the channel */
    bool known_entitlements; /* GetEntitlements was asked: nentitlements is the truth */
    const struct market_entitlement *entitlements;
    size_t nentitlements;
    const struct market_entitlement
        *terms; /* aws, refresh: what its agreement grants when it runs */
    size_t nterms;
    int64_t starts_ms, ends_ms; /* 0 unknown / open end */
    const char *status;         /* agreement status when asked, "" otherwise */
};

/* Every text "": what a purchase starts from. */
extern const struct market_purchase market_purchase_none;

struct market_result {
    enum market_class cls;
    const char *code; /* bare error code of the API, for operator and log; "" when none. With
                         MARKET_OK: what a side question (agreement, terms) failed with */
    uint64_t retry_after_ms;
    struct market_purchase purchase; /* valid when cls == MARKET_OK; with MARKET_PRODUCT its
                                        product_code may tell whose it is, all else is "" */
};

enum market_event_kind {
    EVENT_IGNORED,             /* understood, nothing to do */
    EVENT_PURCHASED,           /* a purchase (or its agreement) exists: NEW, or subscribe-success */
    EVENT_ENTITLEMENT_CHANGED, /* licence updated, amended, entitlement-updated */
    EVENT_RENEWED,             /* a new agreement that continues an old one: RENEW */
    EVENT_REPLACED,   /* a new agreement that takes an old one's place: REPLACE (upgrade) */
    EVENT_ENDING,     /* announcement only */
    EVENT_ENDED,      /* real end: CANCELLED, EXPIRED, TERMINATED, deprovisioned, unsubscribed.
                         After a renewal the old licence's deprovisioning says this too, of the
                         old purchase only: a tenant that moved on is not concerned */
    EVENT_SUPERSEDED, /* the old half of RENEWED or REPLACED: never revokes */
    EVENT_FAILED,     /* subscribe-fail: payment failed */
    EVENT_ADVISORY,   /* a human should look; optional suspend */
    EVENT_ADVISORY_RESOLVED,
    EVENT_CHANGE_ASKED, /* plan or quantity: waits for accept or reject (change_id) */
    EVENT_SUSPENDED,
    EVENT_REINSTATED,
    EVENT_ACCOUNT, /* gcp ACCOUNT_ACTIVE: no order of its own; nothing to do */
    EVENT_ERASE    /* the customer's data must go: gcp ..._DELETED */
};

struct market_event {
    enum market_event_kind kind;
    bool grants;          /* by itself proof that a usage-priced purchase may be served */
    const char *dedupe;   /* requestId + detail-type, else id; SNS MessageId; "" when a bare
                             notification carries none (poll fills in the queue's MessageId) */
    const char *type;     /* the channel's own name, for the record */
    int64_t time_ms;      /* when it happened, by the channel's clock; 0 as above */
    const char *purchase; /* key as in market_purchase, "" when the event does not carry it */
    const char *license;
    const char *agreement, *previous_agreement;
    const char *account, *customer, *offer;
    const char *product_code, *product_id;
    const char *reason; /* aws: the agreement's intent or status (NEW RENEW REPLACE AMEND CANCELLED
                           EXPIRED TERMINATED RENEWED REPLACED ...), LICENSE_UPDATED,
                           DEPROVISIONED, SUBSCRIBED, SUBSCRIBE_FAILED, UNSUBSCRIBE_PENDING,
                           UNSUBSCRIBED, ENTITLEMENT_UPDATED, AGREEMENT_ENDING,
                           RENEWAL_UPCOMING, RENEWAL_TERMS, ADVISORY, VET_FAILED */
    bool trial;
    int64_t starts_ms, ends_ms;
    const char *change_id; /* azure: operation id of the webhook; "" none */
    const char *plan;      /* the plan that the event names; a hint */
};

extern const struct market_event market_event_none;

struct market_message {  /* one inbound message */
    const char *receipt; /* for ack */
    unsigned deliveries;
    int rc;          /* 0; do not ack otherwise: -EBADMSG not understood, -EKEYREJECTED signature
                        or topic refused, -EAGAIN the signing certificate cannot be had now */
    const char *why; /* static text when rc != 0 */
    struct market_event event;
    struct str raw; /* what to store as evidence */
};

struct market_batch {
    enum market_class cls;
    const char *code;
    uint64_t retry_after_ms;
    const struct market_message *messages;
    size_t n;
};

/* One configured product of one channel: credentials, endpoints, state. The configuration given
 * to open() must outlive it; a reload opens new ones and closes the old. */
struct market;

/* Who signed in on the landing page. */
struct market_sign_in {
    struct str code, verifier, nonce, redirect_uri;
};
struct market_identity {
    const char *tenant, *object; /* Entra tid, oid: the key of a person */
    const char *name, *email;    /* for display and as a proposal only */
};

/* What a worker tells a channel about one purchase. Every verb may be sent again: an effect that
 * stands already answers MARKET_OK. Whether it came true is read afterwards. */
enum market_verb {
    MARKET_SIGNUP,        /* gcp: approve the account; others: MARKET_OK, nothing sent */
    MARKET_COMMIT,        /* activate (azure), approve (gcp): the charge may begin */
    MARKET_REJECT,        /* a purchase that is still held: gcp reject, azure DELETE */
    MARKET_PROGRESS,      /* gcp: messageToUser while the purchase is held */
    MARKET_ACCEPT_CHANGE, /* change_id */
    MARKET_REJECT_CHANGE, /* change_id */
    MARKET_CANCEL,        /* azure DELETE of a running one */
    MARKET_CHANGE_PLAN,   /* azure PATCH planId = text */
    MARKET_CHANGE_QUANTITY
};

struct market_caps {
    bool hold;          /* the charge can wait for MARKET_COMMIT */
    bool signup;        /* accounts are approved by us */
    bool progress;      /* MARKET_PROGRESS is shown to the buyer */
    bool refuse_change; /* MARKET_REJECT_CHANGE exists */
    bool cancel;        /* MARKET_CANCEL exists */
    bool change;        /* MARKET_CHANGE_* exist */
    bool sign_in;       /* the buyer signs in before the purchase is shown */
    bool usage_hard;    /* usage outside an active contract is refused (hard gate) */
    uint64_t hold_ms;   /* how long the channel lets a purchase wait; 0: not told */
    uint64_t settle_ms; /* how long it may take until what we told it shows everywhere */
};

typedef void market_result_cb(void *arg, const struct market_result *r);
typedef void market_batch_cb(void *arg, const struct market_batch *b);
typedef void market_ack_cb(void *arg, enum market_class cls);
typedef void market_verb_cb(void *arg, enum market_class cls, const char *code,
                            uint64_t retry_after_ms);
/* cls OK: identity is valid. INVALID: the code or token is refused, sign in again. */
typedef void market_identity_cb(void *arg, enum market_class cls, const char *code,
                                const struct market_identity *identity);
/* One page of the channel's own list, of this product only; next: "" at the end. */
struct market_page {
    enum market_class cls;
    const char *code;
    uint64_t retry_after_ms;
    const struct market_purchase *purchases;
    size_t n;
    const char *next;
};
typedef void market_page_cb(void *arg, const struct market_page *p);
/* One plan as the channel offers it to the holder of one purchase. */
struct market_plan {
    const char *id, *title;
    bool per_seat;
    uint64_t min, max; /* seats; 0: not told */
    bool private;      /* offered to chosen buyers only, this one among them */
    bool stopped;      /* no longer sold; who has it keeps it */
};
struct market_plans {
    enum market_class cls;
    const char *code;
    uint64_t retry_after_ms;
    const struct market_plan *plans;
    size_t n; /* 0 with MARKET_OK: the channel does not say for this purchase */
};
typedef void market_plans_cb(void *arg, const struct market_plans *p);
/* The key set that the front checks this product's inbound calls with, as it was served; ttl_ms:
 * how long it may be kept. */
typedef void market_keys_cb(void *arg, enum market_class cls, const char *code, struct str keys,
                            uint64_t ttl_ms);

struct market_ops {
    const char *channel;
    int (*open)(uv_loop_t *loop, struct http *http, const struct cfg_market *cfg,
                struct market **out, const char **err);
    /* What is under way calls back with MARKET_RETRY before close() returns; the loop must then run
     * until the handles are closed. */
    void (*close)(struct market *m);
    /* token: what the buyer's browser brought. Also asks for entitlements where pricing has them.
     * Usage pricing: granted only when no queue is configured, for then the landing is all the
     * evidence there will ever be; with a queue the worker decides from event.grants.
     * arrived_ms: when the buyer brought it (0: now): a token that was good then is not too old
     * because the channel, or we, could not be asked meanwhile. */
    void (*resolve)(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                    void *arg);
    /* Reads the purchase again: entitlements, agreement status and terms where ids are known. */
    void (*refresh)(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                    void *arg);
    /* One long poll. Returns an empty batch after its own wait. NULL where a channel has no pull.
     */
    void (*poll)(struct market *m, market_batch_cb *cb, void *arg);
    /* After the message is durable. Failure is harmless: it comes again and is deduplicated. */
    void (*ack)(struct market *m, const char *receipt, market_ack_cb *cb, void *arg);
    /* Parses one message body (EventBridge event, SNS envelope, bare SNS message) without I/O; for
     * tests and webhooks. 0, -EBADMSG, -EKEYREJECTED, -EAGAIN (certificate not at hand). Only the
     * envelope is signed: for the other two the door they came through must be trusted. */
    int (*parse)(struct market *m, struct str body, struct arena *a, struct market_event *out,
                 const char **why);
    /* A file with credentials was replaced: what failed is tried again, and a new token fetched;
     * one that is valid serves until then. */
    void (*mended)(struct market *m);
    /* The following are NULL where a channel has no such thing. */
    const struct market_caps *(*caps)(const struct cfg_market *cfg);
    void (*tell)(struct market *m, enum market_verb verb, const struct market_purchase *known,
                 struct str text, market_verb_cb *cb, void *arg);
    void (*list)(struct market *m, const char *page, market_page_cb *cb, void *arg);
    /* What the account of a purchase holds of this product now, in one page: its agreements of
     * whatever status, as far as they are ours to read (agreement and status are set; code tells
     * why they could not be read), and with contract pricing its licences in force (agreement is
     * "", granted). */
    void (*holdings)(struct market *m, const struct market_purchase *known, market_page_cb *cb,
                     void *arg);
    /* Which plans the holder of that purchase can have. */
    void (*plans)(struct market *m, const struct market_purchase *known, market_plans_cb *cb,
                  void *arg);
    void (*keys)(struct market *m, market_keys_cb *cb, void *arg);
    void (*sign_in)(struct market *m, const struct market_sign_in *s, market_identity_cb *cb,
                    void *arg);
    /* By cfg's rule: may this person have that purchase? */
    bool (*may_claim)(const struct cfg_market *cfg, const struct market_identity *who,
                      const struct market_purchase *p);
};

extern const struct market_ops market_aws;
extern const struct market_ops market_azure;
extern const struct market_ops market_gcp;
const struct market_ops *market_find(const char *channel);
/* What a channel can do for this listing; never NULL: nothing, where ops is NULL or has no caps. */
const struct market_caps *market_caps_of(const struct market_ops *ops, const struct cfg_market *m);
const char *market_event_name(
    enum market_event_kind k); /* "purchased", "entitlement-changed", ... */
int market_event_parse(struct str name, enum market_event_kind *out);
const char *market_class_name(enum market_class c);
/* For channels: what http_reply.rc means, when it is not 0. */
const char *market_transport_code(int rc, enum market_class *cls);

#endif
