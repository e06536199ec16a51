#include "base/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

static int stat_text(pid_t pid, struct buf *b)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    return file_read(path, b) ? -ESRCH : 0;
}

int proc_starttime(pid_t pid, uint64_t *out)
{
    struct buf b;
    struct str rest, state, field = {NULL, 0};
    ptrdiff_t end;
    int rc;

    buf_init(&b, 4096);
    rc = stat_text(pid, &b);
    /* The command name is in parentheses and may hold anything, parentheses too. */
    end = rc ? -1 : str_rchr(buf_view(&b), ')');
    if (end < 0) {
        buf_free(&b);
        return -ESRCH;
    }
    rest = str_from(buf_view(&b), (size_t)end + 2);
    state = str_cut(rest, ' ', &rest);
    for (int i = 4; i <= 22; i++)
        field = str_cut(rest, ' ', &rest);
    rc = str_is(state, "Z") || str_is(state, "X") ? -ESRCH : str_u64(field, UINT64_MAX, out);
    buf_free(&b);
    return rc;
}

int proc_boot_id(char out[PROC_BOOT_ID])
{
    struct buf b;
    int rc;

    buf_init(&b, 128);
    rc = file_read("/proc/sys/kernel/random/boot_id", &b);
    if (rc == 0)
        rc = str_copy(str_trim(buf_view(&b)), out, PROC_BOOT_ID);
    buf_free(&b);
    return rc;
}

int proc_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);

    return fd < 0 ? -errno : fd;
}

int proc_open(pid_t pid, uint64_t starttime)
{
    uint64_t now;
    int fd = pid > 1 ? proc_pidfd(pid) : -ESRCH;

    if (fd < 0)
        return -ESRCH;
    /* Asked after the open: the descriptor then belongs to the process that was looked at. */
    if (proc_starttime(pid, &now) || now != starttime) {
        close(fd);
        return -ESRCH;
    }
    return fd;
}

void proc_signal(int pidfd, int sig)
{
    (void)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0u);
}

void proc_kill_strays(pid_t but)
{
    char path[64];
    struct buf b;
    struct str text;
    uint64_t pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    buf_init(&b, 1u << 16);
    if (file_read(path, &b) == 0) {
        text = buf_view(&b);
        while (text.n)
            if (str_u64(str_cut(text, ' ', &text), INT32_MAX, &pid) == 0 && pid > 1 &&
                (pid_t)pid != but)
                kill((pid_t)pid, SIGKILL);
    }
    buf_free(&b);
}
