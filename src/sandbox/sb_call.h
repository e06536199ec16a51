/*
 * sb_call: one AWS API call on its way through the sandbox. Operations read `in` (for the query
 * protocol the form as an object of texts), check, act, and write their result; on trouble they
 * return sb_call_fail(), which decides code and status. Whatever they had written is dropped then.
 */
#ifndef LM_SB_CALL_H
#define LM_SB_CALL_H

#include "base/json.h"
#include "sandbox/sb_auth.h"
#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

enum sb_proto {
    SB_PROTO_JSON10, /* application/x-amz-json-1.0 */
    SB_PROTO_JSON11, /* application/x-amz-json-1.1 */
    SB_PROTO_QUERY,  /* form in, XML out */
    SB_PROTO_CBOR    /* smithy-rpc-v2-cbor */
};

struct sb_op;

struct sb_call {
    struct sb *s;
    const struct sb_req *req;
    struct sb_resp *resp;
    const struct sb_op *op;
    enum sb_proto proto;
    struct sb_auth_parts auth;
    cJSON *in;
    struct jsonw w;    /* JSON result, into out */
    struct buf out;    /* result body; XML for SB_PROTO_QUERY */
    char purchase[16]; /* for the ledger */
    char detail[256];  /* for the ledger */
    const char *code;  /* error code; NULL = fine */
    char message[512];
};

typedef int (*sb_op_fn)(struct sb_call *c);

struct sb_op {
    const char *target;  /* X-Amz-Target, or Action of the query protocol */
    const char *name;    /* bare operation name */
    const char *service; /* SigV4 service; NULL = unsigned */
    const char *region;  /* the only region; NULL = any */
    const char *errors;  /* namespace of __type, or "" */
    const char *xmlns;   /* query protocol */
    enum sb_proto proto;
    sb_op_fn fn;
};

/* Always -1. code is a static string. */
int sb_call_fail(struct sb_call *c, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Integer member, or its decimal text in the query protocol. 0 (dflt when absent) or -EINVAL. */
int sb_call_int(const struct sb_call *c, const char *key, int64_t dflt, int64_t *out);
void sb_call_about(struct sb_call *c, const char *purchase);
/* Seconds since 1970 as a number with three decimals. */
void sb_call_epoch(struct jsonw *w, const char *key, int64_t ms);
/* <name>escaped text</name> */
void sb_call_xml(struct buf *b, const char *name, struct str text);
/* Form text into a flat object; repeated keys keep the first value. 0, -EINVAL, -ENOMEM. */
int sb_call_form(struct str form, cJSON **out);
/* The HTTP answer: result or error, in the call's protocol. */
void sb_call_answer(struct sb_call *c);

#endif
