/*
 * cli: the operator's command. One verb per run, one connection, one loop.
 *
 * Data goes to stdout and messages to stderr; what a program reads (-o json, jsonl) has the keys
 * that lastmile(8) documents, and they stay. A verb returns the exit code and has already told
 * the operator why. Everything hangs on struct cli, which lives in main().
 *
 * Nothing here trusts what a buyer or a marketplace wrote: text for a terminal goes through
 * cli_text.h, text for a program through the JSON writer.
 */
#ifndef LM_CLI_H
#define LM_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <uv.h>

#include "cli/cli_args.h"
#include "config/config.h"
#include "store/store.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_AUTH = 4,
    CLI_CONFLICT = 5,
    CLI_TIMED_OUT = 124,
    CLI_INTERRUPTED = 130
};

struct cli {
    struct cli_args args;
    struct config *cfg;  /* NULL for verbs that need none */
    struct store *store; /* NULL for verbs that need none */
    uv_loop_t loop;
    uv_signal_t on_int, on_term;
    uv_timer_t timer;
    bool loop_open, interrupted, timer_fired;
    bool tty;      /* stdout is a terminal */
    bool color;    /* and wants colours */
    size_t width;  /* columns of it; 0 = do not cut */
    int64_t limit; /* monotonic ms at which --timeout has passed; 0 = none */
};

/* "lastmile: text" on stderr, control characters made visible. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, and returns code: return cli_fail(CLI_USAGE, "..."). */
enum cli_exit cli_fail(enum cli_exit code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Writes to stdout, all of it. CLI_FAILED when stdout is gone or full. */
enum cli_exit cli_print(const struct buf *b);
/* NO_COLOR, TERM, COLUMNS and the window decide. */
void cli_terminal(struct cli *c);

/* The verbs, one file each (cli_<verb>.c). */
enum cli_exit cli_get(struct cli *c);
enum cli_exit cli_describe(struct cli *c);
enum cli_exit cli_events(struct cli *c);
enum cli_exit cli_operate(struct cli *c);
enum cli_exit cli_check_config(struct cli *c);
enum cli_exit cli_doctor(struct cli *c);
enum cli_exit cli_keygen(struct cli *c);
enum cli_exit cli_stats(struct cli *c);
enum cli_exit cli_version(struct cli *c);
enum cli_exit cli_help(struct cli *c);

#endif
