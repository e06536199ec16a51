#include "master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/rand.h"
#include "config/config.h"
#include "kids.h"
#include "reload.h"

enum {
    START_MS = 10000,   /* a generation that is not serving by then has failed */
    SETTLED_MS = 10000, /* a child that lived that long did not fail at its start */
    BACKOFF_MS = 100,
    BACKOFF_CAP_MS = 10000,
    FIRST_TRIES = 3, /* before anything has served */
    LONG_MS = 60000,
};

struct master {
    const struct master_job *job;
    struct config *cfg, *next; /* next: being tried by a reload */
    struct kids kids;
    unsigned generation, want;
    unsigned fails;
    uint64_t respawn_at, reload_until, look_at;
    int sigfd;
    bool served, stopping;
    bool again; /* HUP came during a reload */
    int code;
};

static enum transport transport_of(const struct master *m, const struct config *cfg)
{
    enum transport t = m->job->opt->transport;

    return t ? t : options_transport(cfg->front.transport);
}

static unsigned processes_of(const struct master *m, const struct config *cfg)
{
    unsigned n = m->job->opt->processes ? m->job->opt->processes : cfg->front.processes;

    if (transport_of(m, cfg) == TRANSPORT_FCGI2 && !m->job->opt->processes)
        n = 1; /* its threads are the concurrency */
    return n < 1 ? 1 : n > PROCESSES_MAX ? PROCESSES_MAX : n;
}

static int spawn(struct master *m, const struct config *cfg, unsigned generation)
{
    struct child_job job = {.cfg = cfg,
                            .transport = transport_of(m, cfg),
                            .listen_fd = m->job->listen_fd,
                            .handover = m->job->handover};
    int rc = kids_fork(&m->kids, generation, &job.ready_fd);

    if (rc != 1)
        return rc;
    close(m->sigfd);
    exit(child_main(&job));
}

/* ---- reload: generation + 1 with m->next, then the swap ---- */

static void reload_failed(struct master *m, const char *why)
{
    LOG(LOG_ERROR, "front.reload_failed", F("why", why));
    kids_kill(&m->kids, m->generation + 1);
    config_free(&m->next);
    notify_send("READY=1"); /* as before */
}

static void reload_begin(struct master *m)
{
    unsigned i, n;

    m->again = m->next != NULL;
    if (m->stopping || m->next)
        return;
    m->next = reload_read(m->job->opt->config, m->cfg);
    if (!m->next)
        return;
    notify_send("RELOADING=1");
    m->reload_until = clock_mono_ms() + START_MS;
    n = processes_of(m, m->next);
    for (i = 0; i < n; i++) {
        if (spawn(m, m->next, m->generation + 1) < 0) {
            reload_failed(m, "fork");
            return;
        }
    }
}

static void reload_swap(struct master *m, unsigned want)
{
    kids_dismiss(&m->kids, m->generation);
    m->generation++;
    m->want = want;
    config_free(&m->cfg);
    m->cfg = m->next;
    m->next = NULL;
    LOG(LOG_INFO, "front.reloaded", FI("generation", m->generation), FI("processes", want));
    notify_send("READY=1");
}

static void reload_step(struct master *m)
{
    unsigned want;

    if (!m->next)
        return;
    want = processes_of(m, m->next);
    if (kids_count(&m->kids, m->generation + 1, false) < want)
        reload_failed(m, "a new process died");
    else if (kids_count(&m->kids, m->generation + 1, true) == want)
        reload_swap(m, want);
    else if (clock_mono_ms() >= m->reload_until)
        reload_failed(m, "a new process was not ready in time");
    if (!m->next && m->again)
        reload_begin(m);
}

/* ---- children come and go ---- */

static void stop(struct master *m)
{
    if (m->stopping)
        return;
    m->stopping = true;
    notify_send("STOPPING=1");
    kids_dismiss(&m->kids, m->generation);
    kids_dismiss(&m->kids, m->generation + 1);
}

