/*
 * cgroup: where the controllers are. v1 and v2 are looked for per controller, because hybrid
 * hosts have some on each side.
 *
 * root "" reads /proc/self/mounts; "none" finds nothing; a path is either a v2 directory (it has
 * cgroup.controllers) or a directory with one sub-directory per v1 controller.
 */
#ifndef LM_KEEPER_CGROUP_H
#define LM_KEEPER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

#define CGROUP_PATH 512

/* 0 and the directory that holds the controller (memory, cpu, pids), *v2 says which kind;
 * -ENOENT when the host has it nowhere. */
int cgroup_find(const char *root, const char *controller, char dir[CGROUP_PATH], bool *v2);
/* Makes dir/lastmile/<tenant>/i<seq> and, v2, hands the controller down. 0 or -errno. */
int cgroup_leaf(const char *dir, bool v2, const char *controller, const char *tenant, uint64_t seq,
                char leaf[CGROUP_PATH]);
void cgroup_leaf_path(const char *dir, const char *tenant, uint64_t seq, char leaf[CGROUP_PATH]);
/* Writes an existing control file. 0 or -errno. */
int cgroup_write(const char *leaf, const char *file, const char *value);
/* cgroup.procs open for writing, or -errno. */
int cgroup_procs(const char *leaf);
/* KILL to every process inside, then rmdir; -EBUSY when some are not gone yet. */
int cgroup_remove(const char *leaf);

#endif
