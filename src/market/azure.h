/*
 * azure: Microsoft Marketplace, SaaS offers, fulfilment API 2018-08-31. Shared by the azure_*.c
 * files only; the interface is market.h. A purchase is a subscription, its key the subscription id.
 *
 * Facts: SaaS fulfilment subscription, operations and webhook APIs (learn.microsoft.com,
 * partner-center/marketplace-offers/pc-saas-fulfillment-*), microsoft/commercial-marketplace-
 * openapi, OpenID Connect core, Entra access token and id token references.
 *
 * - x-ms-correlationid of every call about a subscription is the subscription's id: that is what
 *   Microsoft's support is to be asked with.
 * - change_id is the operation id. refresh() asks for the operation first and reports a change only
 *   while it is NotStarted or InProgress, was asked by Azure, and belongs to this subscription;
 *   without a change_id it looks through the operations that wait. A Reinstate is no change; its
 *   operation id may be accepted all the same.
 * - A revert (Microsoft takes back a refused change) shows pending_plan == plan, or
 * pending_quantity
 *   == quantity: to be accepted.
 * - A status word that is not known changes nothing: standing and granted stay as they were known.
 * - ends_ms is the end of term.endDate, the last valid day.
 *
 * A job is one call of the interface; it makes one request after the other and ends exactly once.
 * Every job starts from the loop. Everything a job holds is in its wiped arena.
 */
#ifndef LM_AZURE_H
#define LM_AZURE_H

#include <cjson/cJSON.h>

#include "base/jwt.h"
#include "market/market.h"
#include "market/market_job.h"
#include "net/oauth.h"

/* Application id of Microsoft's marketplace: resource of our tokens, caller of the webhook. */
#define AZURE_MARKETPLACE_APP "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
/* Entra tenant of all personal accounts. */
#define AZURE_PERSONAL_TENANT "9188040d-6c67-4c5b-b112-36a304b66dad"

enum { AZURE_JSON_MAX = 4 << 20, AZURE_ID_MAX = 64, AZURE_TEXT_MAX = 512, AZURE_PAGE_MAX = 8192 };

struct azure_request {
    const char *method, *url;
    const char *header; /* one more, NULL: none */
    const char *type;   /* of the body */
    struct str body;
    const char *correlation; /* "" none of its own */
    bool bearer;             /* fulfilment API; else Entra, no credentials */
    bool repeatable;
};

struct azure_answer {
    enum market_class cls; /* by the status: 2xx OK; 404 GONE; 408, 429, 5xx RETRY; else CONFIG.
                              A 404 or an answer to a GET that is a page (a proxy's, a wrong
                              address's) and no JSON: RETRY */
    const char *code;      /* static or in the job's arena */
    uint64_t retry_after_ms;
    int status;        /* 0: no answer */
    const cJSON *json; /* NULL: no body, or not JSON; lives until the callback returns */
};

struct azure_job;
typedef void azure_answer_cb(struct azure_job *j, const struct azure_answer *a);
typedef void azure_step(struct azure_job *j);
typedef void azure_end(struct azure_job *j, enum market_class cls, const char *code,
                       uint64_t retry_after_ms);

/* Where our own token comes from. */
struct azure_creds {
    const struct cfg_azure *cfg;
    const char *url; /* of the token endpoint */
};

struct azure {
    uv_loop_t *loop;
    struct http *http;
    const struct cfg_market *cfg;
    struct arena *a;
    const char *api, *login; /* no slash at the end */
    struct azure_creds creds;
    struct oauth *oauth;
    uint64_t dropped_at; /* monotonic: the last 403 that cost a token */
    struct market_jobs jobs;
    bool closing;
    struct jwk_set *sign_in_keys; /* of id tokens, all tenants */
    uint64_t sign_in_keys_at;     /* monotonic */
};

struct azure_job {
    struct market_job job;
    struct azure *m;
    struct arena *a;
    azure_step *first;
    azure_end *end; /* calls the caller back; the job is freed after it */
    void *arg;
    union {
        market_result_cb *result;
        market_verb_cb *verb;
        market_page_cb *page;
        market_plans_cb *plans;
        market_keys_cb *keys;
        market_identity_cb *identity;
    } cb;

    /* The request under way (azure_api.c). */
    struct azure_request rq;
    azure_answer_cb *answer;
    struct oauth_wait *wait;
    struct http_call *http;
    const char *token;
    bool again;

