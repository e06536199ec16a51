/*
 * sb_api: the control interface, JSON under /sandbox/api/ (docs/sandbox.md lists it). For tests
 * and demos: no authentication, loopback only, and nothing for pages of other origins.
 */
#ifndef LM_SB_API_H
#define LM_SB_API_H

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

#define SB_API_PREFIX "/sandbox/api/"

void sb_api_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
