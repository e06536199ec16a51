/* The allow-list. Anything else kills the process, but for what a library may try in good faith
 * (open, an INET socket): that gets an error it can live with. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harden.h"

static const int plain[] = {
    /* bytes */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(close),
    SCMP_SYS(shutdown),
    /* connections */
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    /* waiting */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    /* time, chance, identity */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    /* memory (mmap and mprotect have rules of their own) */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    /* signals and the end */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static const int for_threads[] = {
    SCMP_SYS(set_robust_list),    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),  SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
};

static const struct {
    int call, err;
} softly[] = {
    {SCMP_SYS(open), EACCES},      {SCMP_SYS(openat), EACCES},
    {SCMP_SYS(openat2), EACCES},   {SCMP_SYS(access), EACCES},
    {SCMP_SYS(faccessat), EACCES}, {SCMP_SYS(stat), EACCES},
    {SCMP_SYS(lstat), EACCES},     {SCMP_SYS(statx), EACCES},
    {SCMP_SYS(readlink), EACCES},  {SCMP_SYS(readlinkat), EACCES},
    {SCMP_SYS(clone3), ENOSYS},    {SCMP_SYS(io_uring_setup), ENOSYS},
    {SCMP_SYS(prctl), EPERM},
};

enum { SOCKET_TYPE = 0xf };

static int allow(scmp_filter_ctx c, const int *calls, size_t n)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < n && rc == 0; i++)
        rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

/* No memory that is executable, ever again. */
static int memory_rules(scmp_filter_ctx c)
{
    int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    return rc ? rc
              : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* INET stream sockets only when Redis is over TCP: no UDP, hence no DNS either. */
static int socket_rules(scmp_filter_ctx c, bool tcp)
{
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
    size_t i;
    int rc =
        seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));

    for (i = 0; i < sizeof(families) / sizeof(families[0]) && rc == 0; i++) {
        if (!tcp || families[i] == AF_NETLINK)
            rc = seccomp_rule_add(c, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
        else
            rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]),
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_STREAM));
    }
    return rc;
}

static int small_rules(scmp_filter_ctx c, bool threads)
{
    int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));

    if (rc == 0) /* abort() raises in this process */
        rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    if (rc == 0) /* fstat() of newer C libraries; never by name */
        rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                              SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
    if (rc == 0)
        rc = seccomp_rule_add(c, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
                              SCMP_A3(SCMP_CMP_NE, AT_EMPTY_PATH));
    if (rc == 0 && threads)
        rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (rc == 0 && threads)
        rc = allow(c, for_threads, sizeof(for_threads) / sizeof(for_threads[0]));
    return rc;
}

int harden_seccomp(const struct harden_rules *rules)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
    size_t i;
    int rc = c ? 0 : -ENOMEM;

    if (rc == 0)
        rc = allow(c, plain, sizeof(plain) / sizeof(plain[0]));
    for (i = 0; i < sizeof(softly) / sizeof(softly[0]) && rc == 0; i++)
        rc = seccomp_rule_add(c, SCMP_ACT_ERRNO((uint32_t)softly[i].err), softly[i].call, 0);
    if (rc == 0)
        rc = memory_rules(c);
    if (rc == 0)
        rc = socket_rules(c, rules->tcp_port != 0);
    if (rc == 0)
        rc = small_rules(c, rules->threads);
    if (rc == 0)
        rc = seccomp_load(c);
    if (c)
        seccomp_release(c);
    return rc < 0 ? rc : 1;
}