    struct market_purchase p;
    const char *side_code;
    struct str text; /* purchase token; text of a verb */
    enum market_verb verb;
    const char *refused; /* tell: what the API said before we looked */
    bool busy;           /* and whether it spoke of another operation */
    /* list */
    const char *page, *next;
    struct market_purchase *list;
    size_t nlist;
    /* plans */
    struct market_plan *plans;
    size_t nplans;
    /* keys */
    struct buf keys;
    const char *kids[JWK_KEYS];
    size_t nkids;
    bool partial;
    /* sign_in */
    struct market_sign_in sign_in;
    struct market_identity who;
    struct str id_token;
    bool keys_refetched;
};

static inline struct azure *azure_of(struct market *m)
{
    return (struct azure *)(void *)m;
}

/* azure.c */
struct azure_job *azure_job_new(struct azure *m, size_t room, azure_step *first, azure_end *end,
                                void *arg);
/* Calls back and frees the job. */
void azure_job_end(struct azure_job *j, enum market_class cls, const char *code,
                   uint64_t retry_after_ms);

/* azure_creds.c: make() of the oauth source; arg is a struct azure_creds. */
int azure_creds_make(void *arg, unsigned step, struct str previous, struct oauth_request *rq,
                     const char **why);

/* azure_api.c: one request; the bearer is fetched, dropped and fetched once more after 401, 403. */
void azure_call(struct azure_job *j, const struct azure_request *rq, azure_answer_cb *cb);
void azure_call_cancel(struct azure_job *j);
/* {api}/saas/subscriptions/{id}{tail}?api-version=...; NULL without memory or with a bad id. */
const char *azure_url(struct azure_job *j, const char *id, const char *tail);
/* GET of one subscription, of one operation of j->p. */
void azure_get(struct azure_job *j, const char *id, azure_answer_cb *cb);
void azure_get_operation(struct azure_job *j, const char *operation, azure_answer_cb *cb);

/* azure_text.c: values as Microsoft writes them. Never NULL, kept in the arena. */
const char *azure_text(struct arena *a, const cJSON *obj, const char *key); /* trimmed */
struct str azure_message(const cJSON *answer); /* of an error, in any of its shapes; borrowed */
/* Subscription and operation ids: letters, digits, hyphens; a GUID in lower case; "" otherwise. */
const char *azure_id(struct arena *a, struct str s);
/* Number, text, null, empty or missing; 0: none. */
uint64_t azure_number(const cJSON *obj, const char *key);
uint64_t azure_quantity(const cJSON *obj);
/* 0..7 digits of fraction, Z or no zone (UTC); 0: none, or the year 1. */
int64_t azure_time(const cJSON *obj, const char *key);
/* End of term.endDate, the last valid day; a time of day says more than that and is kept. */
int64_t azure_term_end(const cJSON *term);
/* The offer without "-preview". */
struct str azure_offer(struct str offer);
bool azure_is_offer(const struct cfg_market *cfg, struct str offer);
bool azure_same(const char *a, const char *b); /* ASCII case aside; "" is like nothing */

/* azure_subscription.c: 0, or -EBADMSG when it has no id. *p holds what was known before. */
int azure_subscription(const struct cfg_market *cfg, const cJSON *sub, struct arena *a,
                       struct market_purchase *p);
/* An operation that waits for our answer, as pending change of *p; false: it is none. */
bool azure_pending(const cJSON *operation, struct arena *a, struct market_purchase *p);
bool azure_waits(const cJSON *operation); /* NotStarted or InProgress, not asked by ourselves */
/* The operation p->change_id of that subscription is over and has no effect. */
bool azure_failed(const cJSON *operation, const struct market_purchase *p);

/* azure_read.c, azure_list.c, azure_plans.c, azure_tell.c, azure_keys.c, azure_signin.c: members of
 * market_azure */
void azure_resolve(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                   void *arg);
void azure_refresh(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                   void *arg);
void azure_list(struct market *m, const char *page, market_page_cb *cb, void *arg);
void azure_plans(struct market *m, const struct market_purchase *known, market_plans_cb *cb,
                 void *arg);
void azure_tell(struct market *m, enum market_verb verb, const struct market_purchase *known,
                struct str text, market_verb_cb *cb, void *arg);
void azure_keys(struct market *m, market_keys_cb *cb, void *arg);
void azure_sign_in(struct market *m, const struct market_sign_in *s, market_identity_cb *cb,
                   void *arg);
/* azure_claim.c: personal accounts share one tenant, so among them only the person counts. */
bool azure_may_claim(const struct cfg_market *cfg, const struct market_identity *who,
                     const struct market_purchase *p);

/* azure_event.c: body of the webhook. 0 or -EBADMSG with *why. */
int azure_event_parse(const struct cfg_market *cfg, struct str body, struct arena *a,
                      struct market_event *out, const char **why);

#endif
