#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "config/config.h"
#include "fcgi2.h"
#include "harden.h"
#include "server.h"

enum { CLOSE_MS = 1000 };

struct child {
    uv_loop_t loop;
    uv_signal_t term;
    struct front front;
    struct server server;
};

static void on_drained(struct server *s)
{
    uv_stop(s->front->loop);
}

static void on_term(uv_signal_t *h, int signum)
{
    struct child *c = h->data;

    (void)signum;
    server_drain(&c->server);
}

/* The parent blocked what it waits for with a signalfd; terminal signals are its business. */
static void own_signals(void)
{
    sigset_t none;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void on_patience_over(uv_timer_t *t)
{
    uv_stop(t->loop);
}

void child_close_loop(uv_loop_t *loop)
{
    uv_timer_t patience;

    uv_timer_init(loop, &patience);
    uv_timer_start(&patience, on_patience_over, CLOSE_MS, 0);
    uv_unref((uv_handle_t *)&patience);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    uv_loop_close(loop); /* busy only when patience ended: the process ends too */
}

void child_say_ready(int fd)
{
    ssize_t n = write(fd, "r", 1);

    (void)n; /* a parent that is gone has sent TERM already */
    close(fd);
}

int child_failed(const char *what, int rc)
{
    char text[64];

    LOG(LOG_ERROR, "front.start_failed", F("what", what), F("error", log_errno(rc, text)));
    return rc;
}

static int open_all(struct child *c, const struct child_job *job)
{
    int rc = harden_no_ring(job->cfg);

    if (rc == 0)
        rc = uv_loop_init(&c->loop);
    if (rc < 0)
        return child_failed("loop", rc);
    uv_signal_init(&c->loop, &c->term);
    c->term.data = c;
    uv_signal_start(&c->term, on_term, SIGTERM);
    rc = front_open(&c->front, &c->loop, job->cfg);
    if (rc < 0)
        return rc;
    rc = server_open(&c->server, &c->front, job->listen_fd, job->handover, on_drained);
    if (rc < 0)
        return child_failed("listener", rc);
    rc = harden_process(job->cfg, HARDEN_LOOP);
    return rc < 0 ? child_failed("sandbox", rc) : 0;
}

static int serve_records(const struct child_job *job)
{
    struct child *c = calloc(1, sizeof(*c));

    if (!c || open_all(c, job) < 0) {
        free(c);
        return EXIT_CONFIG;
    }
    child_say_ready(job->ready_fd);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    front_close(&c->front);
    server_close(&c->server);
    uv_close((uv_handle_t *)&c->term, NULL);
    child_close_loop(&c->loop);
    free(c);
    return 0;
}

int child_main(const struct child_job *job)
{
    setenv("UV_USE_IO_URING", "0", 1); /* newer libuv; the sandbox does not allow it */
    own_signals();
    if (job->transport == TRANSPORT_FCGI2)
        return fcgi2_serve(job);
    return serve_records(job);
}
