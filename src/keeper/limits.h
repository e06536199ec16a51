/*
 * limits: memory, cpu, processes and file size of one instance.
 *
 * Per resource the strongest means at hand: cgroup v2, cgroup v1, rlimit, none. What could not be
 * had is said in words (limits_text), because a limit that is sold and not enforced is a lie.
 * Every instance has its own leaf "lastmile/<tenant>/i<seq>", so that a blue/green pair does not
 * share one memory limit, and ending an instance ends everything it started.
 *
 * rlimits when there is no cgroup: RLIMIT_DATA for memory, RLIMIT_NPROC for processes (only under
 * an own uid: it counts per uid); cpu has none. RLIMIT_FSIZE always caps one file at disk.
 * Files: kernel Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/{memory,cpuacct,pids}.rst.
 */
#ifndef LM_KEEPER_LIMITS_H
#define LM_KEEPER_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec.h"

#define LIMITS_TEXT  256
#define LIMITS_LEAFS 3

enum limits_kind { LIMIT_MEMORY, LIMIT_CPU, LIMIT_PIDS, LIMIT_KINDS };
enum limits_how { HOW_UNLIMITED, HOW_CGROUP2, HOW_CGROUP1, HOW_RLIMIT, HOW_NOT };

struct limits {
    enum limits_how how[LIMIT_KINDS];
    int err[LIMIT_KINDS]; /* why not by cgroup, errno or 0 */
    struct spec_limits want;
    int procs_fd[LIMITS_LEAFS]; /* cgroup.procs of the leaves, -1 = none */
    bool off;                   /* switched off by configuration */
};

/* Creates and fills the leaves. Never fails: what is missing is in how[]. */
void limits_prepare(const char *root, const char *tenant, uint64_t seq, bool own_uid,
                    const struct spec_limits *want, struct limits *out);
void limits_close(struct limits *l);
/* In the child before it gives up its rights. 0 or -errno. */
int limits_enter(const struct limits *l);
/* "cgroup-v1", "rlimits: memory by rlimit (Permission denied), cpu not limited" ... */
void limits_text(const struct limits *l, char out[LIMITS_TEXT]);
/* Kills what is left in the leaves of seq and removes them. Safe to repeat. */
void limits_release(const char *root, const char *tenant, uint64_t seq);
void limits_release_tenant(const char *root, const char *tenant);

#endif
