#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "logfile.h"

enum { SLOT_SIGNAL, SLOT_LOG, SLOT_CTL, SLOT_PEERS, SLOT_INSTS = SLOT_PEERS + CTL_PEERS };

#define SLOTS (SLOT_INSTS + 2 * KEEPER_INSTS)

static int watch_log(const struct keeper *k)
{
    char path[PATH_MAX];
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd < 0)
        return -1;
    if (snprintf(path, sizeof(path), "%s/log", k->o.run) >= (int)sizeof(path) ||
        inotify_add_watch(fd, path, IN_MODIFY) < 0) {
        close(fd);
        return -1; /* no watches left: the log is still trimmed at every other event */
    }
    return fd;
}

int loop_open(struct loop *l, struct keeper *k)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_SETMASK, &set, NULL))
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    l->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (l->sig_fd < 0)
        return -errno;
    l->log_watch = watch_log(k);
    return ctl_open(&l->ctl, k->o.run);
}

static void watch(struct pollfd *p, int fd, short events)
{
    p->fd = fd;
    p->events = events;
    p->revents = 0;
}

static void fill(const struct loop *l, const struct keeper *k, struct pollfd *p, uint64_t *wake)
{
    bool room = false;

    watch(&p[SLOT_SIGNAL], l->sig_fd, POLLIN);
    watch(&p[SLOT_LOG], l->log_watch, POLLIN);
    for (size_t i = 0; i < CTL_PEERS; i++) {
        const struct ctl_peer *peer = &l->ctl.peers[i];

        watch(&p[SLOT_PEERS + i], peer->fd, peer->out.len ? POLLOUT : POLLIN);
        room = room || peer->fd < 0;
        if (peer->fd >= 0 && peer->deadline < *wake)
            *wake = peer->deadline;
    }
    watch(&p[SLOT_CTL], room ? l->ctl.fd : -1, POLLIN);
    for (size_t i = 0; i < KEEPER_INSTS; i++) {
        const struct inst *n = &k->inst[i];
        bool probing = n->state != INST_FREE && n->probe.state != PROBE_IDLE;

        watch(&p[SLOT_INSTS + 2 * i], n->state == INST_FREE ? -1 : n->pidfd, POLLIN);
        watch(&p[SLOT_INSTS + 2 * i + 1], probing ? n->probe.fd : -1, probe_events(&n->probe));
    }
}

/* Everything that died under us: instances keep their status for the pidfd event, the group of a
 * dead instance is killed while its number still cannot belong to anybody else. */
static void reap(struct keeper *k)
{
    siginfo_t si;
    int status;

    for (;;) {
        si.si_pid = 0;
        if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) || si.si_pid == 0)
            return;
        for (size_t i = 0; i < KEEPER_INSTS; i++)
            if (k->inst[i].state != INST_FREE && k->inst[i].pid == si.si_pid)
                kill(-si.si_pid, SIGKILL);
        if (waitpid(si.si_pid, &status, 0) != si.si_pid)
            return;
        for (size_t i = 0; i < KEEPER_INSTS; i++)
            if (k->inst[i].state != INST_FREE && k->inst[i].pid == si.si_pid) {
                k->inst[i].reaped = true;
                k->inst[i].wstatus = status;
            }
        if (si.si_pid == k->cleanup_pid)
            keeper_cleanup_ended(k, status);
    }
}

static void signals(const struct loop *l, struct keeper *k)
{
    struct signalfd_siginfo si;

    while (read(l->sig_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
            k->leaving = true;
        else if (si.ssi_signo == SIGHUP)
            k->finished = true; /* the program stays: a newer keeper adopts it */
    }
    reap(k);
}

static void drain_watch(const struct loop *l, const struct keeper *k)
{
    char events[1024];

    while (read(l->log_watch, events, sizeof(events)) > 0)
        continue;
    logfile_trim(k->o.run, "log", k->log_fd);
}

static void insts(struct keeper *k, const struct pollfd *p)
{
    for (size_t n = 0; n < KEEPER_INSTS; n++) {
        struct inst *i = &k->inst[n];
        enum probe_result r;

        if (i->state != INST_FREE && p[2 * n + 1].fd == i->probe.fd &&
            i->probe.state != PROBE_IDLE &&
            (p[2 * n + 1].revents || clock_mono_ms() >= i->probe.deadline)) {
            r = probe_io(&i->probe);
            if (r != PROBE_PENDING)
                keeper_probe_result(k, i, r == PROBE_OK);
        }
        if (i->state != INST_FREE && p[2 * n].fd == i->pidfd && p[2 * n].revents)
            keeper_inst_ended(k, i);
    }
}

static void dispatch(struct loop *l, struct keeper *k, const struct pollfd *p)
{
    if (p[SLOT_SIGNAL].revents)
        signals(l, k);
    if (k->finished)
        return;
    if (p[SLOT_LOG].revents)
        drain_watch(l, k);
    insts(k, p + SLOT_INSTS);
    for (size_t i = 0; i < CTL_PEERS; i++) {
        struct ctl_peer *peer = &l->ctl.peers[i];

        if (peer->fd >= 0 && peer->fd == p[SLOT_PEERS + i].fd &&
            (p[SLOT_PEERS + i].revents || clock_mono_ms() >= peer->deadline))
            ctl_peer_io(peer, k);
    }
    if (p[SLOT_CTL].revents)
        ctl_accept(&l->ctl);
}

void loop_run(struct loop *l, struct keeper *k)
{
    struct pollfd p[SLOTS];
    uint64_t wake, now;
    int ms, n;

    while (!k->finished) {
        wake = UINT64_MAX;
        keeper_step(k, &wake);
        if (k->finished)
            break;
        fill(l, k, p, &wake);
        now = clock_mono_ms();
        ms = wake <= now ? 0 : wake - now > 60000 ? 60000 : (int)(wake - now);
        n = poll(p, SLOTS, ms);
        if (n < 0 && errno != EINTR)
            break;
        if (n < 0)
            continue;
        dispatch(l, k, p);
        logfile_trim(k->o.run, "log", k->log_fd);
        logfile_trim(k->o.run, "keeper.log", l->own_log);
    }
    ctl_close(&l->ctl);
}
