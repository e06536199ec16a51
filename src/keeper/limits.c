#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cgroup.h"

struct controller {
    const char *name;
    int (*set)(const char *leaf, bool v2, const struct spec_limits *want);
};

static int put(const char *leaf, const char *file, uint64_t v)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    return cgroup_write(leaf, file, text);
}

static int set_memory(const char *leaf, bool v2, const struct spec_limits *want)
{
    int rc = put(leaf, v2 ? "memory.max" : "memory.limit_in_bytes", want->memory);

    /* Swap would only move the excess; hosts without swap accounting lack the file. */
    if (rc == 0)
        (void)put(leaf, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                  v2 ? 0 : want->memory);
    return rc;
}

static int set_cpu(const char *leaf, bool v2, const struct spec_limits *want)
{
    const uint64_t period = 100000;
    char text[48];
    int rc;

    if (v2) {
        snprintf(text, sizeof(text), "%llu %llu",
                 (unsigned long long)(want->cpu_pct * period / 100), (unsigned long long)period);
        return cgroup_write(leaf, "cpu.max", text);
    }
    rc = put(leaf, "cpu.cfs_period_us", period);
    return rc ? rc : put(leaf, "cpu.cfs_quota_us", want->cpu_pct * period / 100);
}

static int set_pids(const char *leaf, bool v2, const struct spec_limits *want)
{
    (void)v2;
    return want->pids ? put(leaf, "pids.max", want->pids) : cgroup_write(leaf, "pids.max", "max");
}

static const struct controller controllers[LIMIT_KINDS] = {
    [LIMIT_MEMORY] = {"memory", set_memory},
    [LIMIT_CPU] = {"cpu", set_cpu},
    [LIMIT_PIDS] = {"pids", set_pids},
};

static uint64_t wanted(const struct spec_limits *l, enum limits_kind k)
{
    return k == LIMIT_MEMORY ? l->memory : k == LIMIT_CPU ? l->cpu_pct : l->pids;
}

static int by_cgroup(const char *root, const char *tenant, uint64_t seq, enum limits_kind k,
                     struct limits *out)
{
    char dir[CGROUP_PATH], leaf[CGROUP_PATH];
    bool v2;
    int fd, rc = cgroup_find(root, controllers[k].name, dir, &v2);

    if (rc == 0)
        rc = cgroup_leaf(dir, v2, controllers[k].name, tenant, seq, leaf);
    if (rc == 0)
        rc = controllers[k].set(leaf, v2, &out->want);
    fd = rc ? rc : cgroup_procs(leaf);
    if (fd < 0)
        return fd;
    out->procs_fd[k] = fd;
    out->how[k] = v2 ? HOW_CGROUP2 : HOW_CGROUP1;
    return 0;
}

void limits_prepare(const char *root, const char *tenant, uint64_t seq, bool own_uid,
                    const struct spec_limits *want, struct limits *out)
{
    memset(out, 0, sizeof(*out));
    out->want = *want;
    out->off = strcmp(root, "none") == 0;
    for (size_t i = 0; i < LIMITS_LEAFS; i++)
        out->procs_fd[i] = -1;
    for (enum limits_kind k = LIMIT_MEMORY; k < LIMIT_KINDS; k++) {
        bool none = wanted(want, k) == 0;

        /* The pids group is also how everything of an instance is found and ended. */
        if (none && k != LIMIT_PIDS)
            continue;
        out->err[k] = by_cgroup(root, tenant, seq, k, out);
        if (none) {
            out->how[k] = HOW_UNLIMITED;
            continue;
        }
        if (out->err[k] == 0)
            continue;
        out->how[k] = k == LIMIT_MEMORY || (k == LIMIT_PIDS && own_uid) ? HOW_RLIMIT : HOW_NOT;
    }
}

void limits_close(struct limits *l)
{
    for (size_t i = 0; i < LIMITS_LEAFS; i++) {
        if (l->procs_fd[i] >= 0)
            close(l->procs_fd[i]);
        l->procs_fd[i] = -1;
    }
}

