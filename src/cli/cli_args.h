/*
 * cli_args: argv -> one struct, by a table of flags.
 *
 * Flags may stand before or after the verb, as --flag VALUE or --flag=VALUE; "--" ends them. A flag
 * that the verb does not take is an error, so is one that is given twice. Everything points into
 * argv and lives as long as it.
 */
#ifndef LM_CLI_ARGS_H
#define LM_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_POS_MAX = 4 };

enum cli_format { CLI_TABLE, CLI_JSON, CLI_JSONL };

enum cli_flag_id {
    CLI_F_CONFIG,
    CLI_F_OUTPUT,
    CLI_F_HELP,
    CLI_F_VERSION,
    CLI_F_SHOW_PERSONAL,
    CLI_F_STATE,
    CLI_F_CHANNEL,
    CLI_F_LIMIT,
    CLI_F_AFTER,
    CLI_F_FOLLOW,
    CLI_F_REASON,
    CLI_F_YES,
    CLI_F_CONFIRM,
    CLI_F_DRY_RUN,
    CLI_F_WAIT,
    CLI_F_TIMEOUT,
    CLI_F_INVARIANTS,
    CLI_F_SECRET,
    CLI_F_PUBLIC,
    CLI_F_REFERENCE,
    CLI_F_ROLES,
    CLI_FLAGS
};
#define CLI_BIT(f) (1u << (f))

struct cli_flag {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    const char *arg;  /* what the help calls its value; NULL: takes none */
    const char *help;
};

struct cli_args {
    const char *verb; /* NULL: none given */
    const char *pos[CLI_POS_MAX];
    size_t npos;
    unsigned given;               /* CLI_BIT of every flag that was there */
    const char *value[CLI_FLAGS]; /* NULL: not given or takes none */
    enum cli_format format;
    uint64_t limit;      /* --limit, default 50 */
    uint64_t timeout_ms; /* --timeout, default 0 = none */
};

/* Ordered as enum cli_flag_id. */
const struct cli_flag *cli_flag(enum cli_flag_id id);
/* 0, or -EINVAL and a complaint in why. */
int cli_args_parse(int argc, char *const *argv, struct cli_args *out, char *why, size_t cap);
bool cli_given(const struct cli_args *a, enum cli_flag_id id);
/* "90", "90s", "5m", "2h" -> ms. 0 or -EINVAL. */
int cli_args_duration(const char *text, uint64_t *ms);

#endif
