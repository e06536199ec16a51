/*
 * aws: AWS Marketplace SaaS listings. Shared by the aws_*.c files only; the interface is market.h.
 *
 * Facts: AWS Marketplace API reference, seller guide (SaaS integration, EventBridge, SNS), SQS API.
 * Two modes: concurrent (purchase = licence id) and legacy (product code and customer id).
 *
 * A job is one call of the interface; it makes one API call after the other, waits for credentials
 * before each, and ends exactly once. Every job starts from the loop, so no callback runs inside
 * the interface function. Everything a job holds is in its wiped arena.
 */
#ifndef LM_AWS_H
#define LM_AWS_H

#include "market/aws_creds.h"
#include "market/market.h"
#include "market/market_job.h"
#include "net/sns.h"

enum { AWS_ENTITLEMENTS = 512, AWS_TERMS = 32, AWS_PAGES = 200, AWS_JSON_MAX = 8 << 20 };

enum aws_endpoint { EP_METERING, EP_ENTITLEMENT, EP_AGREEMENT, EP_SQS, EP_N };

struct aws_place {
    const char *url, *host, *region;
    unsigned allow;
};

struct aws_op {
    enum aws_endpoint at;
    const char *target, *type, *service;
    uint64_t timeout_ms;
    size_t reply_max;
    bool long_poll;
    bool has_token; /* ExpiredTokenException may mean the buyer's token */
};

extern const struct aws_op aws_resolve_customer, aws_get_entitlements, aws_describe_agreement,
    aws_get_terms, aws_get_agreement_entitlements, aws_search_agreements, aws_receive, aws_delete;

struct aws_answer {
    enum market_class cls;
    const char *code; /* static or in the job's arena */
    uint64_t retry_after_ms;
    const cJSON *json; /* MARKET_OK: an object; lives until the callback returns */
};

struct aws_job;
typedef void aws_answer_cb(struct aws_job *j, const struct aws_answer *a);
typedef void aws_step(struct aws_job *j);
typedef void aws_end(struct aws_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms);

struct aws {
    uv_loop_t *loop;
    struct http *http;
    const struct cfg_market *cfg;
    struct arena *a;
    struct aws_place at[EP_N];
    struct aws_creds *creds;
    struct sns_trust *trust;
    int64_t skew_ms; /* AWS's clock minus ours */
    struct market_jobs jobs;
    bool closing;
};

struct aws_job {
    struct market_job job;
    struct aws *m;
    struct arena *a;
    aws_step *first;
    aws_end *end; /* calls the caller back; the job is freed after it */
    void *arg;
    union {
        market_result_cb *result;
        market_batch_cb *batch;
        market_ack_cb *ack;
        market_page_cb *page;
    } cb;

    /* The API call under way (aws_api.c). */
    const struct aws_op *op;
    aws_answer_cb *answer;
    struct str body;
    struct aws_creds_wait wait;
    struct http_call *http; /* also a certificate fetch */
    uint64_t generation;
    unsigned clock_retries, creds_retries;
    bool waiting;

    /* resolve, refresh */
    struct str token;
    struct market_purchase p;
    struct market_entitlement *ents; /* room for AWS_ENTITLEMENTS */
    struct market_entitlement terms[AWS_TERMS];
    const char *page, *side_code;
    unsigned pages;
    aws_step *after_entitlements;

    /* poll, ack */
    struct market_message *msgs;
    size_t nmsgs, at;

    /* list: at goes through it too */
    struct market_purchase *list;
    size_t nlist;
    unsigned status;
    const char *next;
};

/* aws.c */
struct aws_job *aws_job_new(struct aws *m, size_t room, aws_step *first, aws_end *end, void *arg);
/* Calls back and frees the job. */
void aws_job_end(struct aws_job *j, enum market_class cls, const char *code,
                 uint64_t retry_after_ms);
/* Never NULL: "" without memory. */
const char *aws_keep(struct arena *a, struct str s);

/* aws_place.c: endpoints of the partition that the region lies in, or the configured ones. */
int aws_places(struct aws *m);

/* aws_api.c: one signed JSON call; retries once each for a wrong clock and for expired
 * credentials. The body is copied. Calls back from the loop (or at once when closing). */
void aws_call(struct aws_job *j, const struct aws_op *op, const struct buf *body,
              aws_answer_cb *cb);
void aws_call_cancel(struct aws_job *j);
/* aws_error.c */
enum market_class aws_classify(const struct aws_op *op, int status, struct str code);
/* Bare code of "__type" or of the header: "ns#Code:uri" -> "Code". */
struct str aws_error_code(const cJSON *body, struct str header);

/* aws_entitle.c: reads all pages for j->p, then calls j->after_entitlements. */
void aws_entitle(struct aws_job *j);

/* aws_resolve.c, aws_refresh.c, aws_poll.c, aws_list.c: members of market_aws. */
void aws_resolve(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                 void *arg);
void aws_refresh(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                 void *arg);
void aws_poll(struct market *m, market_batch_cb *cb, void *arg);
void aws_ack(struct market *m, const char *receipt, market_ack_cb *cb, void *arg);
/* Concurrent listings with a product_id. standing is UNKNOWN: the worker judges by status, and by
 * licence and entitlements of the active ones. */
void aws_list(struct market *m, const char *page, market_page_cb *cb, void *arg);
/* aws_list.c: one page of SearchAgreements about this product (j->token: which), with one filter
 * more; and one agreement of its answer: false for what is not ours. */
void aws_search(struct aws_job *j, const char *filter, const char *value, unsigned max,
                aws_answer_cb *cb);
bool aws_summary(struct aws_job *j, const cJSON *summary, struct market_purchase *out);
/* aws_holdings.c */
void aws_holdings(struct market *m, const struct market_purchase *known, market_page_cb *cb,
                  void *arg);
void aws_result_end(struct aws_job *j, enum market_class cls, const char *code,
                    uint64_t retry_after_ms);

/* aws_events.c, aws_events_sns.c. trust may be NULL: then no envelope is believed. */
int aws_event_parse(const struct cfg_market *cfg, struct sns_trust *trust, struct str body,
                    struct arena *a, struct market_event *out, const char **why);
int aws_event_bare(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                   struct market_event *out, const char **why);
int aws_event_envelope(const struct cfg_market *cfg, struct sns_trust *trust, const cJSON *j,
                       struct arena *a, struct market_event *out, const char **why);

/* aws_license.c: licences are compared by their trailing id, whatever the ARN around it. */
/* Lower-case id after the last ':' or '/', "" when it is not one. */
const char *aws_license_id(struct arena *a, struct str arn);
bool aws_license_same(struct str a, struct str b);

static inline struct aws *aws_of(struct market *m)
{
    return (struct aws *)(void *)m;
}

#endif
