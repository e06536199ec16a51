/*
 * master: the parent process. It holds the listener and the handover pair, and serves nothing.
 *
 * It keeps `processes` children alive (a dead one comes back after a jittered back-off), and
 * answers two signals. TERM or INT: children finish what they have and leave; their idle
 * connections go to the service manager's store when there is one. HUP: read and check the
 * configuration, start a whole new generation with it, and only when all of it serves let the old
 * one leave; when anything fails the old one stays. The listener is open all the time, so nothing
 * is refused.
 *
 * Crash argument: the parent has no state but pids. When it is killed, children get TERM
 * (PR_SET_PDEATHSIG) and leave in order.
 */
#ifndef LM_MASTER_H
#define LM_MASTER_H

#include "child.h"
#include "options.h"

struct config;

struct master_job {
    const struct options *opt;
    struct config *cfg; /* owned by the master from here on */
    int listen_fd;
    struct handover handover;
};

/* Returns the program's exit code. In a child: runs it and exits. */
int master_run(const struct master_job *job);

#endif
