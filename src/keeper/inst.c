#include "inst.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/proc.h"
#include "entry.h"
#include "route.h"
#include "state.h"

#define STARTUP_PROBE_MS 100

static void soonest(uint64_t *wake, uint64_t t)
{
    if (t < *wake)
        *wake = t;
}

/* The parent directory is ours alone, so plain calls are safe on this one name. */
static int data_dir(const struct keeper_opts *o)
{
    struct stat st;

    if (mkdir(o->data, 0700) == 0)
        return o->own_uid && chown(o->data, o->uid, o->gid) ? -errno : 0;
    if (errno != EEXIST || lstat(o->data, &st))
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    /* Made and not yet given away when an earlier keeper died between the two calls. */
    if (o->own_uid && st.st_uid == 0 && st.st_nlink == 2)
        return chown(o->data, o->uid, o->gid) ? -errno : 0;
    return st.st_uid == o->uid ? 0 : -EPERM;
}

/* Forks; the child waits on *go. Returns 0 with pid, pidfd and starttime filled in. */
static int fork_waiting(struct keeper *k, struct inst *i, struct entry *e, int *go)
{
    int pipefd[2], rc;

    if (pipe2(pipefd, O_CLOEXEC))
        return -errno;
    e->go_fd = pipefd[0];
    i->pid = fork();
    if (i->pid == 0) {
        close(pipefd[1]);
        entry_run(e);
    }
    rc = i->pid < 0 ? -errno : 0;
    close(pipefd[0]);
    if (rc == 0) {
        i->pidfd = proc_pidfd(i->pid);
        rc = i->pidfd < 0 ? i->pidfd : proc_starttime(i->pid, &i->starttime);
    }
    *go = pipefd[1];
    if (rc) {
        close(pipefd[1]);
        *go = -1;
    }
    (void)k;
    return rc;
}

static int spawn(struct keeper *k, struct inst *i, struct limits *l, int listen_fd)
{
    char path[ROUTE_PATH];
    struct arena *a = arena_new(4096, 4 * SPEC_MAX);
    struct entry e = {.k = k, .spec = i->spec, .limits = l, .listen_fd = listen_fd};
    int go = -1, rc = a ? route_path(k, i, path) : -ENOMEM;

    if (rc == 0)
        rc = entry_env(a, path, &e);
    if (rc == 0) {
        crash_point("keeper.before_spawn");
        rc = fork_waiting(k, i, &e, &go);
    }
    if (rc == 0)
        rc = state_write(k);
    if (rc == 0) {
        crash_point("keeper.before_go");
        rc = write(go, "g", 1) == 1 ? 0 : -errno;
        crash_point("keeper.after_spawn");
    }
    if (go >= 0)
        close(go);
    arena_free(&a);
    return rc;
}

static struct inst *free_slot(struct keeper *k)
{
    struct inst *i = keeper_find(k, INST_FREE);

    if (i) {
        memset(i, 0, sizeof(*i));
        i->pidfd = i->probe.fd = -1;
    }
    return i;
}

int inst_launch(struct keeper *k, struct spec *s)
{
    struct limits l;
    struct inst *i = free_slot(k);
    int fd, rc;

    if (i == NULL)
        return -EAGAIN;
    rc = data_dir(&k->o);
    if (rc)
        return rc;
    i->seq = ++k->seq;
    i->state = INST_STARTING;
    i->spec = spec_ref(s);
    i->since = clock_mono_ms();
    i->deadline = i->since + s->health_timeout_ms;
    i->probe_at = i->since + STARTUP_PROBE_MS / 5;
    limits_prepare(k->o.cgroup_root, k->o.tenant, i->seq, k->o.own_uid, &s->limits, &l);
    limits_text(&l, i->limits);
    fd = route_listen(k, i, &i->sock_ino);
    rc = fd < 0 ? fd : spawn(k, i, &l, fd);
    if (fd >= 0)
        close(fd);
    limits_close(&l);
    if (rc) {
        inst_free(k, i);
        return rc;
    }
    LOG(LOG_INFO, "instance.started", FI("generation", s->generation), FI("pid", i->pid),
        F("limits", i->limits));
    k->dirty = true;
    return 0;
}

void inst_stop(struct keeper *k, struct inst *i, uint64_t delay_ms)
{
    uint64_t now = clock_mono_ms();

    if (i->state == INST_STOPPING) {
        if (i->term_at > now + delay_ms) {
            i->term_at = now + delay_ms;
            i->kill_at = i->term_at + (i->spec ? i->spec->stop_ms : 10000);
        }
        return;
    }
    probe_stop(&i->probe);
    i->state = INST_STOPPING;
    i->since = now;
    i->term_at = now + delay_ms;
    i->kill_at = i->term_at + (i->spec ? i->spec->stop_ms : 10000);
    k->dirty = true;
}

int inst_promote(struct keeper *k, struct inst *i)
{
    struct inst *old = keeper_find(k, INST_SERVING);
    int rc = route_switch(k, i);

    if (rc)
        return rc;
    if (old)
        inst_stop(k, old, old->spec->drain_ms);
    i->state = INST_SERVING;
    i->since = clock_mono_ms();
    i->bad = 0;
    i->probe_at = i->since + i->spec->health_interval_ms;
    k->dirty = true;
    LOG(LOG_INFO, "instance.serving", FI("generation", i->spec->generation), FI("pid", i->pid));
    return 0;
}

void inst_probe(struct keeper *k, struct inst *i)
{
    char path[ROUTE_PATH];
    enum probe_result r = PROBE_BAD;

    if (i->probe.state != PROBE_IDLE)
        return;
    i->probe_at = clock_mono_ms() +
                  (i->state == INST_STARTING ? STARTUP_PROBE_MS : i->spec->health_interval_ms);
    if (route_path(k, i, path) == 0)
        r = probe_start(&i->probe, path, i->spec->health_path);
    if (r != PROBE_PENDING)
        keeper_probe_result(k, i, r == PROBE_OK);
}

void inst_timers(struct keeper *k, struct inst *i, uint64_t *wake)
{
    uint64_t now = clock_mono_ms();

    if (i->state == INST_STOPPING) {
        if (i->term_at && now >= i->term_at) {
            proc_signal(i->pidfd, SIGTERM);
            i->term_at = 0;
        }
        if (now >= i->kill_at) {
            proc_signal(i->pidfd, SIGKILL);
            i->kill_at = now + 1000;
        }
        soonest(wake, i->term_at ? i->term_at : i->kill_at);
        return;
    }
    if (i->probe.state != PROBE_IDLE) {
        soonest(wake, i->probe.deadline);
        return;
    }
    if (now >= i->probe_at)
        inst_probe(k, i);
    soonest(wake, i->probe.state == PROBE_IDLE ? i->probe_at : i->probe.deadline);
}

void inst_free(struct keeper *k, struct inst *i)
{
    probe_stop(&i->probe);
    if (i->pidfd >= 0) {
        proc_signal(i->pidfd, SIGKILL);
        close(i->pidfd);
    }
    i->pidfd = -1;
    route_forget(k, i);
    limits_release(k->o.cgroup_root, k->o.tenant, i->seq);
    spec_unref(&i->spec);
    i->state = INST_FREE;
    i->pid = 0;
    k->dirty = true;
}
