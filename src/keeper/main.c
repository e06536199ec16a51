/*
 * lastmile-keeper: supervises one tenant; see keeper.h. Started by the process engine, which
 * waits for the exit of the parent part: 0 = a keeper is there and answers on run/ctl,
 * 75 = another keeper holds the lock, 64 = usage, 1 = failed (reason on stderr).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "logfile.h"
#include "loop.h"
#include "record.h"
#include "state.h"

enum { EXIT_USAGE = 64, EXIT_BUSY = 75 };

#define SETTLE_MS 1500

static bool tenant_ok(const char *t)
{
    size_t n = strlen(t);

    if (n == 0 || n > 40 || t[0] == '-' || t[n - 1] == '-')
        return false;
    return strspn(t, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static int parse_id(const char *text, unsigned *out)
{
    uint64_t v;
    int rc = str_u64(str_of(text), INT32_MAX, &v);

    if (rc == 0)
        *out = (unsigned)v;
    return rc;
}

static int parse_args(int argc, char **argv, struct keeper_opts *o, bool *foreground)
{
    static const struct option options[] = {
        {"run", required_argument, NULL, 'r'},    {"data", required_argument, NULL, 'd'},
        {"record", required_argument, NULL, 'e'}, {"archive", required_argument, NULL, 'a'},
        {"tenant", required_argument, NULL, 't'}, {"uid", required_argument, NULL, 'u'},
        {"gid", required_argument, NULL, 'g'},    {"cgroup-root", required_argument, NULL, 'c'},
        {"foreground", no_argument, NULL, 'f'},   {NULL, 0, NULL, 0}};
    int c, rc = 0;

    *o = (struct keeper_opts){"", "", "", "", "", "", geteuid(), getegid(), geteuid() == 0};
    while (rc == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'r':
            o->run = optarg;
            break;
        case 'd':
            o->data = optarg;
            break;
        case 'e':
            o->record = optarg;
            break;
        case 'a':
            o->archive_dir = optarg;
            break;
        case 't':
            o->tenant = optarg;
            break;
        case 'c':
            o->cgroup_root = optarg;
            break;
        case 'u':
            rc = parse_id(optarg, &o->uid);
            break;
        case 'g':
            rc = parse_id(optarg, &o->gid);
            break;
        case 'f':
            *foreground = true;
            break;
        default:
            rc = -EINVAL;
        }
    }
    if (rc || optind != argc || !tenant_ok(o->tenant) || o->run[0] != '/' || o->data[0] != '/' ||
        o->record[0] != '/' || (o->archive_dir[0] && o->archive_dir[0] != '/'))
        return -EINVAL;
    /* Root's own uid for a tenant would be no isolation at all. */
    return o->own_uid && (o->uid == 0 || o->gid == 0) ? -EINVAL : 0;
}

static int make_parent(const char *path)
{
    char dir[PATH_MAX];
    ptrdiff_t n = str_rchr(str_of(path), '/');

    if (n <= 0 || (size_t)n >= sizeof(dir))
        return -EINVAL;
    memcpy(dir, path, (size_t)n);
    dir[n] = '\0';
    /* 0711: the web server and the tenants walk through, and cannot list. */
    return file_mkdirs(dir, 0711);
}

static int make_dirs(const struct keeper_opts *o)
{
    int rc;

    umask(022);
    rc = make_parent(o->run);
    if (rc == 0)
        rc = make_parent(o->data);
    if (rc == 0 && mkdir(o->run, 0711) && errno != EEXIST)
        rc = -errno;
    umask(077);
    return rc;
}

/* The lock may be deleted together with the directory while we wait for it: then it is not ours. */
static int take_lock(const struct keeper_opts *o)
{
    char path[PATH_MAX];
    struct stat mine, named;
    int fd;

    if (snprintf(path, sizeof(path), "%s/lock", o->run) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &mine) || stat(path, &named) ||
        mine.st_ino != named.st_ino) {
        close(fd);
        return -EWOULDBLOCK;
    }
    return fd;
}

static int start(struct keeper *k, struct loop *l)
{
    int rc = make_dirs(&k->o);

    if (rc)
        return rc;
    k->lock_fd = take_lock(&k->o);
    if (k->lock_fd < 0)
        return k->lock_fd;
    k->log_fd = logfile_open(k->o.run, "log");
    l->own_log = logfile_open(k->o.run, "keeper.log");
    if (k->log_fd < 0 || l->own_log < 0)
        return k->log_fd < 0 ? k->log_fd : l->own_log;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    rc = record_read(k);
    if (rc && rc != -ENOENT)
        return rc;
    rc = state_adopt(k);
    if (rc && rc != -ENOENT)
        keeper_error(k, "state.json could not be read (errno %d)", -rc);
    k->hold_until = clock_mono_ms() + SETTLE_MS;
    rc = state_write(k);
    return rc ? rc : loop_open(l, k);
}

static int run(struct keeper *k, int ready_fd)
{
    struct loop l;
    char why[64], answer = 'R';
    int rc = start(k, &l);

    if (rc)
        answer = rc == -EWOULDBLOCK ? 'B' : 'F';
    if (rc && answer == 'F')
        dprintf(2, "lastmile-keeper: %s: %s\n", k->o.run, log_errno(rc, why));
    if (rc == 0 && ready_fd >= 0 && (dup2(l.own_log, 1) < 0 || dup2(l.own_log, 2) < 0))
        answer = 'F';
    if (ready_fd >= 0) {
        (void)!write(ready_fd, &answer, 1);
        close(ready_fd);
    }
    if (answer != 'R')
        return answer == 'B' ? EXIT_BUSY : EXIT_FAILURE;
    LOG(LOG_INFO, "keeper.started", F("tenant", k->o.tenant), F("status", keeper_status(k)));
    loop_run(&l, k);
    LOG(LOG_INFO, "keeper.finished", F("tenant", k->o.tenant), F("status", keeper_status(k)));
    return EXIT_SUCCESS;
}

/* Parent: what the child said. Child: a keeper with no terminal and no parent to wait for it. */
static int daemonize(struct keeper *k)
{
    int fds[2];
    char answer = 'F';
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC))
        return EXIT_FAILURE;
    pid = fork();
    if (pid < 0)
        return EXIT_FAILURE;
    if (pid == 0) {
        close(fds[0]);
        setsid();
        return run(k, fds[1]);
    }
    close(fds[1]);
    while (read(fds[0], &answer, 1) < 0 && errno == EINTR)
        continue;
    return answer == 'R' ? EXIT_SUCCESS : answer == 'B' ? EXIT_BUSY : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct keeper k;
    bool foreground = false;

    if (parse_args(argc, argv, &k.o, &foreground)) {
        dprintf(2, "usage: lastmile-keeper --tenant ID --run DIR --data DIR --record FILE "
                   "[--archive DIR] [--uid N --gid N] [--cgroup-root DIR|none] [--foreground]\n");
        return EXIT_USAGE;
    }
    (void)syscall(SYS_close_range, 3u, ~0u, 0u);
    log_init("keeper", "info");
    crash_init();
    for (size_t i = 0; i < KEEPER_INSTS; i++)
        k.inst[i].pidfd = k.inst[i].probe.fd = -1;
    if (crypto_init())
        return EXIT_FAILURE;
    if (chdir("/"))
        return EXIT_FAILURE;
    return foreground ? run(&k, -1) : daemonize(&k);
}
