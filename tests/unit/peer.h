/* peer: starts a Python peer of tests/peer and reads the port it prints. The peer ends when our
 * end of its stdin closes, so a crashed test leaves nothing behind. */
#ifndef LM_TEST_PEER_H
#define LM_TEST_PEER_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

struct peer {
    pid_t pid;
    int in, out;
    unsigned port;
};

/* false when Python or the script is missing. argv is NULL-terminated and starts with python. */
static inline bool peer_start(struct peer *p, const char *script, const char *arg,
                              const char *value)
{
    int in[2], out[2];
    char line[32] = "";
    uint64_t port;
    ssize_t n;

    if (access("/usr/bin/python3", X_OK) || access(script, R_OK) || pipe(in) || pipe(out))
        return false;
    p->pid = fork();
    if (p->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl("/usr/bin/python3", "python3", script, arg, value, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p->in = in[1];
    p->out = out[0];
    n = read(p->out, line, sizeof(line) - 1);
    if (n <= 0 || str_u64(str_trim(str_make(line, (size_t)n)), 65535, &port))
        port = 0;
    p->port = (unsigned)port;
    return port != 0;
}

static inline void peer_stop(struct peer *p)
{
    close(p->in);
    close(p->out);
    waitpid(p->pid, NULL, 0);
}

#endif
