/*
 * gcp: Google Cloud Marketplace SaaS listings. Shared by the gcp_*.c files only; the interface is
 * market.h.
 *
 * Facts: Partner Procurement API v1 and Cloud Pub/Sub v1 (Google's discovery documents),
 * "Integrate your SaaS product" (front end, accounts, entitlements, automatic approval).
 * The purchase is the entitlement (one order of one plan); the account is the buyer's billing
 * account at this provider, signed up once for all its purchases.
 *
 * A job is one call of the interface; it makes one request after the other and ends exactly once.
 * Every job starts from the loop, so no callback runs inside the interface function. Everything a
 * job holds is in its wiped arena.
 */
#ifndef LM_GCP_H
#define LM_GCP_H

#include "base/json.h"
#include "base/jwt.h"
#include "market/market.h"
#include "market/market_job.h"
#include "net/oauth.h"

enum { GCP_JSON_MAX = 8 << 20, GCP_ID_MAX = 128, GCP_PAGES = 100, GCP_ORDERS = 64 };
enum { GCP_APPROVED = 4096 };

struct gcp_op {
    const char *method;
    uint64_t timeout_ms;
    size_t reply_max;
    bool anonymous; /* public keys: no access token */
    bool long_poll;
    bool repeatable;
};

struct gcp_answer {
    enum market_class cls;
    const char *code; /* google.rpc status ("NOT_FOUND"); static or in the job's arena */
    uint64_t retry_after_ms;
    int status; /* of HTTP; 0: no answer */
    uint64_t max_age_ms, elapsed_ms;
    struct str text;   /* MARKET_OK: as it came */
    const cJSON *json; /* MARKET_OK: an object; lives until the callback returns */
};

struct gcp_job;
typedef void gcp_answer_cb(struct gcp_job *j, const struct gcp_answer *a);
typedef void gcp_step(struct gcp_job *j);
typedef void gcp_end(struct gcp_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms);

/* Certificates of sign-up tokens (gcp_certs.c). */
struct gcp_certs {
    struct jwk_set *set;              /* the last good one; NULL: none yet */
    uint64_t fresh_until, next_fetch; /* clock_mono_ms() */
    int64_t asked_ms;                 /* wall clock when the fetch of `set` began */
    bool fetching;
    const char *code; /* why the last fetch failed */
};

struct gcp_creds; /* gcp_creds.c */

struct gcp {
    uv_loop_t *loop;
    struct http *http;
    const struct cfg_market *cfg;
    struct arena *a;
    const char *provider; /* "{procurement_endpoint}/v1/providers/{provider}" */
    struct gcp_creds *creds;
    struct oauth *oauth;
    struct gcp_certs certs;
    struct market_jobs jobs;
    uv_timer_t pause; /* empty polls that came back too soon */
    unsigned open_timers;
    bool closing;
    /* Accounts whose sign-up is known to be approved, as hashes; the oldest is overwritten. */
    uint64_t approved[GCP_APPROVED];
    unsigned napproved;
};

enum gcp_signup { SIGNUP_UNREAD, SIGNUP_PENDING, SIGNUP_APPROVED, SIGNUP_REJECTED };

struct gcp_job {
    struct market_job job;
    struct gcp *m;
    struct arena *a;
    gcp_step *first;
    gcp_end *end; /* calls the caller back; the job is freed after it */
    void *arg;
    union {
        market_result_cb *result;
        market_batch_cb *batch;
        market_ack_cb *ack;
        market_verb_cb *verb;
        market_page_cb *page;
        market_keys_cb *keys;
    } cb;

    /* The request under way (gcp_api.c). */
    const struct gcp_op *op;
    gcp_answer_cb *answer;
    const char *url, *bearer;
    struct str body;
    struct oauth_wait *wait;
    struct http_call *http;
    unsigned retries;

    gcp_step *on_certs; /* waits for certificates */
    const char *kid;
    int64_t iat;

    gcp_step *after; /* goes on after gcp_account(), gcp_entitlement() */
    struct market_purchase p;
    enum gcp_signup signup;
    const char *side_code;

    /* resolve, list */
    int64_t arrived_ms; /* resolve: when the token came; 0 unknown */
    bool late;          /* it was good then and has ended since */
    struct str text;    /* sign-up token; reason or message of tell; receipt of ack */
    const char *orders[GCP_ORDERS];
    size_t norders;
    const char *page;
    unsigned pages;
    int rank;
    int64_t created_ms;
    bool others;
    struct market_purchase *list;
    size_t nlist;

    /* tell */
    enum market_verb verb;
    const struct gcp_state *state;
    const char *refused; /* what the verb was answered with; then the state decides */

    /* poll, keys */
    struct market_message *msgs;
    size_t nmsgs;
    bool paused;
    uint64_t ttl_ms;
};

/* gcp.c */
struct gcp_job *gcp_job_new(struct market *m, size_t room, gcp_step *first, gcp_end *end,
                            void *arg);