static void mourn(struct master *m, const struct kid *k, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    if (m->stopping || (k->leaving && code == 0))
        return;
    LOG(k->leaving ? LOG_WARN : LOG_ERROR, "front.child_died", FI("pid", k->pid), FI("exit", code),
        FI("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    if (k->generation != m->generation)
        return;
    if (clock_mono_ms() - k->born >= SETTLED_MS)
        m->fails = 0;
    m->respawn_at = clock_mono_ms() + rand_backoff_ms(m->fails++, BACKOFF_MS, BACKOFF_CAP_MS);
    if (!m->served && m->fails >= FIRST_TRIES) {
        m->code = code > 0 ? code : 1;
        stop(m);
    }
}

static void respawn(struct master *m)
{
    char text[64];
    int rc;

    if (m->stopping || m->next || clock_mono_ms() < m->respawn_at)
        return;
    while (kids_count(&m->kids, m->generation, false) < m->want) {
        rc = spawn(m, m->cfg, m->generation);
        if (rc < 0) {
            LOG(LOG_ERROR, "front.fork_failed", F("error", log_errno(rc, text)));
            m->respawn_at = clock_mono_ms() + BACKOFF_CAP_MS;
            return;
        }
    }
}

static void serving(struct master *m)
{
    if (m->served || m->stopping || kids_count(&m->kids, m->generation, true) < m->want)
        return;
    m->served = true;
    LOG(LOG_INFO, "front.ready", FI("pid", getpid()), FI("processes", m->want),
        F("transport", options_transport_name(transport_of(m, m->cfg))));
    notify_send("READY=1");
}

static void on_signals(struct master *m)
{
    struct signalfd_siginfo si;
    struct kid dead;
    int status;

    while (read(m->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
            stop(m);
        else if (si.ssi_signo == SIGHUP)
            reload_begin(m);
    }
    while (kids_bury(&m->kids, &dead, &status))
        mourn(m, &dead, status);
}

static void earlier(uint64_t *until, uint64_t t)
{
    if (t && t < *until)
        *until = t;
}

static int wait_ms(const struct master *m)
{
    uint64_t now = clock_mono_ms(), until = now + LONG_MS;

    earlier(&until, m->look_at);
    if (m->next)
        earlier(&until, m->reload_until);
    else if (!m->stopping && kids_count(&m->kids, m->generation, false) < m->want)
        earlier(&until, m->respawn_at ? m->respawn_at : now);
    return until > now ? (int)(until - now) : 0;
}

static void turn(struct master *m)
{
    struct pollfd p[KIDS_MAX + 1];
    size_t i, n = m->kids.n;

    p[0] = (struct pollfd){.fd = m->sigfd, .events = POLLIN};
    for (i = 0; i < n; i++)
        p[i + 1] = (struct pollfd){.fd = m->kids.kid[i].ready_fd, .events = POLLIN};
    if (poll(p, n + 1, wait_ms(m)) > 0) {
        for (i = 0; i < n; i++)
            if (p[i + 1].revents && m->kids.kid[i].ready_fd >= 0)
                kids_heard(&m->kids.kid[i]);
        if (p[0].revents)
            on_signals(m);
    }
    reload_step(m);
    respawn(m);
    serving(m);
    m->look_at = kids_overdue(&m->kids);
}

/* Idle connections wait in the pair: a service manager with a store keeps them for the next start.
 */
static void store_kept(const struct master *m)
{
    size_t n = 0;
    int fd, rc = 0;

    while (handover_recv(&m->job->handover, &fd) == 0) {
        if (rc == 0)
            rc = notify_store_fd("kept", fd);
        n += rc == 0;
        close(fd);
    }
    LOG(LOG_INFO, "front.stopped", FI("connections_stored", n));
}

static int block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int master_run(const struct master_job *job)
{
    struct master *m = calloc(1, sizeof(*m));
    int code;

    if (!m)
        return 1;
    m->job = job;
    m->cfg = job->cfg;
    m->generation = 1;
    m->want = processes_of(m, m->cfg);
    m->sigfd = block_signals();
    m->stopping = m->sigfd < 0;
    m->code = m->stopping ? 1 : 0;
    while (!m->stopping || m->kids.n > 0)
        turn(m);
    store_kept(m);
    if (m->sigfd >= 0)
        close(m->sigfd);
    config_free(&m->cfg);
    config_free(&m->next);
    code = m->code;
    free(m);
    return code;
}
