/*
 * aws_creds: AWS credentials from the places where the AWS SDKs look, in their order.
 *
 * 1 environment, 2 web identity (EKS, OIDC), 3 shared files with profiles and roles, 4 container
 * endpoint (ECS, EKS pod identity), 5 instance metadata (IMDSv2). A configured credentials file
 * or profile is used instead of the chain; a configured role is assumed on top. Source: "AWS SDKs
 * and Tools Reference Guide", botocore credentials.py; STS API version 2011-06-15.
 *
 * Temporary credentials are renewed 5 to 15 minutes before they end, in the background; while a
 * source is in trouble the old ones are used to their end. Files are read again at every renewal
 * and environment variables once, at aws_creds_open(). Secrets live in wiped arenas.
 *
 * Loop thread only. Callbacks never run inside aws_creds_wait().
 */
#ifndef LM_AWS_CREDS_H
#define LM_AWS_CREDS_H

#include <sys/queue.h>
#include <uv.h>

#include "net/http.h"
#include "net/sigv4.h"

struct aws_creds_config {
    uv_loop_t *loop;
    struct http *http;
    const char *(*getenv)(const char *name); /* NULL: the process environment */
    const char *credentials_file, *profile;  /* "" = the chain */
    const char *role_arn, *external_id;      /* "" = none */
    const char *region;                      /* of STS; "" = us-east-1 */
    const char *sts_endpoint;                /* "" = AWS's own */
};

struct aws_creds;

/* rc: 0; -ENOENT nobody has credentials, -EAGAIN a source did not answer, -EACCES a source
 * refused or is set up wrongly. why: static text, never a secret. */
typedef void aws_creds_cb(void *arg, int rc, const char *why);

struct aws_creds_wait {
    TAILQ_ENTRY(aws_creds_wait) link;
    aws_creds_cb *cb;
    void *arg;
    bool listed;
};

int aws_creds_open(const struct aws_creds_config *cfg, struct aws_creds **out);
/* Waiting callers are dropped without a callback; the loop must run until handles are closed. */
void aws_creds_close(struct aws_creds **c);
/* true: usable now, *out is valid until control returns to the loop. false: wait. */
bool aws_creds_now(struct aws_creds *c, struct sigv4_credentials *out, uint64_t *generation);
void aws_creds_wait(struct aws_creds *c, struct aws_creds_wait *w, aws_creds_cb *cb, void *arg);
void aws_creds_unwait(struct aws_creds *c, struct aws_creds_wait *w);
/* The files are others now: a failure is forgotten, and they are read at the next use. */
void aws_creds_renew(struct aws_creds *c);
/* AWS refused this generation as expired. false: they were lasting ones, there are no others. */
bool aws_creds_expire(struct aws_creds *c, uint64_t generation);

#endif
