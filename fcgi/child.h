/*
 * child: one serving process.
 *
 * child_main() opens the front, shuts itself in (harden.h), says ready through the pipe and
 * serves until TERM. Never returns to the caller's stack in a way that matters: its value is the
 * exit code of the process.
 */
#ifndef LM_CHILD_H
#define LM_CHILD_H

#include <uv.h>

#include "handover.h"
#include "options.h"

struct config;

struct child_job {
    const struct config *cfg;
    enum transport transport;
    int listen_fd;
    struct handover handover;
    int ready_fd; /* one byte is written when serving */
};

int child_main(const struct child_job *job);
/* For transports with loops of their own. Runs the loop until closed handles are gone. */
void child_close_loop(uv_loop_t *loop);
void child_say_ready(int fd);
/* Logs it and returns rc. */
int child_failed(const char *what, int rc);

#endif
