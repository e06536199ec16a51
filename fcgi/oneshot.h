/*
 * oneshot: one request from CGI variables, run on the loop until it is answered. The cgi and
 * fcgi2 transports are thin layers on this.
 *
 * HTTP_PROXY is dropped (httpoxy), caps are those of struct req_limits, CONTENT_LENGTH is checked
 * against what came. A handler that is late is answered for with 503; its request is kept until it
 * ends on a later turn of the loop.
 */
#ifndef LM_ONESHOT_H
#define LM_ONESHOT_H

#include "front.h"
#include "req.h"

/* Reads up to n bytes of the body: count, 0 at its end, negative on error or timeout. */
typedef ssize_t oneshot_read(void *arg, char *to, size_t n);

struct oneshot_io {
    oneshot_read *read;
    void *arg;
    bool until_eof; /* the body ends at EOF; else after CONTENT_LENGTH bytes */
};

/* env: "NAME=VALUE", NULL-terminated. Appends the CGI response to out. 0, or -EPIPE when the body
 * was not read to its end (the connection cannot be used again). */
int oneshot_run(struct front *f, char *const *env, const struct oneshot_io *io, struct buf *out);

#endif
