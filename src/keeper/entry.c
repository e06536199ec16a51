#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define OURS 12

static bool has_env(const struct spec *s, struct str assignment)
{
    struct str rest, name = str_cut(assignment, '=', &rest);

    for (size_t i = 0; i < s->nenv; i++)
        if (str_eq(str_cut(str_of(s->env[i]), '=', &rest), name))
            return true;
    return false;
}

int entry_env(struct arena *a, const char *socket_path, struct entry *e)
{
    const struct keeper_opts *o = &e->k->o;
    size_t n = 0;
    char *ours[] = {
        arena_fmt(a, "PATH=/usr/local/bin:/usr/bin:/bin"),
        arena_fmt(a, "LANG=C.UTF-8"),
        arena_fmt(a, "HOME=%s", o->data),
        arena_fmt(a, "TMPDIR=%s/tmp", o->data),
        arena_fmt(a, "DATA_DIR=%s", o->data),
        arena_fmt(a, "TENANT_SOCKET=%s", socket_path),
        arena_fmt(a, "LISTEN_FDS=1"),
        arena_fmt(a, "LISTEN_FDNAMES=http"),
        arena_fmt(a, "LASTMILE_TENANT=%s", o->tenant),
        arena_fmt(a, "LASTMILE_GENERATION=%llu", (unsigned long long)e->spec->generation),
        arena_fmt(a, "LISTEN_PID=%0*d", ENTRY_PID - 1, 0),
    };

    e->env = arena_alloc(a, (e->spec->nenv + OURS) * sizeof(*e->env));
    if (e->env == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < e->spec->nenv; i++)
        if ((e->env[n++] = arena_dup(a, str_of(e->spec->env[i]))) == NULL)
            return -ENOMEM;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (ours[i] == NULL)
            return -ENOMEM;
        if (!has_env(e->spec, str_of(ours[i])))
            e->env[n++] = ours[i];
    }
    e->listen_pid = strchr(ours[sizeof(ours) / sizeof(ours[0]) - 1], '=') + 1;
    return 0;
}

/* The log is on stderr by now; the keeper sees the status only. */
static _Noreturn void give_up(const char *what)
{
    char why[64];

    dprintf(2, "lastmile-keeper: %s: %s\n", what, log_errno(errno, why));
    _exit(127);
}

static int fresh_signals(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        if (s != SIGKILL && s != SIGSTOP)
            signal(s, SIG_DFL);
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int descriptors(const struct entry *e)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null < 0 || dup2(null, 0) < 0 || dup2(e->k->log_fd, 1) < 0 || dup2(e->k->log_fd, 2) < 0)
        return -1;
    if (e->listen_fd == 3)
        return fcntl(3, F_SETFD, 0);
    return dup2(e->listen_fd, 3) < 0 ? -1 : 0;
}

static int drop_rights(const struct keeper_opts *o)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (o->own_uid) {
        for (unsigned long c = 0; c < 64; c++)
            prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
        if (setgroups(0, NULL) || setresgid(o->gid, o->gid, o->gid) ||
            setresuid(o->uid, o->uid, o->uid))
            return -1;
    }
    if (syscall(SYS_capset, &head, none) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return 0;
}

_Noreturn void entry_run(const struct entry *e)
{
    char go;
    int rc;

    if (setsid() < 0 || fresh_signals())
        _exit(127);
    while ((rc = (int)read(e->go_fd, &go, 1)) < 0 && errno == EINTR)
        continue;
    if (rc != 1)
        _exit(127);
    rc = limits_enter(e->limits);
    if (descriptors(e))
        _exit(127);
    if (rc) {
        errno = -rc;
        give_up("limits");
    }
    if (drop_rights(&e->k->o))
        give_up("rights");
    if (syscall(SYS_close_range, 4u, ~0u, 0u))
        give_up("descriptors");
    umask(027);
    if (chdir(e->k->o.data))
        give_up("data directory");
    /* As the tenant: a name in its own directory is never followed with our rights. */
    (void)mkdir("tmp", 0700);
    snprintf(e->listen_pid, ENTRY_PID, "%d", (int)getpid());
    execve(e->spec->argv[0], (char *const *)(uintptr_t)e->spec->argv, e->env);
    give_up(e->spec->argv[0]);
}
