/*
 * sb_gcp_call: one call of a Google API (Procurement, Pub/Sub) on its way through the sandbox:
 * the route, the access token, the schema, faults, ledger. Operations read `in`, act and write
 * their result; on trouble they return sb_gcp_fail(), and what they had written is dropped.
 * Errors: {"error":{"code","message","status"}} (google.rpc.Status as JSON over HTTP).
 */
#ifndef LM_SB_GCP_CALL_H
#define LM_SB_GCP_CALL_H

#include "sandbox/sb_fault.h"
#include "sandbox/sb_gcp.h"
#include "sandbox/sb_msg.h"

struct sb_gcp_op;

struct sb_gcp_call {
    struct sb *s;
    const struct sb_req *req;
    struct sb_resp *resp;
    const struct sb_gcp_op *op;
    char path[1024];  /* decoded */
    struct str owner; /* provider or project */
    struct str id;    /* of the resource; empty for a list */
    cJSON *in;        /* the body; never NULL in an operation */
    struct jsonw w;
    struct buf out;
    char about[SB_GCP_HANDLE]; /* for the ledger */
    char detail[256];          /* for the ledger */
    const char *status;        /* google.rpc.Code; NULL = fine */
    char message[512];
};

struct sb_gcp_op {
    const char *name;   /* "accounts.approve" */
    const char *method; /* HTTP */
    const char *verb;   /* behind the colon; "" */
    bool item;          /* names a resource, not the collection */
    const char *fields; /* of the body: "name:s ..."; s text, i integer, b bool, o object, a list */
    const char *query;  /* names of the query parameters */
    int (*fn)(struct sb_gcp_call *c);
};

/* Always -1. status is a static string. */
int sb_gcp_fail(struct sb_gcp_call *c, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Query parameter, decoded; "" when absent. 0 or sb_gcp_fail(). */
int sb_gcp_query(struct sb_gcp_call *c, const char *name, char *out, size_t cap);
void sb_gcp_about(struct sb_gcp_call *c, const char *handle, const char *detail);
/* sb_gcp_error.c */
unsigned sb_gcp_http_status(const char *status);
void sb_gcp_write_error(struct sb_resp *resp, const char *status, const char *message);
/* What a fault says about the call as a whole. True: it is over, the answer is written. */
bool sb_gcp_struck(struct sb *s, struct sb_resp *resp, enum sb_fault_kind kind, uint64_t ms);

/* /gcp/ and /computeMetadata/. False: not one of these. */
bool sb_gcp_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

/* The operations: sb_gcp_acct.c, sb_gcp_ents.c, sb_gcp_pull.c */
extern const struct sb_gcp_op sb_gcp_acct_ops[], sb_gcp_ent_ops[], sb_gcp_sub_ops[];

#endif
