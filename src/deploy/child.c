#include "deploy/child.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/child_spawn.h"

#define GRACE_MS 1000

/* What goes to a child's stdin, until it is written. */
struct input {
    struct child *c; /* NULL: closing */
    uv_pipe_t pipe;
    uv_write_t write;
    char text[];
};

struct output {
    uv_pipe_t pipe;
    bool open;
};

struct child {
    struct child_events ev;
    uv_loop_t *loop;
    int in;              /* its stdin until something is sent, then -1 */
    struct input *input; /* while it is being written */
    struct output out, err;
    uv_poll_t exit_poll;
    uv_timer_t grace;
    pthread_mutex_t lock;
    pid_t pid; /* 0: reaped. Under lock */
    pid_t leader;
    int pidfd;
    int status;
    bool ended, told, line_too_long, skipping;
    unsigned handles; /* not yet closed */
    struct buf line;  /* the beginning of one that has not ended yet */
    struct buf errors;
};

/* What one read brings is used up before the next: enough for all children of a loop. */
static _Thread_local char chunk[4096];

static void on_closed(uv_handle_t *h)
{
    struct child *c = h->data;

    if (--c->handles)
        return;
    if (c->pidfd >= 0)
        close(c->pidfd);
    pthread_mutex_destroy(&c->lock);
    buf_free(&c->line);
    buf_free(&c->errors);
    free(c);
}

static void close_output(struct output *o)
{
    if (!o->open)
        return;
    o->open = false;
    uv_close((uv_handle_t *)&o->pipe, on_closed);
}

static void on_input_closed(uv_handle_t *h)
{
    free(h->data);
}

static void close_input(struct child *c)
{
    struct input *in = c->input;

    if (c->in >= 0)
        close(c->in);
    c->in = -1;
    if (in == NULL)
        return;
    c->input = NULL;
    in->c = NULL;
    uv_close((uv_handle_t *)&in->pipe, on_input_closed);
}

static void finish(struct child *c)
{
    struct child_end end = {c->status, c->line_too_long, buf_view(&c->errors)};

    if (c->told)
        return;
    c->told = true;
    c->ev.exit(c->ev.arg, &end);
    close_input(c);
    close_output(&c->out);
    close_output(&c->err);
    uv_close((uv_handle_t *)&c->exit_poll, on_closed);
    uv_close((uv_handle_t *)&c->grace, on_closed);
}

static void maybe_finish(struct child *c)
{
    if (c->ended && !c->out.open && !c->err.open)
        finish(c);
}

static void on_grace(uv_timer_t *t)
{
    finish(t->data);
}

static void on_exit_ready(uv_poll_t *p, int status, int events)
{
    struct child *c = p->data;
    siginfo_t si = {.si_pid = 0};

    (void)status;
    (void)events;
    pthread_mutex_lock(&c->lock);
    /* Seen dead but not reaped: the group number is still ours for the last blow. */
    if (c->pid && waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        si.si_pid == c->pid) {
        kill(-c->pid, SIGKILL);
        (void)waitpid(c->pid, &c->status, 0);
        c->pid = 0;
        c->ended = true;
    }
    pthread_mutex_unlock(&c->lock);
    if (!c->ended)
        return;
    uv_poll_stop(p);
    uv_timer_start(&c->grace, on_grace, GRACE_MS, 0);
    maybe_finish(c);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    (void)h;
    (void)size;
    *b = uv_buf_init(chunk, sizeof(chunk));
}

/* More of a line; one that is too long is dropped whole. */
static void line_part(struct child *c, struct str part)
{
    if (c->skipping)
        return;
    buf_str(&c->line, part);
    if (buf_err(&c->line) == 0)
        return;
    c->line_too_long = c->skipping = true;
    buf_free(&c->line);
}

static void line_done(struct child *c)
{
    if (!c->skipping && c->ev.line)
        c->ev.line(c->ev.arg, buf_view(&c->line));
    c->skipping = false;
    buf_free(&c->line);
}

