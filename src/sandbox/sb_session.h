/*
 * sb_session: temporary credentials that the sandbox's STS, IMDS and container endpoint have
 * given out. They end by the sandbox's clock.
 */
#ifndef LM_SB_SESSION_H
#define LM_SB_SESSION_H

#include "sandbox/sb_core.h"

struct sb_session {
    char key[32];
    char secret[64];
    char token[220];
    char arn[300]; /* of the assumed role */
    int64_t expires_ms;
};

/* NULL when there is no room. Owned by s. */
const struct sb_session *sb_session_new(struct sb *s, const char *arn, int64_t seconds);
const struct sb_session *sb_session_find(const struct sb *s, struct str key);

#endif
