#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "harden.h"

#ifndef LASTMILE_VERSION
#define LASTMILE_VERSION "0.1.0"
#endif
#ifndef LASTMILE_CONFIG_PATH
#define LASTMILE_CONFIG_PATH "/etc/lastmile/lastmile.yaml"
#endif

static const char help[] =
    "Usage: lastmile-front [options]\n"
    "Answers the web server: landing, registration, status, API, webhooks.\n"
    "\n"
    "  --config FILE      configuration (default: $LASTMILE_CONFIG, else\n"
    "                     " LASTMILE_CONFIG_PATH ")\n"
    "  --transport NAME   records (default), fcgi2 or cgi\n"
    "  --listen ADDRESS   unix socket path, or 127.0.0.1:PORT\n"
    "  --processes N      processes on one listener\n"
    "  --check            check the configuration and leave: 0 good, 1 not\n"
    "  -V, --version      version and build\n"
    "  -h, --help         this text\n"
    "\n"
    "The listener comes from, in this order: LISTEN_FDS (socket activation), --listen,\n"
    "a listening descriptor 0, plain CGI when GATEWAY_INTERFACE is set, front.listen of\n"
    "the configuration given with --config.\n"
    "Signals: TERM stops, HUP reads the configuration again.\n";

static const struct {
    const char *name;
    enum transport t;
} transports[] = {
    {"records", TRANSPORT_RECORDS}, {"fcgi2", TRANSPORT_FCGI2}, {"cgi", TRANSPORT_CGI}};

enum transport options_transport(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
        if (str_is(str_of(name), transports[i].name))
            return transports[i].t;
    return TRANSPORT_UNSET;
}

const char *options_transport_name(enum transport t)
{
    size_t i;

    for (i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
        if (transports[i].t == t)
            return transports[i].name;
    return "";
}

enum { O_CONFIG = 256, O_TRANSPORT, O_LISTEN, O_PROCESSES, O_CHECK, O_ESCAPE };

static const struct option table[] = {
    {"config", required_argument, NULL, O_CONFIG},
    {"transport", required_argument, NULL, O_TRANSPORT},
    {"listen", required_argument, NULL, O_LISTEN},
    {"processes", required_argument, NULL, O_PROCESSES},
    {"check", no_argument, NULL, O_CHECK},
    {"selftest-escape", required_argument, NULL, O_ESCAPE},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int usage(const char *what, const char *value, int *code)
{
    fprintf(stderr, "lastmile-front: %s%s%s\nTry 'lastmile-front --help'.\n", what,
            *value ? ": " : "", value);
    *code = EXIT_USAGE;
    return -EINVAL;
}

static int one(int c, struct options *o, int *code)
{
    uint64_t n;

    switch (c) {
    case O_CONFIG:
        o->config = optarg;
        o->config_given = true;
        return 0;
    case O_TRANSPORT:
        o->transport = options_transport(optarg);
        return o->transport ? 0 : usage("unknown transport", optarg, code);
    case O_LISTEN:
        o->listen = optarg;
        return 0;
    case O_PROCESSES:
        if (str_u64(str_of(optarg), PROCESSES_MAX, &n) < 0 || n == 0)
            return usage("--processes takes 1 to 256", optarg, code);
        o->processes = (unsigned)n;
        return 0;
    case O_CHECK:
        o->check = true;
        return 0;
    case O_ESCAPE:
        o->escape = optarg;
        return 0;
    case 'V':
        puts("lastmile-front " LASTMILE_VERSION);
        puts(harden_has_sandbox() ? "sandbox: seccomp, landlock"
                                  : "sandbox: none (built with sanitizers)");
        break;
    case 'h':
        fputs(help, stdout);
        break;
    default:
        return usage("unknown or incomplete option", "", code);
    }
    *code = fflush(stdout) == 0 ? 0 : 1;
    return -ECANCELED;
}

int options_parse(int argc, char **argv, struct options *o, int *code)
{
    const char *env = getenv("LASTMILE_CONFIG");
    int c, rc;

    *o = (struct options){.config = env && *env ? env : LASTMILE_CONFIG_PATH};
    opterr = 0;
    optind = 1;
    for (;;) {
        c = getopt_long(argc, argv, "Vh", table, NULL);
        if (c < 0)
            break;
        rc = one(c, o, code);
        if (rc < 0)
            return rc;
    }
    if (optind < argc)
        return usage("unexpected argument", argv[optind], code);
    return 0;
}
