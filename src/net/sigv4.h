/*
 * sigv4: AWS Signature Version 4 in header form, for one request held in memory.
 * Source: AWS "Create a signed AWS API request" and the aws-c-auth vectors. The clock is an
 * argument, so it can be frozen in tests and corrected for skew.
 */
#ifndef LM_SIGV4_H
#define LM_SIGV4_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct sigv4_credentials {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token; /* "" or NULL: none */
};

struct sigv4_header {
    struct str name;
    struct str value;
};

struct sigv4_request {
    const char *method;
    struct str path;                    /* raw as sent */
    struct str query;                   /* raw as sent, without ? */
    const struct sigv4_header *headers; /* host included; not x-amz-date, not the token */
    size_t nheaders;
    struct str body;
    const char *region, *service;
    int64_t now_ms;
    bool normalize_path; /* remove dot segments (not S3) */
    bool content_sha256; /* also send and sign x-amz-content-sha256 */
    bool token_unsigned; /* add the token after signing */
};

struct sigv4_result {
    struct buf canonical; /* kept for tests */
    struct buf string_to_sign;
    struct buf authorization; /* header value */
    char date[17];            /* x-amz-date value */
    char payload_hash[65];
};

/* Initialises and fills *out; 0 or -EINVAL/-ENOMEM. Release with sigv4_free() in any case. */
int sigv4_sign(const struct sigv4_request *rq, const struct sigv4_credentials *cred,
               struct sigv4_result *out);
void sigv4_free(struct sigv4_result *r);

#endif
