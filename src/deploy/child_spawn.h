/* child_spawn: the birth of a child (child.h): pipes, posix_spawn, a descriptor of the process. */
#ifndef LM_CHILD_SPAWN_H
#define LM_CHILD_SPAWN_H

#include "deploy/child.h"

enum { CHILD_IN, CHILD_OUT, CHILD_ERR, CHILD_PIPES };

struct child_born {
    pid_t pid;
    int pidfd;
    int fd[CHILD_PIPES]; /* our ends */
};

/* 0, or -errno and nothing is left. The descriptors are the caller's. */
int child_spawn(const struct child_spec *spec, struct child_born *out);

#endif
