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
    MARKET_GONE     /* the purchase does not exist or has ended */
};

struct market_entitlement {
    const char *dimension;
    const char *value;  /* as text: "25", "true", "1.5" */
    int64_t expires_ms; /* 0: none given */
};

/* One purchase as the channel tells it. Strings never NULL. */
struct market_purchase {
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
    int64_t starts_ms, ends_ms; /* 0 unknown / open end */
    const char *status;         /* agreement status when asked, "" otherwise */
};

struct market_result {
    enum market_class cls;
    const char *code; /* bare error code of the API, for operator and log; "" when none. With
                         MARKET_OK: what a side question (agreement, terms) failed with */
    uint64_t retry_after_ms;
    struct market_purchase purchase; /* valid when cls == MARKET_OK */
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
    EVENT_ADVISORY_RESOLVED
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
};

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

typedef void market_result_cb(void *arg, const struct market_result *r);
typedef void market_batch_cb(void *arg, const struct market_batch *b);
typedef void market_ack_cb(void *arg, enum market_class cls);

struct market_ops {
    const char *channel;
    int (*open)(uv_loop_t *loop, struct http *http, const struct cfg_market *cfg,
                struct market **out, const char **err);
    /* What is under way calls back with MARKET_RETRY before close() returns; the loop must then run
     * until the handles are closed. */
    void (*close)(struct market *m);
    /* token: what the buyer's browser brought. Also asks for entitlements where pricing has them.
     * Usage pricing: granted only when no queue is configured, for then the landing is all the
     * evidence there will ever be; with a queue the worker decides from event.grants. */
    void (*resolve)(struct market *m, struct str token, market_result_cb *cb, void *arg);
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
};

extern const struct market_ops market_aws;
const struct market_ops *market_find(const char *channel);
const char *market_event_name(
    enum market_event_kind k); /* "purchased", "entitlement-changed", ... */
int market_event_parse(struct str name, enum market_event_kind *out);
const char *market_class_name(enum market_class c);

#endif
