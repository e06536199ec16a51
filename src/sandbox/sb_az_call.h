/*
 * sb_az_call: one call of Entra or of the fulfilment API on its way through the sandbox: planned
 * faults, count, ledger, and the errors in the several shapes in which the service writes them.
 */
#ifndef LM_SB_AZ_CALL_H
#define LM_SB_AZ_CALL_H

#include "sandbox/sb_az.h"
#include "sandbox/sb_msg.h"

struct sb_az_call;
typedef void (*sb_az_fn)(struct sb_az_call *c);

struct sb_az_call {
    struct sb *s;
    struct sb_az *az;
    const struct sb_req *req;
    struct sb_resp *resp;
    struct jsonw w; /* into resp->body */
    cJSON *in;      /* JSON body or form; NULL = none */
    struct sb_az_sub *sub;
    struct str id, op; /* path segments */
    sb_az_fn fn;       /* behind the common checks */
    char detail[160];  /* for the ledger */
};

/* How errors look. */
enum sb_az_shape {
    SB_AZ_E_FLAT,  /* {"code","message","target"?,"details":[]} */
    SB_AZ_E_INNER, /* {"error":{"code","message"}} */
    SB_AZ_E_UPPER, /* {"Error":{"Code","Message"}} */
    SB_AZ_E_TEXT   /* a bare JSON string */
};

/* Forgets what was written and writes an error. */
void sb_az_fail(struct sb_az_call *c, unsigned status, enum sb_az_shape shape, const char *code,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Entra's: {"error","error_description":"AADSTS...","error_codes":[n],"timestamp","trace_id",
 * "correlation_id"}; RFC 6749 section 5.2 with Microsoft's additions. */
void sb_az_refuse(struct sb_az_call *c, unsigned status, const char *error, unsigned code,
                  const char *text);
/* Runs fn under the name op: faults, count, ledger. */
void sb_az_run(struct sb_az_call *c, const char *op, sb_az_fn fn);

#endif
