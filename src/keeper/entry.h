/*
 * entry: what happens between fork and the tenant's first instruction. Order: wait for the
 * keeper's word (the pid is recorded by then; silence means the keeper died, and nothing
 * starts), cgroups and rlimits, descriptors, rights, directory, exec.
 *
 * The program finds: descriptor 3 = its listening socket (LISTEN_FDS=1, LISTEN_PID, the systemd
 * convention of sd_listen_fds(3)), stdin /dev/null, stdout and stderr its log, cwd and HOME its
 * data directory, no other descriptor, no capability, no way to gain one.
 */
#ifndef LM_KEEPER_ENTRY_H
#define LM_KEEPER_ENTRY_H

#include "keeper.h"

struct entry {
    const struct keeper *k;
    const struct spec *spec;
    const struct limits *limits;
    int go_fd;
    int listen_fd;
    char **env;
    char *listen_pid; /* the value part of LISTEN_PID=, ENTRY_PID bytes, filled in by the child */
};

#define ENTRY_PID 12

/* Environment on the arena: the spec's, then ours where the spec has none. -ENOMEM. */
int entry_env(struct arena *a, const char *socket_path, struct entry *e);
_Noreturn void entry_run(const struct entry *e);

#endif
