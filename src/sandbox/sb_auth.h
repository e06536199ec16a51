/*
 * sb_auth: verifies AWS Signature Version 4 of a received request and says what AWS would say.
 * Pure except for sb_auth_check(), which looks keys up in struct sb.
 *
 * Enforced beyond the arithmetic: host, the date and every x-amz-* header that is present must be
 * signed ("Create a signed AWS API request", IAM User Guide: CanonicalHeaders must include host
 * and any x-amz-* headers); scope date = request date; five minutes of clock difference.
 */
#ifndef LM_SB_AUTH_H
#define LM_SB_AUTH_H

#include <stdint.h>

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

#define SB_AUTH_SKEW_MS (5 * 60000)

enum sb_auth {
    SB_AUTH_OK,
    SB_AUTH_MISSING,       /* no Authorization header */
    SB_AUTH_INCOMPLETE,    /* not of the form, or a needed header is not signed */
    SB_AUTH_UNKNOWN_KEY,   /* no such access key, or a wrong session token */
    SB_AUTH_TOKEN_EXPIRED, /* session ran out */
    SB_AUTH_SCOPE,         /* signed for another region, service or day */
    SB_AUTH_TOO_OLD,
    SB_AUTH_TOO_NEW,
    SB_AUTH_EXPIRED, /* older than 15 minutes: RequestExpired */
    SB_AUTH_MISMATCH
};

/* The Authorization header in its parts; slices into the request. */
struct sb_auth_parts {
    struct str key, date, region, service, signed_headers, signature;
    struct str stamp; /* x-amz-date */
    int64_t stamp_ms;
};

enum sb_auth sb_auth_parse(const struct sb_req *req, struct sb_auth_parts *out);
/* The signature that this secret makes over the request, as hex. 0 or an error of sb_canon. */
int sb_auth_sign(const struct sb_req *req, const struct sb_auth_parts *a, struct str secret,
                 char hex[65]);
/* Everything: form, key, session, scope, clock, signature. *a is filled as far as it got. */
enum sb_auth sb_auth_check(const struct sb *s, const struct sb_req *req, const char *service,
                           const char *region, struct sb_auth_parts *a);

#endif
