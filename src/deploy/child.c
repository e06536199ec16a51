#include "deploy/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 1000

enum { IN, OUT, ERR, PIPES };

struct child {
    struct child_events ev;
    uv_pipe_t pipe[PIPES];
    bool open[PIPES];
    uv_poll_t exit_poll;
    uv_timer_t grace;
    uv_write_t write;
    pthread_mutex_t lock;
    pid_t pid; /* 0: reaped. Under lock */
    pid_t leader;
    int pidfd;
    int status;
    bool ended, told, line_too_long, skipping;
    unsigned handles; /* not yet closed */
    struct buf input, line, errors;
    size_t line_max;
    char chunk[CHILD_STDERR];
};

static void on_closed(uv_handle_t *h)
{
    struct child *c = h->data;

    if (--c->handles)
        return;
    if (c->pidfd >= 0)
        close(c->pidfd);
    pthread_mutex_destroy(&c->lock);
    buf_free(&c->input);
    buf_free(&c->line);
    buf_free(&c->errors);
    free(c);
}

static void close_pipe(struct child *c, int which)
{
    if (!c->open[which])
        return;
    c->open[which] = false;
    uv_close((uv_handle_t *)&c->pipe[which], on_closed);
}

static void finish(struct child *c)
{
    struct child_end end = {c->status, c->line_too_long, buf_view(&c->errors)};

    if (c->told)
        return;
    c->told = true;
    c->ev.exit(c->ev.arg, &end);
    for (int i = 0; i < PIPES; i++)
        close_pipe(c, i);
    uv_close((uv_handle_t *)&c->exit_poll, on_closed);
    uv_close((uv_handle_t *)&c->grace, on_closed);
}

static void maybe_finish(struct child *c)
{
    if (c->ended && !c->open[OUT] && !c->open[ERR])
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
    struct child *c = h->data;

    (void)size;
    *b = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void line_done(struct child *c)
{
    if (!c->skipping && c->ev.line)
        c->ev.line(c->ev.arg, buf_view(&c->line));
    c->skipping = false;
    buf_reset(&c->line);
}

static void on_out(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct child *c = s->data;

    for (ssize_t i = 0; i < n && !c->told; i++) {
        if (b->base[i] == '\n') {
            line_done(c);
            continue;
        }
        if (!c->skipping)
            buf_ch(&c->line, b->base[i]);
        if (buf_err(&c->line)) {
            c->line_too_long = c->skipping = true;
            buf_reset(&c->line);
        }
    }
    if (n >= 0)
        return;
    if (c->line.len && !c->told)
        line_done(c);
    close_pipe(c, OUT);
    maybe_finish(c);
}

static void on_err(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct child *c = s->data;

    if (n < 0) {
        close_pipe(c, ERR);
        maybe_finish(c);
        return;
    }
    /* One read is at most CHILD_STDERR, so what is dropped is there. */
    if (c->errors.len + (size_t)n > CHILD_STDERR)
        buf_drop(&c->errors, c->errors.len + (size_t)n - CHILD_STDERR);
    buf_add(&c->errors, b->base, (size_t)n);
}

static void on_written(uv_write_t *w, int status)
{
    struct child *c = w->handle->data;

    (void)status; /* a child that does not read its input is its own business */
    close_pipe(c, IN);
}

static int actions(posix_spawn_file_actions_t *fa, const struct child_spec *spec,
                   const int fd[PIPES])
{
    int rc = 0;

    for (int i = 0; i < PIPES && rc == 0; i++)
        rc = posix_spawn_file_actions_adddup2(fa, fd[i], i);
    if (rc == 0 && spec->cwd)
        rc = posix_spawn_file_actions_addchdir_np(fa, spec->cwd);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(fa, 3);
    return -rc;
}

static int spawn(const struct child_spec *spec, const int fd[PIPES], pid_t *pid)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    sigset_t all, none;
    int rc;

    posix_spawn_file_actions_init(&fa);
    posix_spawnattr_init(&at);
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&at, &all);
    posix_spawnattr_setsigmask(&at, &none);
    posix_spawnattr_setflags(&at,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    rc = actions(&fa, spec, fd);
    if (rc == 0)
        rc = -posix_spawn(pid, spec->argv[0], &fa, &at, (char *const *)(uintptr_t)spec->argv,
                          (char *const *)(uintptr_t)spec->env);
    posix_spawnattr_destroy(&at);
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

/* ours[]: our ends, theirs[]: the child's. */
static int make_pipes(int ours[PIPES], int theirs[PIPES])
{
    for (int i = 0; i < PIPES; i++) {
        int p[2];

        if (pipe2(p, O_CLOEXEC))
            return -errno;
        ours[i] = i == IN ? p[1] : p[0];
        theirs[i] = i == IN ? p[0] : p[1];
    }
    return 0;
}

static void close_all(int fd[PIPES])
{
    for (int i = 0; i < PIPES; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

static void watch(uv_loop_t *loop, struct child *c, int ours[PIPES])
{
    for (int i = 0; i < PIPES; i++) {
        uv_pipe_init(loop, &c->pipe[i], 0);
        c->pipe[i].data = c;
        c->open[i] = true;
        uv_pipe_open(&c->pipe[i], ours[i]);
    }
    uv_timer_init(loop, &c->grace);
    c->grace.data = c;
    uv_poll_init(loop, &c->exit_poll, c->pidfd);
    c->exit_poll.data = c;
    c->handles = PIPES + 2;
    uv_poll_start(&c->exit_poll, UV_READABLE, on_exit_ready);
    uv_read_start((uv_stream_t *)&c->pipe[OUT], on_alloc, on_out);
    uv_read_start((uv_stream_t *)&c->pipe[ERR], on_alloc, on_err);
}

static int launch(struct child *c, const struct child_spec *spec, int ours[PIPES])
{
    const struct rlimit core = {0, 0};
    int theirs[PIPES] = {-1, -1, -1}, rc = make_pipes(ours, theirs);

    if (rc == 0)
        rc = spawn(spec, theirs, &c->pid);
    close_all(theirs);
    if (rc)
        return rc;
    c->leader = c->pid;
    (void)prlimit(c->pid, RLIMIT_CORE, &core, NULL);
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0u);
    if (c->pidfd >= 0)
        return 0;
    rc = -errno;
    kill(-c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    return rc;
}

int child_start(uv_loop_t *loop, const struct child_spec *spec, const struct child_events *ev,
                struct child **out)
{
    int ours[PIPES] = {-1, -1, -1}, rc;
    struct child *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return -ENOMEM;
    c->ev = *ev;
    c->pidfd = -1;
    pthread_mutex_init(&c->lock, NULL);
    buf_init(&c->line, spec->line_max ? spec->line_max : 4096);
    buf_init(&c->errors, CHILD_STDERR);
    rc = launch(c, spec, ours);
    if (rc) {
        close_all(ours);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return rc;
    }
    watch(loop, c, ours);
    *out = c;
    return 0;
}

pid_t child_pid(const struct child *c)
{
    return c->leader;
}

int child_send(struct child *c, struct str input)
{
    uv_buf_t b;
    int rc;

    buf_free(&c->input);
    buf_init(&c->input, input.n + 1);
    buf_str(&c->input, input);
    rc = buf_err(&c->input);
    b = uv_buf_init(c->input.p, (unsigned)c->input.len);
    if (rc == 0 && input.n && c->open[IN])
        rc = uv_write(&c->write, (uv_stream_t *)&c->pipe[IN], &b, 1, on_written);
    if (rc || input.n == 0)
        close_pipe(c, IN);
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
