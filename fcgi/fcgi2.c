#include "fcgi2.h"

#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "harden.h"
#include "oneshot.h"
#include "server.h"

enum {
    THREADS_DEFAULT = 16,
    ERROR_PAUSE_MS = 1000, /* EMFILE and the like: FCGX_Accept_r just returns */
    STACK = 512 * 1024,
    JOIN_S = 15,
};

struct worker {
    uv_loop_t loop;
    struct front front;
    FCGX_Request fcgi;
    pthread_t thread;
    int stop_fd, listen_fd;
    bool opened, started;
};

static ssize_t read_body(void *arg, char *to, size_t n)
{
    FCGX_Stream *in = arg;
    int got = FCGX_GetStr(to, (int)n, in);

    return got == 0 && FCGX_GetError(in) ? -EIO : got;
}

static void set_timeouts(int fd)
{
    struct timeval in = {.tv_sec = SERVER_BODY_MS / 1000}, out = {.tv_sec = SERVER_WRITE_MS / 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, sizeof(in));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, sizeof(out));
}

static void answer(struct worker *w)
{
    struct oneshot_io io = {.read = read_body, .arg = w->fcgi.in, .until_eof = true};
    struct buf out;

    set_timeouts(w->fcgi.ipcFd);
    buf_init(&out, 2 * REQ_ANSWER_MAX);
    uv_update_time(&w->loop);
    if (oneshot_run(&w->front, w->fcgi.envp, &io, &out) < 0)
        w->fcgi.keepConnection = 0;
    if (buf_err(&out) == 0 && out.len > 0)
        FCGX_PutStr(out.p, (int)out.len, w->fcgi.out);
    buf_free(&out);
    if (!w->fcgi.keepConnection)
        FCGX_Detach(&w->fcgi); /* no waiting for the web server's close */
    FCGX_Finish_r(&w->fcgi);
}

/* 1: there may be work; 0: only the loop turned; -1: stop; -2: the kept connection idled out. */
static int wait_work(struct worker *w, uint64_t idle_until)
{
    bool kept = w->fcgi.ipcFd >= 0;
    struct pollfd p[] = {{.fd = kept ? w->fcgi.ipcFd : w->listen_fd, .events = POLLIN},
                         {.fd = w->stop_fd, .events = POLLIN},
                         {.fd = uv_backend_fd(&w->loop), .events = POLLIN}};
    int ms, n, idle = -1;
    uint64_t now = clock_mono_ms();

    uv_update_time(&w->loop);
    ms = uv_backend_timeout(&w->loop);
    if (kept)
        idle = idle_until > now ? (int)(idle_until - now) : 0;
    if (idle >= 0 && (ms < 0 || idle < ms))
        ms = idle;
    n = poll(p, sizeof(p) / sizeof(p[0]), ms);
    if (n > 0 && p[1].revents)
        return -1;
    if (n == 0 || p[2].revents)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    if (n > 0 && p[0].revents)
        return 1;
    return kept && clock_mono_ms() >= idle_until ? -2 : 0;
}

static void drop(FCGX_Request *r)
{
    FCGX_Detach(r);
    FCGX_Free(r, 1);
    r->ipcFd = -1;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t idle_until = 0;
    int rc, state;

    for (;;) {
        state = wait_work(w, idle_until);
        if (state == -1)
            break;
        if (state == -2)
            drop(&w->fcgi);
        if (state != 1)
            continue;
        rc = FCGX_Accept_r(&w->fcgi);
        if (rc == 0) {
            answer(w);
            idle_until = clock_mono_ms() + SERVER_IDLE_MS;
        } else if (rc != -EAGAIN && rc != -EINTR && rc != -ECONNABORTED) {
            LOG(LOG_WARN, "front.accept_paused", FI("error", rc));
            poll(&(struct pollfd){.fd = w->stop_fd, .events = POLLIN}, 1, ERROR_PAUSE_MS);
        }
    }
    drop(&w->fcgi);
    return NULL;
}

static int open_worker(struct worker *w, const struct child_job *job, int stop_fd)
{
    int rc = uv_loop_init(&w->loop);

    if (rc < 0)
        return child_failed("loop", rc);
    w->stop_fd = stop_fd;
    w->listen_fd = job->listen_fd;
    rc = front_open(&w->front, &w->loop, job->cfg);
    if (rc < 0)
        return rc;
    w->opened = true;
    return FCGX_InitRequest(&w->fcgi, job->listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) == 0 ? 0 : -EIO;
}

static void close_worker(struct worker *w)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_S;
    if (w->started && pthread_timedjoin_np(w->thread, NULL, &until) != 0) {
        LOG(LOG_WARN, "front.thread_stuck");
        _exit(0); /* a peer that sends half a request holds it; nothing else is in work */
    }
    if (!w->opened)
        return;
    front_close(&w->front);
    child_close_loop(&w->loop);
}

static int start(struct worker *w, size_t n)
{
    pthread_attr_t attr;
    size_t i;
    int rc = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    for (i = 0; i < n && rc == 0; i++) {
        rc = pthread_create(&w[i].thread, &attr, work, &w[i]);
        w[i].started = rc == 0;
    }
    pthread_attr_destroy(&attr);
    return -rc;
}

static void wait_term(const sigset_t *set)
{
    int sig;

    while (sigwait(set, &sig) != 0 || sig != SIGTERM)
        ;
}

static int open_all(struct worker *w, size_t n, const struct child_job *job, int stop_fd)
{
    size_t i;
    int rc = harden_no_ring(job->cfg);

    for (i = 0; i < n && rc == 0; i++)
        rc = open_worker(&w[i], job, stop_fd);
    if (rc < 0)
        return rc;
    rc = harden_process(job->cfg, HARDEN_THREADS);
    return rc < 0 ? child_failed("sandbox", rc) : 0;
}

int fcgi2_serve(const struct child_job *job)
{
    size_t i, n = job->cfg->front.threads ? job->cfg->front.threads : THREADS_DEFAULT;
    struct worker *w;
    uint64_t one = 1;
    sigset_t set;
    int rc, stop_fd;

    if (n > THREADS_MAX)
        n = THREADS_MAX;
    setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "500", 1);
    FCGX_Init();
    signal(SIGPIPE, SIG_IGN); /* FCGX_Init has put its own handlers */
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w = calloc(n, sizeof(*w));
    rc = w && stop_fd >= 0 ? open_all(w, n, job, stop_fd) : -ENOMEM;
    if (rc == 0)
        rc = start(w, n);
    if (rc < 0)
        _exit(EXIT_CONFIG);
    child_say_ready(job->ready_fd);
    wait_term(&set);
    if (write(stop_fd, &one, sizeof(one)) < 0)
        _exit(1);
    for (i = 0; i < n; i++)
        close_worker(&w[i]);
    free(w);
    return 0;
}
