/*
 * kids: the parent's list of children.
 *
 * A child belongs to a generation (one configuration). It has said that it serves (ready), or has
 * been told to leave (leaving) and is killed when it has not by its time.
 */
#ifndef LM_KIDS_H
#define LM_KIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"

enum { KIDS_MAX = 2 * PROCESSES_MAX, KIDS_STOP_MS = 20000 };

struct kid {
    pid_t pid;
    int ready_fd; /* -1: has spoken, or never will */
    bool ready, leaving;
    unsigned generation;
    uint64_t born, kill_at;
};

struct kids {
    struct kid kid[KIDS_MAX];
    size_t n;
};

/* Forks. In the parent 0 or -errno; in the child 1 and *ready_fd, the end to say ready on. */
int kids_fork(struct kids *k, unsigned generation, int *ready_fd);
size_t kids_count(const struct kids *k, unsigned generation, bool ready_only);
/* TERM to all of a generation, KILL to those still there after KIDS_STOP_MS. */
void kids_dismiss(struct kids *k, unsigned generation);
void kids_kill(struct kids *k, unsigned generation);
/* Kills who should have left. When to look again (clock_mono_ms), or 0. */
uint64_t kids_overdue(struct kids *k);
/* Its ready_fd can be read. */
void kids_heard(struct kid *k);
/* One dead child, removed from the list: true, *dead and *status; false: none. */
bool kids_bury(struct kids *k, struct kid *dead, int *status);

#endif
