#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/process_int.h"

#define ANSWER_MAX 16384

struct process_ctl {
    process_ctl_cb cb; /* NULL: told or cancelled */
    void *arg;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    struct buf line, answer;
    unsigned handles;
    char chunk[2048];
};

static void on_closed(uv_handle_t *h)
{
    struct process_ctl *c = h->data;

    if (--c->handles)
        return;
    buf_free(&c->line);
    buf_free(&c->answer);
    free(c);
}

static void finish(struct process_ctl *c, int rc)
{
    process_ctl_cb cb = c->cb;
    cJSON *root = NULL;

    if (cb == NULL)
        return;
    c->cb = NULL;
    if (rc == 0 && json_parse(buf_view(&c->answer), ANSWER_MAX, &root))
        rc = -EBADMSG;
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    cb(c->arg, rc, root);
    cJSON_Delete(root);
}

static void on_timeout(uv_timer_t *t)
{
    finish(t->data, -ETIMEDOUT);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    struct process_ctl *c = h->data;

    (void)size;
    *b = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct process_ctl *c = s->data;
    const char *end;

    if (c->cb == NULL || n == 0)
        return;
    if (n < 0) {
        /* The keeper went away between accepting and answering. */
        finish(c, n == UV_EOF || n == UV_ECONNRESET ? -ECONNREFUSED : -EBADMSG);
        return;
    }
    end = memchr(b->base, '\n', (size_t)n);
    buf_add(&c->answer, b->base, end ? (size_t)(end - b->base) : (size_t)n);
    if (buf_err(&c->answer))
        finish(c, -EBADMSG);
    else if (end)
        finish(c, 0);
}

static void on_written(uv_write_t *w, int status)
{
    struct process_ctl *c = w->handle->data;

    if (status < 0 && status != UV_ECANCELED)
        finish(c, -ECONNREFUSED);
}

static void on_connect(uv_connect_t *r, int status)
{
    struct process_ctl *c = r->handle->data;
    uv_buf_t b;

    if (c->cb == NULL)
        return;
    if (status < 0) {
        finish(c, status == UV_EACCES ? -EACCES : -ECONNREFUSED);
        return;
    }
    b = uv_buf_init(c->line.p, (unsigned)c->line.len);
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &b, 1, on_written) ||
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read))
        finish(c, -ECONNREFUSED);
}

int process_ctl_send(uv_loop_t *loop, const char *path, struct str line, uint64_t timeout_ms,
                     process_ctl_cb cb, void *arg, struct process_ctl **out)
{
    struct process_ctl *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return -ENOMEM;
    c->cb = cb;
    c->arg = arg;
    buf_init(&c->line, line.n + 2);
    buf_init(&c->answer, ANSWER_MAX);
    buf_str(&c->line, line);
    buf_ch(&c->line, '\n');
    if (buf_err(&c->line)) {
        buf_free(&c->line);
        free(c);
        return -ENOMEM;
    }
    uv_pipe_init(loop, &c->pipe, 0);
    uv_timer_init(loop, &c->timer);
    c->pipe.data = c->timer.data = c;
    c->handles = 2;
    uv_timer_start(&c->timer, on_timeout, timeout_ms, 0);
    uv_pipe_connect(&c->connect, &c->pipe, path, on_connect);
    *out = c;
    return 0;
}

void process_ctl_cancel(struct process_ctl *c)
{
    if (c->cb == NULL)
        return;
    c->cb = NULL;
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}
