/* sb_route: which part of the sandbox answers a request. Takes the lock itself. */
#ifndef LM_SB_ROUTE_H
#define LM_SB_ROUTE_H

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

void sb_route(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
