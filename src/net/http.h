/*
 * http: outbound HTTP (and SMTP) on one libcurl multi handle per loop.
 *
 * Every call has a connect and a total deadline, a cap on the reply, no redirects, no proxy from
 * the environment, TLS >= 1.2 verified, HTTP/1.1. Plain http is refused unless the address is
 * loopback (or a metadata address that was allowed). The address is checked when it is connected
 * to, and again when a kept connection is used, so DNS rebinding loses: private and loopback
 * addresses need http_request.allow; link-local, multicast and reserved ones are never reached.
 *
 * Per destination (scheme://host:port): at most `per_host` calls in flight, others wait in line
 * within their own deadline; a circuit breaker opens after 5 failures in a row (transport errors
 * and 5xx) for a growing, jittered time up to 60 s, answers -EHOSTDOWN at once meanwhile, and
 * lets one probe through when the time is over.
 *
 * Kept connections: the peer may close one just as it is used. A repeatable request is then sent
 * once more on a new one; any other always gets a connection of its own, so that no layer resends
 * it behind the caller's back.
 *
 * Ownership: the request is copied (and wiped at the end: it may hold secrets); the reply lives
 * until the callback returns. The callback runs exactly once on the loop thread, never inside
 * http_start(). http_cancel() and http_close() call it with -ECANCELED before they return.
 * Header lines are checked for CR and LF (-EINVAL).
 */
#ifndef LM_HTTP_H
#define LM_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/str.h"

enum http_allow { HTTP_PUBLIC = 0, HTTP_LOOPBACK = 1, HTTP_PRIVATE = 2, HTTP_METADATA = 4 };

struct http_request {
    const char *method; /* GET, POST, PUT, ... */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; sent exactly as given */
    struct str body;
    uint64_t connect_ms;     /* 0: 3000 */
    uint64_t timeout_ms;     /* 0: 10000 */
    size_t reply_max;        /* 0: 256 KiB */
    unsigned allow;          /* enum http_allow bits */
    const char *unix_socket; /* NULL: none */
    const char *resolve;     /* "host:port:addr" or NULL: fixed address, for probes */
    bool probe;              /* health probe: the breaker neither counts nor stops it */
    bool long_poll;          /* mostly waits: holds no place in the limits */
    bool repeatable;         /* may be sent twice (GET, HEAD, PUT and DELETE always are) */
};

struct http_reply {
    int rc;    /* 0: a complete answer, whatever its status; else -ETIMEDOUT, -ECONNREFUSED,
                  -EHOSTUNREACH (name not found), -EHOSTDOWN (breaker open, see retry_after_ms),
                  -EMSGSIZE (too big), -EPROTO (truncated, malformed), -EKEYREJECTED (TLS peer
                  not verified), -EACCES (address or scheme refused), -EINVAL (bad request),
                  -ECANCELED, -ENOMEM, -EIO */
    bool sent; /* the request may have reached the peer: outcome unknown if rc != 0 */
    int status;
    struct str body;
    struct str date;         /* Date header */
    struct str error_type;   /* X-Amzn-ErrorType header */
    uint64_t retry_after_ms; /* Retry-After header (at most a day), 0: none */
    uint64_t max_age_ms;     /* max-age of Cache-Control (at most a week), 0: none */
    uint64_t elapsed_ms;
};

struct http;
struct http_call;
typedef void http_cb(void *arg, const struct http_reply *reply);

int http_open(uv_loop_t *loop, unsigned in_flight, unsigned per_host, struct http **out);
/* Another limit from now on; what is in flight goes on. */
void http_limit(struct http *h, unsigned in_flight);
/* Cancels what is in flight; the loop must run until the handles are closed. NULLs *h. */
void http_close(struct http **h);
/* NULL only without memory or once http_close() has begun. */
struct http_call *http_start(struct http *h, const struct http_request *rq, http_cb *cb, void *arg);
void http_cancel(struct http_call *c);
unsigned http_in_flight(const struct http *h);
/* For addresses that the operator configured: HTTP_LOOPBACK when the URL's host is loopback as
 * written, else 0. */
unsigned http_url_allow(const char *url);
/* "host" or "host:port" as the Host header of this URL carries it; 0 or -EINVAL. */
int http_url_host(const char *url, struct buf *out);
/* "scheme://host[:port]" of a URL; 0 or -EINVAL. */
int http_url_origin(const char *url, struct buf *out);

/* One mail by SMTP (RFC 5321) on the same multi handle. message: complete RFC 5322 text with CRLF.
 * rc 0: the server has decided, reply.status is its last code: 250 accepted, 4xx temporary, 5xx
 * final. A user and password are only sent under TLS, or to a loopback server. The plain smtp
 * scheme may reach public addresses (TLS by STARTTLS where offered or required). */
struct http_mail {
    const char *url; /* smtp://host:port or smtps:// */
    const char *user, *password;
    bool starttls_required;
    const char *from; /* bare addresses */
    const char *to;
    struct str message;
    uint64_t timeout_ms; /* 0: 30000 */
    unsigned allow;
};
struct http_call *http_mail(struct http *h, const struct http_mail *m, http_cb *cb, void *arg);

#endif
