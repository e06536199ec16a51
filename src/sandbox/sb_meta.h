/*
 * sb_meta: where programs on AWS machines get credentials, for tests of the credential chain:
 *   /sandbox/imds/...  the EC2 instance metadata service, version 2 (token by PUT)
 *   /sandbox/ecs       container credentials without a token, as ECS gives them
 *   /sandbox/eks       container credentials that want an Authorization header, as EKS does
 * They hand out sessions of fifteen minutes that the other endpoints accept.
 */
#ifndef LM_SB_META_H
#define LM_SB_META_H

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

/* False when the path is not one of these. */
bool sb_meta_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
