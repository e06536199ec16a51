#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/file.h"

static _Noreturn void run_tar(const char *data, int out)
{
    const char *const argv[] = {"tar",
                                "--create",
                                "--gzip",
                                "--file=-",
                                "--numeric-owner",
                                "--one-file-system",
                                "--exclude=./tmp",
                                "--directory",
                                data,
                                ".",
                                NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", "LANG=C", NULL};
    int null = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0)
        _exit(126);
    (void)syscall(SYS_close_range, 3u, ~0u, 0u);
    execve("/usr/bin/tar", (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    execve("/bin/tar", (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    _exit(127);
}

static int tar_into(const char *data, int out)
{
    pid_t pid = fork(), got;
    int status;

    if (pid == 0)
        run_tar(data, out);
    if (pid < 0)
        return -errno;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    /* Status 1: a file changed while it was read; nothing runs any more, so it is still whole. */
    if (got != pid || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
        return -EIO;
    return 0;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

    if (fd < 0)
        return -errno;
    if (fsync(fd))
        rc = -errno;
    close(fd);
    return rc;
}

int archive_make(const char *data, const char *dir, const char *name)
{
    char final[PATH_MAX], temp[PATH_MAX];
    int fd, rc = file_mkdirs(dir, 0700);

    if (rc)
        return rc;
    if (snprintf(final, sizeof(final), "%s/%s", dir, name) >= (int)sizeof(final) ||
        snprintf(temp, sizeof(temp), "%s/.%s.part", dir, name) >= (int)sizeof(temp))
        return -ENAMETOOLONG;
    if (access(final, F_OK) == 0)
        return sync_dir(dir); /* the one that renamed it may have died before this */
    if (access(data, F_OK))
        return 0;
    unlink(temp);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    rc = tar_into(data, fd);
    if (rc == 0 && fsync(fd))
        rc = -errno;
    if (close(fd) && rc == 0)
        rc = -errno;
    crash_point("archive.before_rename");
    if (rc == 0 && rename(temp, final))
        rc = -errno;
    crash_point("archive.after_rename");
    if (rc) {
        unlink(temp);
        return rc;
    }
    return sync_dir(dir);
}
