/*
 * sb_aws: the AWS endpoints, all on one port. The operation is told by X-Amz-Target (JSON
 * protocols) or by the Action of a form (query protocol), never by the host name.
 */
#ifndef LM_SB_AWS_H
#define LM_SB_AWS_H

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

/* Looks like a call of the AWS API. */
bool sb_aws_wants(const struct sb_req *req);
void sb_aws_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

/* How often an operation was called; for GET state. */
struct sb_calls {
    char op[64];
    int64_t ok, failed;
};
void sb_aws_count(struct sb *s, const char *op, bool ok);

#endif
