/*
 * sb_az_api: the doors of Microsoft: /azure/api/ (SaaS fulfilment API 2018-08-31) and /entra/
 * (identity platform). docs/sandbox.md lists the addresses.
 */
#ifndef LM_SB_AZ_API_H
#define LM_SB_AZ_API_H

#include "sandbox/sb_az_call.h"

/* False: not one of these addresses, or there is no publisher. */
bool sb_az_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

/* The calls; sb_az_run() has prepared everything. */
void sb_az_resolve(struct sb_az_call *c);
void sb_az_activate(struct sb_az_call *c);
void sb_az_get(struct sb_az_call *c);
void sb_az_list(struct sb_az_call *c);
void sb_az_plans(struct sb_az_call *c);
void sb_az_update(struct sb_az_call *c);
void sb_az_delete(struct sb_az_call *c);
void sb_az_operations(struct sb_az_call *c);
void sb_az_operation(struct sb_az_call *c);
void sb_az_settle_call(struct sb_az_call *c);

#endif
