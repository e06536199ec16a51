#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "store/redis_internal.h"

enum { BACKOFF_FIRST_MS = 10, BACKOFF_MAX_MS = 2000 };

void redis_free_if_over(struct redis *c)
{
    const struct redis_hooks hooks = c->hooks;
    struct redis_call *call;

    if (!c->ending || c->open_handles || c->resolving)
        return;
    while (c->broken.head)
        redis_fail_queue(c, &c->broken, -EAGAIN);
    while ((call = c->spare) != NULL) {
        c->spare = call->next;
        buf_free(&call->cmd);
        free(call);
    }
    reply_reader_free(&c->reader);
    buf_free(&c->out);
    buf_free(&c->sending);
    free(c);
    hooks.on_closed(hooks.owner);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct redis *c = h->data;

    c->open_handles--;
    redis_free_if_over(c);
}

void redis_end(struct redis *c)
{
    uv_timer_stop(&c->timer);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    uv_close((uv_handle_t *)&c->prepare, on_handle_closed);
    if (c->resolving)
        uv_cancel((uv_req_t *)&c->resolve);
    if (c->stream && c->state != REDIS_CLOSING) {
        c->state = REDIS_CLOSING;
        uv_close((uv_handle_t *)&c->h.stream, on_handle_closed);
    }
}

static void schedule_retry(struct redis *c)
{
    c->state = REDIS_DOWN;
    c->retry_at = clock_mono_ms() + rand_backoff_ms(c->attempts, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    if (c->attempts < 16)
        c->attempts++;
    redis_arm(c);
}

static void on_stream_closed(uv_handle_t *h)
{
    struct redis *c = h->data;

    c->stream = false;
    c->open_handles--;
    if (c->ending)
        redis_free_if_over(c);
    else
        schedule_retry(c);
}

void redis_drop(struct redis *c, const char *why)
{
    if (c->state == REDIS_CLOSING || c->state == REDIS_DOWN)
        return;
    if (why)
        redis_set_trouble(c, str_of(why));
    if (c->state == REDIS_READY)
        c->since = clock_mono_ms();
    else
        c->failed = true;
    c->state = REDIS_CLOSING;
    buf_reset(&c->out);
    if (c->stream)
        uv_close((uv_handle_t *)&c->h.stream, on_stream_closed);
    else
        schedule_retry(c);
    redis_fail_queue(c, &c->flight, -EAGAIN);
}

static void on_written(uv_write_t *w, int status)
{
    struct redis *c = w->data;

    c->writing = false;
    buf_reset(&c->sending);
    if (c->state == REDIS_CLOSING || c->ending)
        return;
    if (status < 0)
        redis_drop(c, uv_err_name(status));
    else if (c->out.len)
        redis_flush_later(c);
}

static void flush(struct redis *c)
{
    uv_buf_t b = uv_buf_init(c->out.p, (unsigned)c->out.len);
    struct buf swap;
    int n;

    if (buf_err(&c->out)) {
        redis_drop(c, "out of memory");
        return;
    }
    if (c->writing || c->out.len == 0)
        return;
    n = uv_try_write(&c->h.stream, &b, 1);
    if (n < 0 && n != UV_EAGAIN) {
        redis_drop(c, uv_err_name(n));
        return;
    }
    if (n > 0)
        buf_drop(&c->out, (size_t)n);
    if (c->out.len == 0)
        return;
    swap = c->sending;
    c->sending = c->out;
    c->out = swap;
    b = uv_buf_init(c->sending.p, (unsigned)c->sending.len);
    c->write.data = c;
    c->writing = true;
    n = uv_write(&c->write, &c->h.stream, &b, 1, on_written);
    if (n < 0) {
        c->writing = false;
        redis_drop(c, uv_err_name(n));
    }
}

static void on_prepare(uv_prepare_t *p)
{
    struct redis *c = p->data;

    uv_prepare_stop(p);
    c->flushing = false;
    if (c->state == REDIS_READY || c->state == REDIS_GREETING)
        flush(c);
}

void redis_flush_later(struct redis *c)
{
    if (c->flushing || c->ending)
        return;
    c->flushing = true;
    uv_prepare_start(&c->prepare, on_prepare);
}

/* AUTH (when configured) and PING. Trouble that a command would be told as well is not trouble of
 * the connection; a refused password is. */
static int take_greeting(struct redis *c, const struct reply *r)
{
    static const char *const fatal[] = {"NOAUTH", "WRONGPASS", "ERR", "NOPERM"};

    if (r->type == REPLY_ERROR) {
        struct str rest, word = str_cut(r->s, ' ', &rest);

        redis_set_trouble(c, r->s);
        for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
            if (str_is(word, fatal[i]))
                return -EACCES;
    }
    if (--c->greetings)
        return 0;
    c->state = REDIS_READY;
    c->failed = false;
    c->attempts = 0;
    redis_move_waiting(c);
    return 0;
}

static void on_bytes(struct redis *c, size_t n)
{
    const struct reply *reply;
    int rc = reply_feed(c->reader, c->in, n);

    while (!rc) {
        rc = reply_next(c->reader, &reply);
        if (rc == 0)
            return;
        if (rc == 1)
            rc = c->state == REDIS_GREETING ? take_greeting(c, reply) : redis_take_reply(c, reply);
        if (c->ending || (c->state != REDIS_READY && c->state != REDIS_GREETING))
            return;
    }
    redis_drop(c, rc == -EPROTO ? "not the Redis protocol" : NULL);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    struct redis *c = h->data;

    (void)size;
    *b = uv_buf_init(c->in, sizeof(c->in));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct redis *c = s->data;

    (void)b;
    if (n > 0)
        on_bytes(c, (size_t)n);
    else if (n < 0)
        redis_drop(c, n == UV_EOF ? "Redis closed the connection" : uv_err_name((int)n));
}

int redis_read_start(struct redis *c)
{
    return uv_read_start(&c->h.stream, on_alloc, on_read);
}
