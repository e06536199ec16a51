/* Shared by the aws_creds_*.c files only: one fetch walks the sources, then assumes roles. */
#ifndef LM_AWS_CREDS_INT_H
#define LM_AWS_CREDS_INT_H

#include "base/arena.h"
#include "market/aws_creds.h"

enum { CREDS_ROLES = 6, CREDS_FILE_MAX = 64 * 1024, CREDS_REPLY_MAX = 64 * 1024 };

enum creds_env {
    ENV_KEY,
    ENV_SECRET,
    ENV_TOKEN,
    ENV_WEB_FILE,
    ENV_WEB_ROLE,
    ENV_WEB_SESSION,
    ENV_CREDENTIALS_FILE,
    ENV_CONFIG_FILE,
    ENV_PROFILE,
    ENV_HOME,
    ENV_ECS_RELATIVE,
    ENV_ECS_FULL,
    ENV_ECS_TOKEN_FILE,
    ENV_ECS_TOKEN,
    ENV_IMDS_OFF,
    ENV_IMDS_ENDPOINT,
    ENV_N
};

struct creds_role {
    const char *arn, *external_id, *session;
};

struct creds_set {
    struct arena *a; /* secret */
    struct sigv4_credentials k;
    int64_t expires_ms; /* 0: lasting */
};

TAILQ_HEAD(aws_creds_waits, aws_creds_wait);

struct aws_creds {
    struct aws_creds_config cfg;
    struct arena *a;
    const char *env[ENV_N]; /* "" = unset */
    struct creds_set cur;
    uint64_t generation;
    int64_t refresh_at, retry_at; /* wall clock */
    int last_rc;
    const char *last_why;
    int64_t skew_ms; /* learnt from STS */
    struct aws_creds_waits waiting, ready;
    uv_timer_t kick;
    bool closing;

    /* One fetch. */
    struct arena *fetch; /* NULL: none running */
    struct creds_set have;
    struct creds_role roles[CREDS_ROLES]; /* assumed from the last to the first */
    unsigned nroles, source, tries;
    struct http_call *call;
    http_cb *next;
    const char *imds_token;
};

/* aws_creds.c */
/* Strings are copied. expires_ms 0: lasting. */
void creds_found(struct aws_creds *c, struct str id, struct str secret, struct str token,
                 int64_t expires_ms);
void creds_failed(struct aws_creds *c, int rc, const char *why);
/* aws_creds_io.c */
/* One HTTP call of the fetch; next gets the reply with arg = c. */
void creds_http(struct aws_creds *c, const struct http_request *rq, http_cb *next);
/* {"AccessKeyId","SecretAccessKey","Token","Expiration"} of containers and instances. */
void creds_found_json(struct aws_creds *c, struct str text);
/* A file of one secret line, into the fetch's arena. NULL: creds_failed() was called. */
const char *creds_token_file(struct aws_creds *c, const char *path);

/* false: not set up here, ask the next. true: creds_found() or creds_failed() was or will be
 * called. */
typedef bool creds_source(struct aws_creds *c);
creds_source creds_from_env, creds_from_web, creds_from_files, creds_from_ecs, creds_from_imds;

/* aws_creds_sts.c */
void creds_assume(struct aws_creds *c, const struct creds_role *role);
void creds_assume_web(struct aws_creds *c, const char *token_file, const struct creds_role *role);

/* aws_ini.c: value of a key, last one wins; empty when absent. */
bool ini_has(struct str text, const char *prefix, struct str section);
struct str ini_value(struct str text, const char *prefix, struct str section, const char *key);

#endif
