#include "cgi.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "child.h"
#include "harden.h"
#include "oneshot.h"
#include "server.h"

static int ready(int fd, short events, uint64_t until)
{
    struct pollfd p = {.fd = fd, .events = events};
    uint64_t now = clock_mono_ms();
    int n;

    do
        n = poll(&p, 1, until > now ? (int)(until - now) : 0);
    while (n < 0 && errno == EINTR);
    return n > 0 ? 0 : -ETIMEDOUT;
}

static ssize_t read_stdin(void *arg, char *to, size_t n)
{
    const uint64_t *until = arg;
    ssize_t got;

    if (ready(STDIN_FILENO, POLLIN, *until) < 0)
        return -ETIMEDOUT;
    got = read(STDIN_FILENO, to, n);
    return got < 0 ? -errno : got;
}

static int write_stdout(struct str s)
{
    uint64_t until = clock_mono_ms() + SERVER_WRITE_MS;
    ssize_t n;

    while (s.n > 0) {
        if (ready(STDOUT_FILENO, POLLOUT, until) < 0)
            return -ETIMEDOUT;
        n = write(STDOUT_FILENO, s.p, s.n);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        s = str_from(s, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

/* Some web servers close the body's descriptor at its end, some leave it open: CONTENT_LENGTH
 * rules where it is given (RFC 3875 4.2), EOF where the body came in chunks. */
static bool until_eof(void)
{
    const char *length = getenv("CONTENT_LENGTH"), *coding = getenv("HTTP_TRANSFER_ENCODING");

    return (!length || !*length) && coding && *coding;
}

static int unavailable(void)
{
    static const char text[] = "Status: 503 Service Unavailable\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Cache-Control: no-store\r\n"
                               "Retry-After: 60\r\n\r\n"
                               "Temporarily unavailable.\n";

    write_stdout(str_make(text, sizeof(text) - 1));
    return EXIT_CONFIG;
}

int cgi_serve(const struct config *cfg, char *const *env)
{
    uint64_t until = clock_mono_ms() + SERVER_BODY_MS;
    struct oneshot_io io = {.read = read_stdin, .arg = &until, .until_eof = until_eof()};
    struct front front;
    struct buf out;
    uv_loop_t loop;
    int rc;

    signal(SIGPIPE, SIG_IGN);
    setenv("UV_USE_IO_URING", "0", 1);
    if (!cfg || harden_no_ring(cfg) < 0 || uv_loop_init(&loop) < 0)
        return unavailable();
    rc = front_open(&front, &loop, cfg);
    if (rc == 0)
        rc = harden_process(cfg, HARDEN_CGI);
    if (rc < 0)
        return unavailable();
    buf_init(&out, 2 * REQ_ANSWER_MAX);
    oneshot_run(&front, env, &io, &out);
    rc = buf_err(&out) < 0 || out.len == 0 ? -ENOMEM : write_stdout(buf_view(&out));
    buf_free(&out);
    front_close(&front);
    child_close_loop(&loop);
    return rc < 0 ? 1 : 0;
}
