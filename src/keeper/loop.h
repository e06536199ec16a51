/* loop: the one poll(2) loop of the keeper: signals, ctl, log, processes, probes, timers. */
#ifndef LM_KEEPER_LOOP_H
#define LM_KEEPER_LOOP_H

#include "ctl.h"
#include "keeper.h"

struct loop {
    int sig_fd;
    int log_watch; /* inotify on the tenant's log */
    int own_log;
    struct ctl ctl;
};

/* Blocks the signals and opens everything; 0 or -errno. */
int loop_open(struct loop *l, struct keeper *k);
/* Until k->finished. */
void loop_run(struct loop *l, struct keeper *k);

#endif
