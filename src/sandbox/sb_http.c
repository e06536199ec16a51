#include "sandbox/sb_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_route.h"

#define IDLE_S      90 /* longer than any planned silence of a client between two calls */
#define CONNECTIONS 400
#define DAYS        "SunMonTueWedThuFriSat"
#define MONTHS      "JanFebMarAprMayJunJulAugSepOctNovDec"

struct sb_http {
    struct MHD_Daemon *d;
    struct sb *s;
};

/* One exchange: what has come in so far. */
struct exchange {
    char *uri;
    struct buf body;
    bool begun; /* headers have been announced */
    bool too_big;
};

/* An answer that a callback produces piece by piece. */
struct trickle {
    struct sb *s;
    char *text;
    size_t n;
    size_t stop_at; /* break off here */
    enum sb_wire wire;
    uint64_t started_ms, ms;
};

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct exchange *x = calloc(1, sizeof(*x));

    (void)cls;
    (void)conn;
    if (!x)
        return NULL;
    buf_init(&x->body, SB_BODY_MAX);
    x->uri = strdup(uri);
    return x;
}

static void on_done(void *cls, struct MHD_Connection *conn, void **con_cls,
                    enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *con_cls;

    (void)cls;
    (void)conn;
    (void)why;
    if (!x)
        return;
    buf_free(&x->body);
    free(x->uri);
    free(x);
    *con_cls = NULL;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct sb_req *req = cls;

    (void)kind;
    if (req->nh == SB_HDR_MAX)
        return MHD_NO;
    req->h[req->nh++] = (struct sb_hdr){str_of(key), str_of(value)};
    return MHD_YES;
}

/* The library would undo escapes in the path; signatures are over the path as sent. */
static size_t keep_escapes(void *cls, struct MHD_Connection *conn, char *s)
{
    (void)cls;
    (void)conn;
    return strlen(s);
}

/* A piece every 50 ms; ends early when the sandbox stops. */
static ssize_t trickle_read(void *cls, uint64_t pos, char *dst, size_t max)
{
    struct trickle *t = cls;
    bool endless = t->wire == SB_WIRE_ENDLESS;
    size_t have = t->n - (pos < t->n ? (size_t)pos : t->n), n;

    pthread_mutex_lock(&t->s->mu);
    if (t->wire != SB_WIRE_TRUNCATE)
        sb_core_hold(t->s, 50);
    bool stop = t->s->stopping;
    pthread_mutex_unlock(&t->s->mu);
    uint64_t spent = clock_mono_ms() - t->started_ms;
    if (stop || (endless && have == 0 && spent > t->ms))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (t->wire == SB_WIRE_TRUNCATE) {
        if (pos >= t->stop_at)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        n = t->stop_at - (size_t)pos;
    } else if (endless && have == 0) {
        memset(dst, ' ', max < 64 ? max : 64);
        return (ssize_t)(max < 64 ? max : 64);
    } else {
        n = endless ? have : t->n * 50 / (t->ms ? t->ms : 1) + 1;
    }
    n = n < have ? n : have;
    n = n < max ? n : max;
    memcpy(dst, t->text + pos, n);
    return (ssize_t)n;
}

static void trickle_free(void *cls)
{
    struct trickle *t = cls;

    free(t->text);
    free(t);
}

static struct MHD_Response *trickle_response(struct sb *s, const struct sb_resp *resp)
{
    struct trickle *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    *t = (struct trickle){.s = s,
                          .n = resp->body.len,
                          .stop_at = resp->body.len / 2,
                          .wire = resp->wire,
                          .started_ms = clock_mono_ms(),
                          .ms = resp->wire_ms};
    t->text = malloc(t->n + 1);
    if (!t->text) {
        free(t);
        return NULL;
    }
    memcpy(t->text, buf_cstr(&resp->body), t->n);
    return MHD_create_response_from_callback(resp->wire == SB_WIRE_ENDLESS ? MHD_SIZE_UNKNOWN
                                                                           : t->n,
                                             1024, trickle_read, t, trickle_free);
}