/* Calls back and frees the job. */
void gcp_job_end(struct gcp_job *j, enum market_class cls, const char *code,
                 uint64_t retry_after_ms);
/* Never NULL: "" without memory. */
const char *gcp_keep(struct arena *a, struct str s);
/* A market_purchase of which every text is in the job's arena. */
void gcp_known(struct gcp_job *j, const struct market_purchase *known);

/* gcp_api.c: one request with JSON body (NULL: none) and answer. A refused access token is dropped
 * and another one tried, once. url must live as long as the job. */
void gcp_call(struct gcp_job *j, const struct gcp_op *op, const char *url, const struct buf *body,
              gcp_answer_cb *cb);
void gcp_call_cancel(struct gcp_job *j);
extern const struct gcp_op gcp_get, gcp_post, gcp_patch, gcp_pull, gcp_ack_op, gcp_public;
/* gcp_error.c: by the status text of Google's error body ("" when there is none). */
enum market_class gcp_classify(int status, struct str code);
struct str gcp_error_code(const cJSON *body);

/* gcp_creds.c: the source of access tokens by the configuration. */
/* A base address without its final slashes. */
struct str gcp_base(const char *url);
int gcp_creds_open(const struct cfg_gcp *cfg, struct gcp_creds **out, struct oauth_source *source);
void gcp_creds_close(struct gcp_creds **c);

/* gcp_certs.c: when the certificates are as good as they get, `next` is called; without the key
 * `kid` or any key at all the job ends. */
void gcp_certs_want(struct gcp_job *j, gcp_step *next);
void gcp_certs_close(struct gcp *m);
void gcp_keys(struct market *m, market_keys_cb *cb, void *arg);

/* gcp_token.c */
extern const char gcp_issuer[];
/* Form, issuer, key id and time of issue of a token that is not verified yet: 0, or -EBADMSG with
 * the reason. */
int gcp_token_begin(struct gcp_job *j, const char **why);
/* With certificates at hand: fills j->p.account, purchaser.object and j->orders. */
enum market_class gcp_token_verify(struct gcp_job *j, const char **code);

/* gcp_purchase.c */
struct gcp_state {
    const char *name;
    enum market_standing standing;
    bool in_service;
    bool change_asked;
};
/* NULL: a state that is not known. */
const struct gcp_state *gcp_state_of(const cJSON *entitlement);
/* Letters, digits and "-._~" that may stand in a path, not "." or "..". */
bool gcp_id_ok(struct str s);
bool gcp_begun(const struct market_purchase *p); /* and has not ended */
/* "providers/P/accounts/A" -> "A" */
struct str gcp_last(struct str name);
/* Service in "projects/N/services/S/..."; the name itself when it has no '/'; else empty. */
struct str gcp_service(struct str name);
/* The product's name; "" when the entitlement does not say. */
struct str gcp_product(const cJSON *entitlement);
bool gcp_is_ours(const struct cfg_market *cfg, const cJSON *entitlement);
/* Everything but sign-up. 0, -EBADMSG (no usable id), -ENOTSUP (unknown state). */
int gcp_purchase_read(const struct cfg_market *cfg, const cJSON *entitlement, struct arena *a,
                      struct market_purchase *out);
int64_t gcp_time(const cJSON *obj, const char *key);

/* gcp_read.c: j->after is called, or the job ends. */
void gcp_account(struct gcp_job *j);
enum gcp_signup gcp_signup_of(const cJSON *account);
void gcp_approved_add(struct gcp *m, const char *account);
void gcp_approved_drop(struct gcp *m, const char *account);
bool gcp_approved_has(const struct gcp *m, const char *account);
/* Reads j->p.purchase: product, state, everything. */
void gcp_entitlement(struct gcp_job *j);
const char *gcp_entitlement_url(struct gcp_job *j, const char *verb);
const char *gcp_account_url(struct gcp_job *j, const char *verb);
void gcp_result_end(struct gcp_job *j, enum market_class cls, const char *code,
                    uint64_t retry_after_ms);

/* Members of market_gcp. */
void gcp_resolve(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                 void *arg);
void gcp_refresh(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                 void *arg);
void gcp_list(struct market *m, const char *page, market_page_cb *cb, void *arg);
void gcp_tell(struct market *m, enum market_verb verb, const struct market_purchase *known,
              struct str text, market_verb_cb *cb, void *arg);
void gcp_poll(struct market *m, market_batch_cb *cb, void *arg);
void gcp_ack(struct market *m, const char *receipt, market_ack_cb *cb, void *arg);

/* gcp_event.c: a notification, bare or in a push envelope. */
int gcp_event_parse(const struct cfg_market *cfg, struct str body, struct arena *a,
                    struct market_event *out, const char **why);

static inline struct gcp *gcp_of(struct market *m)
{
    return (struct gcp *)(void *)m;
}

#endif
