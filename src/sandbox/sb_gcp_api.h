/*
 * sb_gcp_api: the Google part of the control interface, /sandbox/api/gcp/ (docs/sandbox.md), and
 * what it shares with the store page.
 */
#ifndef LM_SB_GCP_API_H
#define LM_SB_GCP_API_H

#include "sandbox/sb_gcp_order.h"
#include "sandbox/sb_gcp_token.h"

#define SB_GCP_API "gcp/"

struct sb_gcp_api {
    struct sb *s;
    const struct sb_req *req;
    struct str path; /* behind gcp/ */
    const cJSON *in; /* never NULL for POST */
    struct jsonw *w;
    const char *why;
    bool created; /* 201 */
};

/* 0 with the answer written, else -errno with a sentence in why. path: behind gcp/. */
int sb_gcp_api_call(struct sb_gcp_api *a);
/* sb_gcp_ctl.c: tokens, attack, events, subscriptions, keys, settings. -ENOSYS: not one of them. */
int sb_gcp_ctl(struct sb_gcp_api *a);
/* {token, url, fields} of a sign-up, as members of the object that is open. 0 or -errno. */
int sb_gcp_api_token(struct sb_gcp_api *a, struct sb_gcp_signup *t, bool login);
/* Fills the optional members of a token request. 0 or -EINVAL. */
int sb_gcp_api_signup(struct sb_gcp_api *a, struct sb_gcp_signup *t);
/* Of a purchase request, as JSON or as a form. 0 or -EINVAL. */
int sb_gcp_api_buy(const struct sb *s, const cJSON *in, struct sb_gcp_buy *b, const char **why);

#endif
