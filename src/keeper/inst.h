/*
 * inst: one running copy of the tenant's program, from socket to grave. Errors are -errno and
 * leave nothing behind.
 */
#ifndef LM_KEEPER_INST_H
#define LM_KEEPER_INST_H

#include "keeper.h"

/* Socket, limits, fork, record, go. The new instance is STARTING. -EAGAIN: no free place. */
int inst_launch(struct keeper *k, struct spec *s);
/* TERM after delay_ms, KILL after the spec's stop_ms. Repeating never lengthens it. */
void inst_stop(struct keeper *k, struct inst *i, uint64_t delay_ms);
/* STARTING and healthy: the route is switched to it, older ones are drained. 0 or -errno. */
int inst_promote(struct keeper *k, struct inst *i);
/* Signals and probes that are due; lowers *wake. */
void inst_timers(struct keeper *k, struct inst *i, uint64_t *wake);
/* The process is gone: whatever it left (processes, cgroup, socket name) goes too. */
void inst_free(struct keeper *k, struct inst *i);
/* Begins a probe unless one is running. */
void inst_probe(struct keeper *k, struct inst *i);

#endif