/* IMF-fixdate by the sandbox's clock, from which clients learn a difference (RFC 9110 5.6.7). */
static void http_date(int64_t ms, char out[40])
{
    char iso[CLOCK_ISO];
    uint64_t month = 1;
    int64_t day = ((ms / SB_DAY_MS) % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday */

    clock_iso(ms, iso);
    str_u64(str_make(iso + 5, 2), 12, &month);
    snprintf(out, 40, "%.3s, %.2s %.3s %.4s %.8s GMT", &DAYS[day * 3], iso + 8,
             &MONTHS[(month - 1) * 3], iso, iso + 11);
}

static enum MHD_Result send_answer(struct sb *s, struct MHD_Connection *conn,
                                   const struct sb_resp *resp)
{
    struct MHD_Response *r;
    char date[40];

    if (resp->wire == SB_WIRE_DROP)
        return MHD_NO;
    if (resp->wire == SB_WIRE_NORMAL)
        r = MHD_create_response_from_buffer(resp->body.len, (void *)resp->body.p,
                                            MHD_RESPMEM_MUST_COPY);
    else
        r = trickle_response(s, resp);
    if (!r)
        return MHD_NO;
    pthread_mutex_lock(&s->mu);
    http_date(sb_core_now(s), date);
    pthread_mutex_unlock(&s->mu);
    MHD_add_response_header(r, "Date", date);
    MHD_add_response_header(r, "Content-Type", resp->ctype);
    for (size_t i = 0; i < resp->nh; i++)
        MHD_add_response_header(r, resp->h[i].name, resp->h[i].value);
    enum MHD_Result rc = MHD_queue_response(conn, resp->status, r);
    MHD_destroy_response(r);
    return rc;
}

static enum MHD_Result answer(struct sb *s, struct MHD_Connection *conn, const char *method,
                              const struct exchange *x)
{
    struct sb_req req = {.method = str_of(method), .too_big = x->too_big};
    struct sb_resp resp;

    req.path = str_cut(str_of(x->uri), '?', &req.query);
    if (!x->too_big)
        req.body = buf_view(&x->body);
    MHD_get_connection_values(conn, MHD_HEADER_KIND, on_header, &req);
    sb_resp_init(&resp);
    sb_route(s, &req, &resp);
    if (buf_err(&resp.body))
        sb_resp_text(&resp, 500, "the answer became too large");
    enum MHD_Result rc = send_answer(s, conn, &resp);
    sb_resp_free(&resp);
    return rc;
}

/* Called with headers only, then with each piece of the body, then once more without any. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **con_cls)
{
    struct sb_http *h = cls;
    struct exchange *x = *con_cls;

    (void)url;
    (void)version;
    if (!x || !x->uri)
        return MHD_NO;
    if (!x->begun) {
        x->begun = true;
        return MHD_YES;
    }
    if (*size > 0) {
        buf_add(&x->body, data, *size);
        x->too_big = x->too_big || buf_err(&x->body) != 0;
        *size = 0;
        return MHD_YES;
    }
    return answer(h->s, conn, method, x);
}

struct sb_http *sb_http_start(struct sb *s, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sb_http *h = calloc(1, sizeof(*h));
    const union MHD_DaemonInfo *info;

    if (!h)
        return NULL;
    h->s = s;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pthread_mutex_lock(&s->mu); /* no request is answered before the port is known */
    h->d = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_SUPPRESS_DATE_NO_CLOCK,
        port, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&sa,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    info = h->d ? MHD_get_daemon_info(h->d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    s->port = info ? info->port : 0;
    pthread_mutex_unlock(&s->mu);
    if (!info)
        sb_http_stop(&h);
    return h;
}

void sb_http_stop(struct sb_http **h)
{
    if (!*h)
        return;
    sb_core_stop((*h)->s);
    if ((*h)->d)
        MHD_stop_daemon((*h)->d);
    free(*h);
    *h = NULL;
}
