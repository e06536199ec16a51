/*
 * listen: where requests come from.
 *
 * listen_find() looks at what the process was born with; listen_bind() makes a socket of our
 * own. libfcgi's FCGX_OpenSocket is not used: it steals a live socket, exits on errors and leaves
 * the mode to the umask (reference: c-ecosystem 1.2.6).
 */
#ifndef LM_LISTEN_H
#define LM_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { LISTEN_KEPT_MAX = 1024, LISTEN_BACKLOG = 511 };

struct listen_found {
    int fd;                    /* listening socket, or -1 */
    int kept[LISTEN_KEPT_MAX]; /* connections of a former process (handover.h) */
    size_t nkept;
};

/* LISTEN_PID and LISTEN_FDS as in sd_listen_fds(3); the variables are removed. */
void listen_find_passed(struct listen_found *out);
/* Descriptor 0 is a listening socket (spawn-fcgi, StandardInput=socket, mod_fcgid). */
bool listen_is_stdin(void);

struct listen_spec {
    const char *address; /* path, unix:path, or loopback address and port */
    mode_t mode;         /* of a unix socket */
    const char *group;   /* "": our own */
};

/* Non-blocking, close-on-exec. -EADDRINUSE when somebody answers there already, -EINVAL for an
 * address that cannot be used, -EACCES for a TCP address that is not loopback, else -errno. */
int listen_bind(const struct listen_spec *spec, int *fd);
bool listen_is_unix(const char *address);

#endif
