/* lastmile-front: picks the transport and hands over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "cgi.h"
#include "config/config.h"
#include "front.h"
#include "harden.h"
#include "listen.h"
#include "master.h"
#include "options.h"
#include "reload.h"
#include "route.h"

extern char **environ;

/* A missing descriptor 0 to 2 would be given to the next socket (slowcgi does the same). */
static void fill_standard_fds(void)
{
    struct stat st;
    int fd;

    for (fd = 0; fd <= 2; fd++)
        if (fstat(fd, &st) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            _exit(1);
}

static int check(const struct options *o)
{
    struct config *cfg = reload_first(o->config);
    struct front f = {.cfg = cfg, .base = cfg ? cfg->front.base : ""};
    int rc = cfg && routes_open(&f) == 0 ? 0 : 1;

    routes_close(&f);
    if (rc == 0)
        printf("%s: good\n", o->config);
    config_free(&cfg);
    return rc;
}

static int serve_cgi(const struct options *o)
{
    struct config *cfg = reload_first(o->config);
    int rc = cgi_serve(cfg, environ);

    config_free(&cfg);
    return rc;
}

static mode_t mode_of(const char *octal)
{
    mode_t m = 0;

    for (; *octal >= '0' && *octal <= '7'; octal++)
        m = m * 8 + (mode_t)(*octal - '0');
    return m & 0777;
}

static int bind_own(const struct config *cfg, const char *address)
{
    struct listen_spec spec = {
        .address = address, .mode = mode_of(cfg->front.mode), .group = cfg->front.group};
    char text[64];
    int fd = -1, rc = listen_bind(&spec, &fd);

    if (rc == 0)
        return fd;
    LOG(LOG_ERROR, "front.listen_failed", F("address", address),
        F("error", rc == -EADDRINUSE ? "another program answers there"
                   : rc == -EACCES && !listen_is_unix(address)
                       ? "only loopback: FastCGI has no authentication"
                       : log_errno(rc, text)));
    return -1;
}

/* 0: listens; 1: nowhere to listen; else an exit code. */
static int find_listener(const struct options *o, const struct config *cfg,
                         struct listen_found *found)
{
    const char *address = o->listen;

    if (found->fd >= 0)
        return 0;
    if (!address && listen_is_stdin()) {
        found->fd = STDIN_FILENO;
        return 0;
    }
    if (!address && o->config_given)
        address = cfg->front.listen;
    if (!address || !*address)
        return EXIT_USAGE;
    found->fd = bind_own(cfg, address);
    return found->fd >= 0 ? 0 : EXIT_UNAVAILABLE;
}

static int serve(const struct options *o, struct listen_found *found)
{
    struct master_job job = {.opt = o, .handover = {-1, -1}};
    size_t i;
    int rc;

    job.cfg = reload_first(o->config);
    if (!job.cfg || !reload_may_serve(job.cfg)) {
        config_free(&job.cfg);
        return EXIT_CONFIG;
    }
    log_init("lastmile-front", job.cfg->log_level);
    if (geteuid() == 0)
        LOG(LOG_WARN, "front.runs_as_root");
    rc = find_listener(o, job.cfg, found);
    if (rc == 0 && handover_open(&job.handover) < 0)
        rc = 1;
    if (rc != 0) {
        config_free(&job.cfg);
        return rc;
    }
    job.listen_fd = found->fd;
    for (i = 0; i < found->nkept; i++) {
        handover_send(&job.handover, found->kept[i]);
        close(found->kept[i]);
    }
    rc = master_run(&job);
    handover_close(&job.handover);
    close(found->fd);
    return rc;
}

int main(int argc, char **argv)
{
    static struct listen_found found;
    struct options o;
    int code = 0;

    fill_standard_fds();
    crash_init();
    log_init("lastmile-front", NULL);
    if (options_parse(argc, argv, &o, &code) < 0)
        return code;
    if (crypto_init() < 0)
        return 1;
    if (o.check)
        return check(&o);
    if (o.escape) {
        struct config *cfg = reload_first(o.config);

        code = cfg ? harden_escape(cfg, o.escape) : EXIT_CONFIG;
        config_free(&cfg);
        return code;
    }
    listen_find_passed(&found);
    if (o.transport == TRANSPORT_CGI ||
        (found.fd < 0 && !o.listen && !listen_is_stdin() && getenv("GATEWAY_INTERFACE")))
        return serve_cgi(&o);
    if (found.fd < 0 && !o.listen && !listen_is_stdin() && !o.config_given) {
        fputs("lastmile-front: nothing to listen on\nTry 'lastmile-front --help'.\n", stderr);
        return EXIT_USAGE;
    }
    code = serve(&o, &found);
    if (code == EXIT_USAGE)
        fputs("lastmile-front: nothing to listen on\n", stderr);
    return code;
}