/* Only ever lowers: raising a hard limit needs CAP_SYS_RESOURCE, which containers withhold. */
static int lower(int what, uint64_t value)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)what, &now))
        return -errno;
    if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max)
        value = now.rlim_max;
    now.rlim_cur = now.rlim_max = value;
    return setrlimit((__rlimit_resource_t)what, &now) ? -errno : 0;
}

int limits_enter(const struct limits *l)
{
    int rc = lower(RLIMIT_CORE, 0);

    for (size_t i = 0; i < LIMITS_LEAFS && rc == 0; i++)
        if (l->procs_fd[i] >= 0 && write(l->procs_fd[i], "0", 1) != 1)
            rc = -errno;
    if (rc == 0 && l->how[LIMIT_MEMORY] == HOW_RLIMIT)
        rc = lower(RLIMIT_DATA, l->want.memory);
    if (rc == 0 && l->how[LIMIT_PIDS] == HOW_RLIMIT)
        rc = lower(RLIMIT_NPROC, l->want.pids);
    if (rc == 0 && l->want.disk)
        rc = lower(RLIMIT_FSIZE, l->want.disk);
    return rc;
}

static void one_text(const struct limits *l, enum limits_kind k, struct buf *b)
{
    char why[64];
    const char *name = controllers[k].name;

    if (l->how[k] != HOW_RLIMIT && l->how[k] != HOW_NOT)
        return;
    if (buf_view(b).n)
        buf_cat(b, ", ");
    buf_fmt(b, l->how[k] == HOW_RLIMIT ? "%s by rlimit" : "%s not limited", name);
    if (l->off)
        buf_cat(b, " (cgroups are switched off)");
    else
        buf_fmt(b, " (no cgroup: %s)", log_errno(l->err[k], why));
}

void limits_text(const struct limits *l, char out[LIMITS_TEXT])
{
    bool v1 = false, v2 = false, weak = false;
    struct buf b;

    buf_init(&b, LIMITS_TEXT - 32);
    for (enum limits_kind k = LIMIT_MEMORY; k < LIMIT_KINDS; k++) {
        v1 = v1 || l->how[k] == HOW_CGROUP1;
        v2 = v2 || l->how[k] == HOW_CGROUP2;
        weak = weak || l->how[k] == HOW_RLIMIT || l->how[k] == HOW_NOT;
        one_text(l, k, &b);
    }
    snprintf(out, LIMITS_TEXT, "%s%s%s",
             v2 && v1 ? "cgroup-v2+v1"
             : v2     ? "cgroup-v2"
             : v1     ? "cgroup-v1"
             : weak   ? "rlimits"
                      : "none asked for",
             weak ? ": " : "", buf_cstr(&b));
    buf_free(&b);
}

void limits_release(const char *root, const char *tenant, uint64_t seq)
{
    char dir[CGROUP_PATH], leaf[CGROUP_PATH];
    bool v2;

    for (enum limits_kind k = LIMIT_MEMORY; k < LIMIT_KINDS; k++) {
        if (cgroup_find(root, controllers[k].name, dir, &v2))
            continue;
        cgroup_leaf_path(dir, tenant, seq, leaf);
        /* The killed need a moment to leave the group. */
        for (int i = 0; i < 50 && cgroup_remove(leaf) == -EBUSY; i++)
            usleep(2000);
    }
}

void limits_release_tenant(const char *root, const char *tenant)
{
    char dir[CGROUP_PATH], path[CGROUP_PATH];
    bool v2;

    for (enum limits_kind k = LIMIT_MEMORY; k < LIMIT_KINDS; k++)
        if (cgroup_find(root, controllers[k].name, dir, &v2) == 0 &&
            snprintf(path, sizeof(path), "%s/lastmile/%s", dir, tenant) < (int)sizeof(path))
            (void)rmdir(path);
}
