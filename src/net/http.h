/*
 * http: outbound HTTP (and SMTP, see mail in worker) on one libcurl multi handle per loop.
 *
 * Every call has a connect and a total deadline, a cap on the reply, no redirects, no proxy from
 * the environment, TLS verified. Plain http is refused unless the address is loopback. The
 * address is checked when it is connected to (CURLOPT_OPENSOCKETFUNCTION), so DNS rebinding
 * loses: private, link-local, multicast and loopback addresses need http_request.allow.
 *
 * Per destination (scheme://host:port): at most `per_host` calls in flight, others wait in line
 * within their own deadline; a circuit breaker opens after 5 failures in a row (transport errors
 * and 5xx) for a growing, jittered time up to 60 s, answers -EHOSTDOWN at once meanwhile, and
 * lets one probe through when the time is over.
 *
 * Ownership: the request is copied; the reply lives until the callback returns. The callback runs
 * exactly once on the loop thread, never inside http_start(). http_cancel() calls it with
 * -ECANCELED.
 */
#ifndef LM_HTTP_H
#define LM_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

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
};

struct http_reply {
    int rc;    /* 0: a complete answer; else -ETIMEDOUT, -ECONNREFUSED, -EHOSTDOWN,
                  -EMSGSIZE (too big), -EPROTO (truncated, malformed), -EACCES
                  (address or scheme refused), -ECANCELED, -EIO */
    bool sent; /* the request may have reached the peer: outcome unknown if rc != 0 */
    int status;
    struct str body;
    struct str date;       /* Date header */
    struct str error_type; /* X-Amzn-ErrorType header */
    uint64_t retry_after_ms;
    uint64_t elapsed_ms;
};

struct http;
struct http_call;
typedef void http_cb(void *arg, const struct http_reply *reply);

int http_open(uv_loop_t *loop, unsigned in_flight, unsigned per_host, struct http **out);
/* Cancels what is in flight; the loop must run until the handles are closed. */
void http_close(struct http **h);
/* NULL only without memory. */
struct http_call *http_start(struct http *h, const struct http_request *rq, http_cb *cb, void *arg);
void http_cancel(struct http_call *c);
unsigned http_in_flight(const struct http *h);

/* One mail by SMTP (RFC 5321) on the same multi handle. message: complete RFC 5322 text with CRLF.
 * reply.status is the last SMTP code (250); 4xx codes are temporary. */
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
