/* cli_doctor: checks of an installation, each a line with a name that scripts may rely on. */
#ifndef LM_CLI_DOCTOR_H
#define LM_CLI_DOCTOR_H

#include "cli/cli_store.h"

enum cli_health { CLI_HEALTH_OK, CLI_HEALTH_WARN, CLI_HEALTH_FAIL };

enum { CLI_FINDINGS = 384 };

struct cli_finding {
    const char *check;
    enum cli_health health;
    const char *detail;
};

struct cli_doctor {
    struct cli *c;
    struct arena *a;
    struct cli_finding f[CLI_FINDINGS];
    size_t n;
};

/* check is a literal; the detail is copied. */
void cli_doctor_add(struct cli_doctor *d, const char *check, enum cli_health health,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The groups. */
void cli_doctor_config(struct cli_doctor *d); /* needs no Redis */
void cli_doctor_host(struct cli_doctor *d);   /* keys, directories */
void cli_doctor_redis(struct cli_doctor *d);  /* server, shards, worker, clock, queue */
/* All six invariants over all shards; each violation on stdout. */
enum cli_exit cli_doctor_invariants(struct cli *c);

#endif
