/*
 * child: a helper process on the loop, in its own session and process group.
 *
 * posix_spawn with closed descriptors, default signals, the environment given and nothing else;
 * stdout comes back in lines, of stderr the last part is kept. exit() is called exactly once, after
 * the leader has ended and the pipes are closed (or a second later: a grandchild may hold them).
 * What is left of the group is killed then. After exit() returns the child is gone and the pointer
 * dead. A child that is quiet costs about a kilobyte: what goes to its stdin is let go when it is
 * written, and what comes back is not kept beyond its line.
 *
 * Thread rule: the loop's thread, except child_kill_now(). The program must ignore SIGPIPE.
 */
#ifndef LM_CHILD_H
#define LM_CHILD_H

#include <uv.h>

#include "base/buf.h"

#define CHILD_STDERR 4095 /* with its NUL one page */

struct child;

struct child_spec {
    const char *const *argv; /* argv[0] is the path, NULL-terminated */
    const char *const *env;  /* NULL-terminated */
    const char *cwd;         /* NULL: stay */
    size_t line_max;         /* a longer line is dropped and reported by exit() */
};

struct child_end {
    int status; /* as waitpid(2) gives it */
    bool line_too_long;
    struct str errors; /* tail of stderr, dies on return */
};

struct child_events {
    void (*line)(void *arg, struct str line); /* without the end of line; may be NULL */
    void (*exit)(void *arg, const struct child_end *end);
    void *arg;
};

/* 0 and a running child, or -errno and no callback. */
int child_start(uv_loop_t *loop, const struct child_spec *spec, const struct child_events *ev,
                struct child **out);
pid_t child_pid(const struct child *c);
/* Once: input goes to its stdin, which is then closed. 0 or -errno. Until then it reads nothing. */
int child_send(struct child *c, struct str input);
/* To the whole group; nothing once the leader was reaped. */
void child_signal(struct child *c, int sig);
/* KILL to the whole group from any thread. The leader is reaped only under the same lock, so the
 * number cannot have passed to somebody else. The caller keeps c alive: no exit() meanwhile. */
void child_kill_now(struct child *c);

#endif
