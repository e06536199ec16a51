#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/rand.h"
#include "config/config.h"
#include "reload.h"

enum {
    KIDS_MAX = 2 * PROCESSES_MAX,
    START_MS = 10000,   /* a generation that is not serving by then has failed */
    STOP_MS = 20000,    /* children that have not left by then are killed */
    SETTLED_MS = 10000, /* a child that lived that long did not fail at its start */
    BACKOFF_MS = 100,
    BACKOFF_CAP_MS = 10000,
    FIRST_TRIES = 3, /* before anything has served */
};

struct kid {
    pid_t pid;
    int ready_fd; /* -1: has spoken */
    bool ready;
    unsigned generation;
    bool leaving;
    uint64_t born;
};

struct master {
    const struct master_job *job;
    struct config *cfg, *next; /* next: being tried by a reload */
    struct kid kids[KIDS_MAX];
    size_t nkids;
    unsigned generation, want;
    unsigned fails;
    uint64_t respawn_at, reload_until, kill_at;
    int sigfd;
    bool served, stopping;
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

static void become_child(struct master *m, const struct config *cfg, int ready_fd, pid_t parent)
{
    struct child_job job = {.cfg = cfg,
                            .transport = transport_of(m, cfg),
                            .listen_fd = m->job->listen_fd,
                            .handover = m->job->handover,
                            .ready_fd = ready_fd};
    size_t i;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    close(m->sigfd);
    for (i = 0; i < m->nkids; i++)
        if (m->kids[i].ready_fd >= 0)
            close(m->kids[i].ready_fd);
    exit(child_main(&job));
}

static int spawn(struct master *m, const struct config *cfg, unsigned generation)
{
    pid_t parent = getpid(), pid;
    struct kid *k = &m->kids[m->nkids];
    int fd[2];

    if (m->nkids == KIDS_MAX)
        return -EAGAIN;
    if (pipe2(fd, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid < 0) {
        close(fd[0]);
        close(fd[1]);
        return -errno;
    }
    if (pid == 0) {
        close(fd[0]);
        become_child(m, cfg, fd[1], parent);
    }
    close(fd[1]);
    *k = (struct kid){
        .pid = pid, .ready_fd = fd[0], .generation = generation, .born = clock_mono_ms()};
    m->nkids++;
    return 0;
}

static size_t count(const struct master *m, unsigned generation, bool ready_only)
{
    size_t i, n = 0;

    for (i = 0; i < m->nkids; i++)
        n += m->kids[i].generation == generation && !m->kids[i].leaving &&
             (!ready_only || m->kids[i].ready);
    return n;
}

static void dismiss(struct master *m, unsigned generation, int sig)
{
    size_t i;

    for (i = 0; i < m->nkids; i++) {
        if (m->kids[i].generation != generation)
            continue;
        m->kids[i].leaving = true;
        kill(m->kids[i].pid, sig);
    }
}

/* ---- reload: generation + 1 with m->next, then the swap ---- */

static void reload_failed(struct master *m, const char *why)
{
    LOG(LOG_ERROR, "front.reload_failed", F("why", why));
    dismiss(m, m->generation + 1, SIGKILL);
    config_free(&m->next);
}

static void reload_begin(struct master *m)
{
    unsigned i, n;

    if (m->stopping || m->next) {
        LOG(LOG_WARN, "front.reload_ignored", F("why", "another one is running"));
        return;
    }
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

static void reload_step(struct master *m)
{
    unsigned want;

    if (!m->next)
        return;
    want = processes_of(m, m->next);
    if (count(m, m->generation + 1, false) < want) {
        reload_failed(m, "a new process died");
    } else if (count(m, m->generation + 1, true) == want) {
        dismiss(m, m->generation, SIGTERM);
        m->generation++;
        m->want = want;
        config_free(&m->cfg);
        m->cfg = m->next;
        m->next = NULL;
        LOG(LOG_INFO, "front.reloaded", FI("generation", m->generation), FI("processes", want));
        notify_send("READY=1");
    } else if (clock_mono_ms() >= m->reload_until) {
        reload_failed(m, "a new process was not ready in time");
    }
}

/* ---- children come and go ---- */

/* Closed without a word: it is dying, SIGCHLD follows. */
static void on_ready(struct kid *k)
{
    char byte;
    ssize_t n = read(k->ready_fd, &byte, 1);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    close(k->ready_fd);
    k->ready_fd = -1;
    k->ready = n == 1;
}

static void buried(struct master *m, size_t i, int status)
{
    struct kid k = m->kids[i];
    bool expected = k.leaving && WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (k.ready_fd >= 0)
        close(k.ready_fd);
    m->kids[i] = m->kids[--m->nkids];
    if (expected || m->stopping)
        return;
    LOG(k.leaving ? LOG_WARN : LOG_ERROR, "front.child_died", FI("pid", k.pid),
        FI("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
        FI("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    if (k.generation != m->generation)
        return;
    if (clock_mono_ms() - k.born >= SETTLED_MS)
        m->fails = 0;
    m->respawn_at = clock_mono_ms() + rand_backoff_ms(m->fails++, BACKOFF_MS, BACKOFF_CAP_MS);
    if (!m->served && m->fails >= FIRST_TRIES) {
        m->code = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
        m->stopping = true;
        m->kill_at = clock_mono_ms() + STOP_MS;
        dismiss(m, m->generation, SIGTERM);
    }
}

static void reap(struct master *m)
{
    size_t i;
    pid_t pid;
    int status;

    for (;;) {
        pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return;
        for (i = 0; i < m->nkids; i++) {
            if (m->kids[i].pid == pid) {
                buried(m, i, status);
                break;
            }
        }
    }
}

static void respawn(struct master *m)
{
    char text[64];
    int rc;

    if (m->stopping || m->next || clock_mono_ms() < m->respawn_at)
        return;
    while (count(m, m->generation, false) < m->want) {
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
    if (m->served || m->stopping || count(m, m->generation, true) < m->want)
        return;
    m->served = true;
    LOG(LOG_INFO, "front.ready", FI("pid", getpid()), FI("processes", m->want),
        F("transport", options_transport_name(transport_of(m, m->cfg))));
    notify_send("READY=1");
}

static void stop(struct master *m)
{
    if (m->stopping)
        return;
    m->stopping = true;
    m->kill_at = clock_mono_ms() + STOP_MS;
    notify_send("STOPPING=1");
    dismiss(m, m->generation, SIGTERM);
    dismiss(m, m->generation + 1, SIGTERM);
}

static void on_signals(struct master *m)
{
    struct signalfd_siginfo si;

    while (read(m->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
            stop(m);
        else if (si.ssi_signo == SIGHUP)
            reload_begin(m);
    }
    reap(m);
}

static int wait_ms(const struct master *m)
{
    uint64_t now = clock_mono_ms(), until = now + 60000;

    if (m->stopping && m->kill_at < until)
        until = m->kill_at;
    if (m->next && m->reload_until < until)
        until = m->reload_until;
    if (!m->stopping && !m->next && count(m, m->generation, false) < m->want &&
        m->respawn_at < until)
        until = m->respawn_at;
    return until > now ? (int)(until - now) : 0;
}

static void turn(struct master *m)
{
    struct pollfd p[KIDS_MAX + 1];
    size_t i, n = m->nkids;

    p[0] = (struct pollfd){.fd = m->sigfd, .events = POLLIN};
    for (i = 0; i < n; i++)
        p[i + 1] = (struct pollfd){.fd = m->kids[i].ready_fd, .events = POLLIN};
    if (poll(p, n + 1, wait_ms(m)) > 0) {
        for (i = 0; i < n; i++)
            if (p[i + 1].revents && m->kids[i].ready_fd >= 0)
                on_ready(&m->kids[i]);
        if (p[0].revents)
            on_signals(m);
    }
    reload_step(m);
    respawn(m);
    serving(m);
    if (m->stopping && clock_mono_ms() >= m->kill_at)
        for (i = 0; i < m->nkids; i++)
            kill(m->kids[i].pid, SIGKILL);
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

int master_run(const struct master_job *job)
{
    struct master m = {.job = job, .cfg = job->cfg, .generation = 1};
    sigset_t set;

    m.want = processes_of(&m, m.cfg);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    m.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (m.sigfd < 0)
        return 1;
    while (!m.stopping || m.nkids > 0)
        turn(&m);
    store_kept(&m);
    close(m.sigfd);
    config_free(&m.cfg);
    config_free(&m.next);
    return m.code;
}
