/* sigv4_canon: the canonical request of Signature Version 4; used by sigv4.c only. Pure. */
#ifndef LM_SIGV4_CANON_H
#define LM_SIGV4_CANON_H

#include "net/sigv4.h"

/* token: "" when it is not signed. names receives the SignedHeaders list. */
int sigv4_canonical(const struct sigv4_request *rq, const char *date, const char *token,
                    const char *payload_hash, struct buf *out, struct buf *names);

#endif
