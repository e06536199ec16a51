#include "cleanup.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "base/clock.h"
#include "base/log.h"
#include "limits.h"
#include "record.h"
#include "tree.h"

#define TRIES    3
#define RETRY_MS 2000

enum { PART_ARCHIVE = 10, PART_WIPE = 11 };

int cleanup_work(const struct keeper *k, const char **what)
{
    int rc = 0;

    *what = "archive";
    if (k->o.archive_dir[0])
        rc = archive_make(k->o.data, k->o.archive_dir, k->archive);
    if (rc)
        return rc;
    *what = "wipe";
    return tree_remove(k->o.data);
}

static _Noreturn void child(const struct keeper *k, pid_t parent)
{
    const char *what;
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(1);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (cleanup_work(k, &what) == 0)
        _exit(0);
    _exit(strcmp(what, "archive") == 0 ? PART_ARCHIVE : PART_WIPE);
}

/* A name that no earlier archive has: one that exists counts as made by this delete. */
static int fix_name(struct keeper *k)
{
    char stamp[CLOCK_BASIC], path[PATH_MAX];

    clock_basic(clock_wall_ms(), stamp);
    for (unsigned n = 0; k->archive[0] == '\0' && n < 100; n++) {
        snprintf(k->archive, sizeof(k->archive), n ? "%s-%s-%u.tar.gz" : "%s-%s.tar.gz",
                 k->o.tenant, stamp, n);
        if (snprintf(path, sizeof(path), "%s/%s", k->o.archive_dir, k->archive) >=
            (int)sizeof(path))
            return -ENAMETOOLONG;
        if (access(path, F_OK) == 0)
            k->archive[0] = '\0';
    }
    return k->archive[0] ? record_write(k) : -EEXIST;
}

void cleanup_step(struct keeper *k, uint64_t *wake)
{
    uint64_t now = clock_mono_ms();
    pid_t self = getpid();

    if (k->cleanup_pid || k->cleanup_fails >= TRIES)
        return;
    if (now < k->retry_at) {
        if (k->retry_at < *wake)
            *wake = k->retry_at;
        return;
    }
    if (k->archive[0] == '\0' && fix_name(k)) {
        k->archive[0] = '\0';
        keeper_error(k, "the archive's name could not be recorded");
        k->retry_at = *wake = now + RETRY_MS;
        return;
    }
    k->cleanup_pid = fork();
    if (k->cleanup_pid == 0)
        child(k, self);
    if (k->cleanup_pid < 0) {
        k->cleanup_pid = 0;
        k->retry_at = *wake = now + RETRY_MS;
    }
}

/* The record goes last: as long as it is there, a repeated delete knows what was done. */
static int forget(struct keeper *k)
{
    int rc;

    limits_release_tenant(k->o.cgroup_root, k->o.tenant);
    rc = tree_remove(k->o.run);
    if (rc == 0 && unlink(k->o.record) && errno != ENOENT)
        rc = -errno;
    return rc;
}

void keeper_cleanup_ended(struct keeper *k, int wstatus)
{
    int part = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : -1;

    k->cleanup_pid = 0;
    if (part == 0 && forget(k) == 0) {
        LOG(LOG_INFO, "tenant.deleted", F("archive", k->archive));
        k->finished = true;
        return;
    }
    k->cleanup_fails++;
    k->retry_at = clock_mono_ms() + RETRY_MS;
    keeper_error(k, "%s failed",
                 part == PART_ARCHIVE ? "archive"
                 : part == PART_WIPE  ? "wipe"
                                      : "cleanup");
}
