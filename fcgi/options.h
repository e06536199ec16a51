/* options: the command line of lastmile-front. */
#ifndef LM_OPTIONS_H
#define LM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes beside 0 and 1 (sysexits.h has the same numbers). */
enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69, EXIT_CONFIG = 78 };
enum transport { TRANSPORT_UNSET, TRANSPORT_RECORDS, TRANSPORT_FCGI2, TRANSPORT_CGI };
enum { PROCESSES_MAX = 256, THREADS_MAX = 1024 };

struct options {
    const char *config; /* --config, LASTMILE_CONFIG, or the default path */
    bool config_given;
    enum transport transport;
    const char *listen; /* NULL: not given */
    unsigned processes; /* 0: not given */
    bool check;
    const char *escape; /* self-test of the sandbox */
};

/* 0: go on; else *code is the exit code (help, version and usage have been printed). */
int options_parse(int argc, char **argv, struct options *o, int *code);
/* Names of transports as in the configuration; TRANSPORT_UNSET for an unknown one. */
enum transport options_transport(const char *name);
const char *options_transport_name(enum transport t);

#endif
