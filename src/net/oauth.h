/*
 * oauth: one access token of one client, fetched when needed, refreshed before it ends, one
 * refresh in flight however many wait (RFC 6749 4.4, RFC 7523, RFC 8693).
 *
 * A source makes the request (form, assertion, metadata) each time anew; oauth sends it, reads
 * {"access_token","expires_in"} leniently (numbers may be texts; "accessToken" and "expireTime" of
 * Google's impersonation too), and keeps the token until 5 minutes before its end (a tenth of its
 * life for short ones). While a refresh fails an old token that is still valid goes on being used.
 * A source may need several requests in a row (token exchange, then impersonation): next() says so.
 *
 * Failures: OAUTH_RETRY (transport, 429, 5xx: with back-off, no storm: at most one request per
 * second and source), OAUTH_CONFIG (the server says no: invalid_client, invalid_grant, a missing or
 * unreadable key file). code is the OAuth error or "AADSTS7000222" where Entra gives one; a CONFIG
 * failure is remembered for 30 s so that waiting tasks do not hammer. Secrets are wiped.
 *
 * Thread rule: loop thread. Callbacks run on the loop, never inside oauth_get().
 */
#ifndef LM_OAUTH_H
#define LM_OAUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "net/http.h"

enum oauth_class { OAUTH_OK, OAUTH_RETRY, OAUTH_CONFIG };

/* The next request, in buffers that oauth owns and wipes. */
struct oauth_request {
    const char *method;           /* "POST", "GET" */
    struct buf url, body, header; /* header: one more "Name: value" line, may stay empty */
    const char *content_type;     /* static text; NULL: application/x-www-form-urlencoded */
    bool metadata;                /* the host may be a metadata address */
};

struct oauth_source {
    /* step counts from 0; previous: body of the answer before (empty for step 0). 0 and a request,
     * or -errno with *why (static text): the key file is gone, ... */
    int (*make)(void *arg, unsigned step, struct str previous, struct oauth_request *rq,
                const char **why);
    unsigned steps; /* requests in a row; the last one's answer holds the token */
    void *arg;
};

struct oauth;
struct oauth_wait; /* handle of one waiter */
/* token is valid until the callback returns; NULL unless cls is OAUTH_OK. */
typedef void oauth_cb(void *arg, enum oauth_class cls, const char *token, const char *code);

int oauth_open(uv_loop_t *loop, struct http *http, const struct oauth_source *source,
               struct oauth **out);
/* Waiters are called back with OAUTH_RETRY before this returns; the loop must run on. */
void oauth_close(struct oauth **o);
/* NULL without memory. */
struct oauth_wait *oauth_get(struct oauth *o, oauth_cb *cb, void *arg);
void oauth_cancel(struct oauth_wait *w); /* not called back any more */
/* The peer refused this token (401): the next oauth_get() fetches another one. */
void oauth_drop(struct oauth *o, const char *token);
/* The credentials are others now: forgets a failure and fetches a token, while one in hand goes on
 * being used. */
void oauth_renew(struct oauth *o);
/* Milliseconds until the token in hand ends; 0: none. (doctor, tests) */
int64_t oauth_left_ms(const struct oauth *o);

#endif
