#include "kids.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static void become_child(const struct kids *k, pid_t parent)
{
    size_t i;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    for (i = 0; i < k->n; i++)
        if (k->kid[i].ready_fd >= 0)
            close(k->kid[i].ready_fd);
}

int kids_fork(struct kids *k, unsigned generation, int *ready_fd)
{
    pid_t parent = getpid(), pid;
    int fd[2];

    if (k->n == KIDS_MAX)
        return -EAGAIN;
    if (pipe2(fd, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid < 0) {
        int err = errno;

        close(fd[0]);
        close(fd[1]);
        return -err;
    }
    if (pid == 0) {
        close(fd[0]);
        become_child(k, parent);
        *ready_fd = fd[1];
        return 1;
    }
    close(fd[1]);
    k->kid[k->n++] = (struct kid){
        .pid = pid, .ready_fd = fd[0], .generation = generation, .born = clock_mono_ms()};
    return 0;
}

size_t kids_count(const struct kids *k, unsigned generation, bool ready_only)
{
    size_t i, n = 0;

    for (i = 0; i < k->n; i++)
        n += k->kid[i].generation == generation && !k->kid[i].leaving &&
             (!ready_only || k->kid[i].ready);
    return n;
}

void kids_dismiss(struct kids *k, unsigned generation)
{
    size_t i;

    for (i = 0; i < k->n; i++) {
        if (k->kid[i].generation != generation || k->kid[i].leaving)
            continue;
        k->kid[i].leaving = true;
        k->kid[i].kill_at = clock_mono_ms() + KIDS_STOP_MS;
        kill(k->kid[i].pid, SIGTERM);
    }
}

void kids_kill(struct kids *k, unsigned generation)
{
    size_t i;

    for (i = 0; i < k->n; i++) {
        if (k->kid[i].generation != generation)
            continue;
        k->kid[i].leaving = true;
        k->kid[i].kill_at = clock_mono_ms() + KIDS_STOP_MS;
        kill(k->kid[i].pid, SIGKILL);
    }
}

uint64_t kids_overdue(struct kids *k)
{
    uint64_t now = clock_mono_ms(), next = 0;
    size_t i;

    for (i = 0; i < k->n; i++) {
        struct kid *one = &k->kid[i];

        if (!one->leaving)
            continue;
        if (now >= one->kill_at) {
            kill(one->pid, SIGKILL);
            one->kill_at = now + KIDS_STOP_MS;
        }
        if (!next || one->kill_at < next)
            next = one->kill_at;
    }
    return next;
}

void kids_heard(struct kid *k)
{
    char byte;
    ssize_t n = read(k->ready_fd, &byte, 1);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    close(k->ready_fd);
    k->ready_fd = -1;
    k->ready = n == 1; /* closed without a word: it is dying, SIGCHLD follows */
}

bool kids_bury(struct kids *k, struct kid *dead, int *status)
{
    size_t i;
    pid_t pid;

    for (;;) {
        pid = waitpid(-1, status, WNOHANG);
        if (pid <= 0)
            return false;
        for (i = 0; i < k->n && k->kid[i].pid != pid; i++)
            ;
        if (i < k->n)
            break;
    }
    *dead = k->kid[i];
    k->kid[i] = k->kid[--k->n];
    if (dead->ready_fd >= 0)
        close(dead->ready_fd);
    return true;
}
