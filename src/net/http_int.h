/* Shared by the http*.c files only. See http.h for the rules, http_dest.h for limits. */
#ifndef LM_HTTP_INT_H
#define LM_HTTP_INT_H

#include <curl/curl.h>

#include "base/arena.h"
#include "net/http.h"
#include "net/http_dest.h"

enum call_state { CALL_WAITING, CALL_RUNNING, CALL_DONE };

struct http_call {
    TAILQ_ENTRY(http_call) link; /* in dest->waiting, h->running or h->done, by state */
    struct http *h;
    struct http_dest *dest;
    struct arena *a; /* secret: copy of the request */
    CURL *easy;
    http_cb *cb;
    void *arg;
    enum call_state state;
    uint64_t started, deadline; /* clock_mono_ms() */
    unsigned allow;
    bool plain, unix_socket, mail;
    bool probe_flag, long_poll; /* from the request */
    bool admitted, deciding;    /* counted in dest->in_flight; the breaker's probe */
    bool sent, refused, too_big;
    bool fresh; /* has, or must have, a new connection */
    size_t head_bytes;
    struct str upload;  /* mail: what is left to send */
    curl_socket_t sock; /* that libcurl waits for, or CURL_SOCKET_BAD */
    char date[40];
    char error_type[160];
    struct buf body;
    struct http_reply reply;
};

struct http {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t curl_timer; /* libcurl's own deadlines */
    uv_timer_t line_timer; /* deadlines of calls in line */
    uv_timer_t soon;       /* callbacks that must not run inside http_start() */
    unsigned open_timers;
    unsigned max_in_flight, per_host, in_flight, counted, ndests;
    struct http_dests dests;
    struct http_calls running, done;
    uint64_t line_due;
    bool dispatching, closing;
};

/* http.c */
/* NULL without memory or while closing. room: bytes of arena beyond the usual. */
struct http_call *http_call_new(struct http *h, size_t room, http_cb *cb, void *arg);
/* Ends a call with this result; its callback comes later. */
void http_fail(struct http_call *c, int rc);
void http_done(struct http_call *c);
/* Runs the callbacks that are due. */
void http_dispatch(struct http *h);

/* http_loop.c */
int http_multi_open(struct http *h);

/* http_line.c */
/* Sends the call off, or puts it in line for its destination. */
void http_enter(struct http_call *c, struct str dest_key, uint64_t timeout_ms);
/* A running call gives its place back and its outcome to the breaker. */
void http_leave(struct http_call *c);
/* Starts what may start. */
void http_pump(struct http *h);

/* http_call.c: fills c->easy. 0 or -errno. */
int http_easy_common(struct http_call *c, size_t reply_max, uint64_t connect_ms);
int http_easy_request(struct http_call *c, const struct http_request *rq);
/* The outcome of a finished transfer goes into c->reply. */
void http_settle(struct http_call *c, CURLcode code);

/* http_url.c */
int http_url_check(const char *url, const char *schemes, bool *plain, struct buf *dest_key);

/* http_mail.c: maps what an SMTP transfer ended with. */
void http_mail_settle(struct http_call *c, CURLcode code);
/* Before a running mail is taken back. Left to itself, the library ends the message as if it were
 * whole (smtp_done() sends the last line), so that an empty or half a mail is delivered, and waits
 * for the answer. */
void http_mail_cut(const struct http_call *c);

#endif
