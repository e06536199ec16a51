/*
 * signin: a buyer proves to Microsoft who he is before a purchase is shown and claimed (OpenID
 * Connect, authorization code with PKCE; sources: OpenID Connect Core 1.0, RFC 7636, Microsoft
 * identity platform "v2-oauth2-auth-code-flow").
 *
 * One attempt is 128 random bits. state, nonce and code verifier are HMACs of it under the
 * registration's secret id, so nothing is stored; the attempt and the id travel in a cookie that
 * only the way back sees. A second attempt in another tab has a cookie of its own: the first
 * letters of the state name it. The worker redeems the code; here it is only sealed.
 */
#ifndef LM_SIGNIN_H
#define LM_SIGNIN_H

#include "pages/page.h"
#include "pages/reg.h"

enum { SIGNIN_TEXT = 44, SIGNIN_ATTEMPT = 23, SIGNIN_COOKIE_MS = 15 * 60 * 1000 };

struct signin {
    char attempt[SIGNIN_ATTEMPT];                                       /* 22 base64url letters */
    char state[SIGNIN_TEXT], nonce[SIGNIN_TEXT], verifier[SIGNIN_TEXT]; /* 43 */
};

/* Everything that follows from an attempt. 0, or -EINVAL when it is not of 22 base64url letters. */
int signin_derive(const struct reg_id *id, struct str attempt, struct signin *out);
void signin_begin(const struct reg_id *id, struct signin *out);
/* Where the browser is sent; NULL: no memory. */
const char *signin_authorize_url(struct req *r, const struct cfg_market *m, const struct signin *s);
const char *signin_redirect_uri(struct req *r);
/* Set-Cookie values; NULL: no memory. */
const char *signin_cookie(struct req *r, const struct reg_id *id, const struct signin *s);
const char *signin_cookie_gone(struct req *r, struct str state);
/* The attempt that a state belongs to, by its cookie; 0, or -ENOENT: there is none, or it is not of
 * that state. */
int signin_find(struct req *r, struct str state, struct reg_id *id, struct signin *out);

/* The page with the button; why: NULL, or the last part of a key "signin.<why>". */
void signin_show(struct req *r, const struct reg_id *id, const struct reg *g, const char *why);

#endif
