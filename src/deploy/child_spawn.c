#include "deploy/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int actions(posix_spawn_file_actions_t *fa, const struct child_spec *spec,
                   const int fd[CHILD_PIPES])
{
    int rc = 0;

    for (int i = 0; i < CHILD_PIPES && rc == 0; i++)
        rc = posix_spawn_file_actions_adddup2(fa, fd[i], i);
    if (rc == 0 && spec->cwd)
        rc = posix_spawn_file_actions_addchdir_np(fa, spec->cwd);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(fa, 3);
    return -rc;
}

static int spawn(const struct child_spec *spec, const int fd[CHILD_PIPES], pid_t *pid)
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
static int make_pipes(int ours[CHILD_PIPES], int theirs[CHILD_PIPES])
{
    for (int i = 0; i < CHILD_PIPES; i++) {
        int p[2];

        if (pipe2(p, O_CLOEXEC))
            return -errno;
        ours[i] = i == CHILD_IN ? p[1] : p[0];
        theirs[i] = i == CHILD_IN ? p[0] : p[1];
    }
    return 0;
}

static void close_all(int fd[CHILD_PIPES])
{
    for (int i = 0; i < CHILD_PIPES; i++) {
        if (fd[i] >= 0)
            close(fd[i]);
        fd[i] = -1;
    }
}

static int watch_pid(struct child_born *b)
{
    const struct rlimit core = {0, 0};
    int rc;

    (void)prlimit(b->pid, RLIMIT_CORE, &core, NULL);
    b->pidfd = (int)syscall(SYS_pidfd_open, b->pid, 0u);
    if (b->pidfd >= 0)
        return 0;
    rc = -errno;
    kill(-b->pid, SIGKILL);
    waitpid(b->pid, NULL, 0);
    return rc;
}

int child_spawn(const struct child_spec *spec, struct child_born *out)
{
    int theirs[CHILD_PIPES] = {-1, -1, -1}, rc;

    *out = (struct child_born){.pidfd = -1, .fd = {-1, -1, -1}};
    rc = make_pipes(out->fd, theirs);
    if (rc == 0)
        rc = spawn(spec, theirs, &out->pid);
    close_all(theirs);
    if (rc == 0)
        rc = watch_pid(out);
    if (rc)
        close_all(out->fd);
    return rc;
}
