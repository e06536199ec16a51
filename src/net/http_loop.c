/* libcurl's multi handle driven by libuv. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_int.h"

enum { KEPT_CONNECTIONS = 64 };

struct watch {
    uv_poll_t poll;
    struct http *h;
    curl_socket_t fd;
};

/* The peer had given up the kept connection before it saw the request. */
static bool was_stale(const struct http_call *c, CURLcode code)
{
    long connects = 1;

    if (code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR && code != CURLE_GOT_NOTHING)
        return false;
    curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &connects);
    return !c->fresh && !c->mail && connects == 0 && c->head_bytes == 0;
}

static bool sent_again(struct http_call *c)
{
    uint64_t now = clock_mono_ms();

    if (now >= c->deadline)
        return false;
    c->fresh = true;
    c->sent = false;
    curl_multi_remove_handle(c->h->multi, c->easy);
    curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)(c->deadline - now));
    return curl_multi_add_handle(c->h->multi, c->easy) == CURLM_OK;
}

static void finish(struct http_call *c, CURLcode code)
{
    if (was_stale(c, code) && sent_again(c))
        return;
    http_settle(c, code);
    http_leave(c);
    http_done(c);
}

static void collect(struct http *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left))) {
        CURLcode code = m->data.result;
        struct http_call *c = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        finish(c, code);
    }
    http_pump(h);
    http_dispatch(h);
}

static void on_curl_timer(uv_timer_t *t)
{
    struct http *h = t->data;
    int running;

    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(h);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct http *h = arg;

    (void)multi;
    if (h->closing)
        return 0;
    if (ms < 0)
        uv_timer_stop(&h->curl_timer);
    else
        uv_timer_start(&h->curl_timer, on_curl_timer, (uint64_t)ms, 0);
    return 0;
}

static void on_readable(uv_poll_t *p, int status, int events)
{
    struct watch *w = p->data;
    struct http *h = w->h;
    int flags = 0, running;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(h->multi, w->fd, flags, &running);
    collect(h);
}

static void watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *watch_new(struct http *h, curl_socket_t fd)
{
    struct watch *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    if (uv_poll_init_socket(h->loop, &w->poll, fd)) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->h = h;
    w->fd = fd;
    curl_multi_assign(h->multi, fd, w);
    return w;
}

static void note_socket(CURL *easy, curl_socket_t fd, int what)
{
    struct http_call *c = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
    if (c && what != CURL_POLL_REMOVE)
        c->sock = fd;
    else if (c && c->sock == fd)
        c->sock = CURL_SOCKET_BAD;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock)
{
    struct http *h = arg;
    struct watch *w = sock;
    int events = 0;

    note_socket(easy, fd, what);
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, watch_closed);
            curl_multi_assign(h->multi, fd, NULL);
        }
        return 0;
    }
    if (!w && !(w = watch_new(h, fd)))
        return -1;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_readable) ? -1 : 0;
}

int http_multi_open(struct http *h)
{
    CURLMcode bad = CURLM_OK;

    h->multi = curl_multi_init();
    if (!h->multi)
        return -ENOMEM;
    bad |= curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, (void *)h);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, (void *)h);
    bad |= curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return bad ? -EIO : 0;
}