static void on_out(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct child *c = s->data;
    struct str rest = str_make(b->base, n > 0 ? (size_t)n : 0);
    ptrdiff_t end;

    while (!c->told && (end = str_chr(rest, '\n')) >= 0) {
        line_part(c, str_sub(rest, 0, (size_t)end));
        line_done(c);
        rest = str_from(rest, (size_t)end + 1);
    }
    line_part(c, rest);
    if (n >= 0)
        return;
    if (c->line.len && !c->told)
        line_done(c);
    close_output(&c->out);
    maybe_finish(c);
}

static void on_err(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct child *c = s->data;
    struct str tail = str_make(b->base, n > 0 ? (size_t)n : 0);

    if (n < 0) {
        close_output(&c->err);
        maybe_finish(c);
        return;
    }
    tail = str_from(tail, tail.n > CHILD_STDERR ? tail.n - CHILD_STDERR : 0);
    if (c->errors.len + tail.n > CHILD_STDERR)
        buf_drop(&c->errors, c->errors.len + tail.n - CHILD_STDERR);
    buf_str(&c->errors, tail);
}

static void on_written(uv_write_t *w, int status)
{
    const struct input *in = w->handle->data;

    (void)status; /* a child that does not read its input is its own business */
    if (in->c)
        close_input(in->c);
}

static void listen_to(struct child *c, struct output *o, int fd, uv_read_cb on_read)
{
    uv_pipe_init(c->loop, &o->pipe, 0);
    o->pipe.data = c;
    o->open = true;
    uv_pipe_open(&o->pipe, fd);
    uv_read_start((uv_stream_t *)&o->pipe, on_alloc, on_read);
    c->handles++;
}

static void watch(struct child *c, const struct child_born *b)
{
    c->pid = c->leader = b->pid;
    c->pidfd = b->pidfd;
    c->in = b->fd[CHILD_IN];
    listen_to(c, &c->out, b->fd[CHILD_OUT], on_out);
    listen_to(c, &c->err, b->fd[CHILD_ERR], on_err);
    uv_timer_init(c->loop, &c->grace);
    c->grace.data = c;
    uv_poll_init(c->loop, &c->exit_poll, c->pidfd);
    c->exit_poll.data = c;
    c->handles += 2;
    uv_poll_start(&c->exit_poll, UV_READABLE, on_exit_ready);
}

int child_start(uv_loop_t *loop, const struct child_spec *spec, const struct child_events *ev,
                struct child **out)
{
    struct child *c = calloc(1, sizeof(*c));
    struct child_born born;
    int rc = c ? child_spawn(spec, &born) : -ENOMEM;

    if (rc) {
        free(c);
        return rc;
    }
    c->ev = *ev;
    c->loop = loop;
    pthread_mutex_init(&c->lock, NULL);
    buf_init(&c->line, spec->line_max ? spec->line_max : 4096);
    buf_init(&c->errors, CHILD_STDERR);
    watch(c, &born);
    *out = c;
    return 0;
}

pid_t child_pid(const struct child *c)
{
    return c->leader;
}

int child_send(struct child *c, struct str input)
{
    struct input *in = c->in >= 0 && input.n ? malloc(sizeof(*in) + input.n) : NULL;
    uv_buf_t b;
    int rc = 0;

    if (in == NULL) {
        rc = c->in >= 0 && input.n ? -ENOMEM : 0;
        close_input(c);
        return rc;
    }
    memcpy(in->text, input.p, input.n);
    in->c = c;
    uv_pipe_init(c->loop, &in->pipe, 0);
    in->pipe.data = in;
    uv_pipe_open(&in->pipe, c->in);
    c->in = -1;
    c->input = in;
    b = uv_buf_init(in->text, (unsigned)input.n);
    rc = uv_write(&in->write, (uv_stream_t *)&in->pipe, &b, 1, on_written);
    if (rc)
        close_input(c);
    return rc;
}

void child_signal(struct child *c, int sig)
{
    pthread_mutex_lock(&c->lock);
    if (c->pid)
        kill(-c->pid, sig);
    pthread_mutex_unlock(&c->lock);
}

void child_kill_now(struct child *c)
{
    child_signal(c, SIGKILL);
}
