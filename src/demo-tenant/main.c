/*
 * lastmile-demo-tenant: the program that the demo's environments run. It stands for the seller's
 * own product and shows the contract of the process engine from the other side: descriptor 3 is
 * the listening socket (LISTEN_FDS, LISTEN_PID), cwd is the data directory, TERM means leave.
 *
 *   GET /  page      GET /info.json  the same as JSON      GET /healthz  200 "ok"
 *   POST /count  one more, then 303 back to the page
 *
 * DEMO_FAIL_HEALTH=1 makes /healthz answer 503, to show an update that is rolled back.
 * Without LISTEN_FDS it binds TENANT_SOCKET itself.
 */
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "count.h"
#include "page.h"

#define BODY_MAX 65536

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type,
                             struct str body, const char *location)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.n, (void *)(uintptr_t)(body.p ? body.p : ""), MHD_RESPMEM_MUST_COPY);
    enum MHD_Result ok;

    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    if (location)
        MHD_add_response_header(r, "Location", location);
    ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result text(struct MHD_Connection *c, unsigned status, const char *body)
{
    return reply(c, status, "text/plain; charset=utf-8", str_of(body), NULL);
}

/* "" or "/a/b" of harmless characters; anything else counts as none. */
static struct str prefix_of(struct MHD_Connection *c)
{
    struct str p = str_of(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "X-Forwarded-Prefix"));

    while (p.n && p.p[p.n - 1] == '/')
        p.n--;
    if (p.n > 128 || (p.n && p.p[0] != '/') || str_starts(p, STR("//")))
        return (struct str){NULL, 0};
    for (size_t i = 0; i < p.n; i++) {
        char ch = p.p[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
              ch == '/' || ch == '-' || ch == '_'))
            return (struct str){NULL, 0};
    }
    return p;
}

static enum MHD_Result show(struct MHD_Connection *c, bool json)
{
    struct page_facts f;
    struct buf b;
    char keep[256];
    enum MHD_Result ok;

    page_facts_load(&f, keep, sizeof(keep));
    if (count_read(&f.count))
        return text(c, 500, "the counter cannot be read\n");
    buf_init(&b, BODY_MAX);
    if (json)
        page_json(&f, &b);
    else
        page_html(&f, prefix_of(c), &b);
    ok = buf_err(&b)
             ? text(c, 500, "too large\n")
             : reply(c, 200, json ? "application/json; charset=utf-8" : "text/html; charset=utf-8",
                     buf_view(&b), NULL);
    buf_free(&b);
    return ok;
}

static enum MHD_Result show_page(struct MHD_Connection *c)
{
    return show(c, false);
}

static enum MHD_Result show_json(struct MHD_Connection *c)
{
    return show(c, true);
}

static enum MHD_Result health(struct MHD_Connection *c)
{
    const char *fail = getenv("DEMO_FAIL_HEALTH");

    return fail && strcmp(fail, "1") == 0 ? text(c, 503, "failing on request\n")
                                          : text(c, 200, "ok\n");
}

static enum MHD_Result count(struct MHD_Connection *c)
{
    struct str p = prefix_of(c);
    char to[160];
    uint64_t n;

    if (count_add(&n))
        return text(c, 500, "the counter cannot be written\n");
    snprintf(to, sizeof(to), "%.*s/", STR_FMT(p));
    return reply(c, 303, "text/plain; charset=utf-8", STR("counted\n"), to);
}

static const struct {
    const char *method, *path;
    enum MHD_Result (*run)(struct MHD_Connection *c);
} routes[] = {
    {"GET", "/", show_page},
    {"GET", "/info.json", show_json},
    {"GET", "/healthz", health},
    {"POST", "/count", count},
};

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    static int seen;
    bool path = false;

    (void)arg;
    (void)version;
    (void)data;
    if (*state == NULL) { /* headers only; a body may follow and is thrown away */
        *state = &seen;
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(url, routes[i].path) != 0)
            continue;
        path = true;
        if (strcmp(method, routes[i].method) == 0)
            return routes[i].run(c);
    }
    return path ? text(c, 405, "method not allowed\n") : text(c, 404, "not found\n");
}

/* sd_listen_fds(3) by hand: ours only when LISTEN_PID is us. */
static int listen_socket(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t v;
    int fd;

    if (pid && fds && str_u64(str_of(pid), INT32_MAX, &v) == 0 && (pid_t)v == getpid())
        return strcmp(fds, "0") == 0 ? -EINVAL : 3;
    if (getenv("TENANT_SOCKET") == NULL ||
        str_copy(str_of(getenv("TENANT_SOCKET")), sa.sun_path, sizeof(sa.sun_path)))
        return -EINVAL;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(sa.sun_path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 128))
        return -errno;
    return fd;
}

int main(void)
{
    sigset_t set;
    struct MHD_Daemon *d;
    char why[64];
    int fd, sig;

    log_init("demo-tenant", "info");
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = listen_socket();
    if (fd < 0) {
        LOG(LOG_ERROR, "listen.failed", F("why", log_errno(fd, why)));
        return EXIT_FAILURE;
    }
    d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, handle,
                         NULL, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
                         MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_CONNECTION_LIMIT, 256u,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    if (d == NULL) {
        LOG(LOG_ERROR, "server.failed", F("why", log_errno(errno, why)));
        return EXIT_FAILURE;
    }
    LOG(LOG_INFO, "tenant.started", F("generation", getenv("LASTMILE_GENERATION")));
    sigwait(&set, &sig);
    MHD_stop_daemon(d);
    LOG(LOG_INFO, "tenant.stopped", FI("signal", sig));
    return EXIT_SUCCESS;
}
