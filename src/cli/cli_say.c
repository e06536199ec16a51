#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_text.h"

enum { SAY_MAX = 16384, WIDTH_DEFAULT = 80, WIDTH_LEAST = 20, WIDTH_MOST = 1000 };

static void vsay(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void vsay(const char *fmt, va_list ap)
{
    struct buf raw, safe;

    buf_init(&raw, SAY_MAX);
    buf_init(&safe, 4 * SAY_MAX);
    buf_vfmt(&raw, fmt, ap);
    cli_text_safe(&safe, buf_view(&raw));
    fprintf(stderr, "lastmile: %s\n", buf_cstr(&safe));
    buf_free(&raw);
    buf_free(&safe);
}

void cli_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
}

enum cli_exit cli_fail(enum cli_exit code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
    return code;
}

enum cli_exit cli_print(const struct buf *b)
{
    size_t done = 0;

    if (buf_err(b))
        return cli_fail(CLI_FAILED, "the answer is too large; use --limit");
    while (done < b->len) {
        ssize_t n = write(STDOUT_FILENO, b->p + done, b->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE)
            return CLI_FAILED;
        if (n < 0)
            return cli_fail(CLI_FAILED, "cannot write the answer");
        done += (size_t)n;
    }
    return CLI_OK;
}

static size_t columns(void)
{
    const char *env = getenv("COLUMNS");
    struct winsize ws;
    uint64_t n;

    if (env && str_u64(str_of(env), WIDTH_MOST, &n) == 0 && n >= WIDTH_LEAST)
        return (size_t)n;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= WIDTH_LEAST)
        return ws.ws_col;
    return WIDTH_DEFAULT;
}

void cli_terminal(struct cli *c)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    c->tty = isatty(STDOUT_FILENO) == 1;
    c->color = c->tty && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
    c->width = c->tty ? columns() : 0;
}
