/*
 * sb_canon: the canonical request of AWS Signature Version 4, from what was received ("Create a
 * signed AWS API request", IAM User Guide). Pure; written apart from the client's signer, so that
 * each checks the other.
 */
#ifndef LM_SB_CANON_H
#define LM_SB_CANON_H

#include "sandbox/sb_msg.h"

/* Appends the canonical request. signed_headers: the list of the Authorization header, lower
 * case, separated by semicolons, sorted. 0; -EINVAL: the list is unsorted or names an absent
 * header; -EBADMSG: x-amz-content-sha256 does not fit the body; -ENOBUFS. */
int sb_canon_request(const struct sb_req *req, struct str signed_headers, struct buf *out);

#endif
