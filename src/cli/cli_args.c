#include "cli/cli_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 100000 };

static const struct cli_flag flags[CLI_FLAGS] = {
    [CLI_F_CONFIG] = {"config", 'c', "FILE", "configuration file"},
    [CLI_F_OUTPUT] = {"output", 'o', "FORMAT", "table, json or jsonl"},
    [CLI_F_HELP] = {"help", 'h', NULL, "this text"},
    [CLI_F_VERSION] = {"version", 'V', NULL, "print the version"},
    [CLI_F_SHOW_PERSONAL] = {"show-personal", 0, NULL, "do not mask e-mail addresses and accounts"},
    [CLI_F_STATE] = {"state", 's', "STATE", "only orders in this state or quadrant"},
    [CLI_F_CHANNEL] = {"channel", 0, "CHANNEL", "only orders from this channel"},
    [CLI_F_LIMIT] = {"limit", 'n', "N", "at most N (default 50, 0 = all)"},
    [CLI_F_AFTER] = {"after", 0, "EVENT", "only what came after this event id"},
    [CLI_F_FOLLOW] = {"follow", 'f', NULL, "keep printing what happens"},
    [CLI_F_REASON] = {"reason", 'r', "TEXT", "why; stands in the order's history"},
    [CLI_F_YES] = {"yes", 'y', NULL, "do not ask"},
    [CLI_F_CONFIRM] = {"confirm", 0, "TENANT", "the tenant id, to prove which one is meant"},
    [CLI_F_DRY_RUN] = {"dry-run", 0, NULL, "say what would be done and stop"},
    [CLI_F_WAIT] = {"wait", 'w', NULL, "wait until it is done"},
    [CLI_F_TIMEOUT] = {"timeout", 0, "TIME", "how long to wait: 90s, 5m, 1h"},
    [CLI_F_INVARIANTS] = {"invariants", 0, NULL, "check every record against the invariants"},
    [CLI_F_SECRET] = {"secret", 0, "FILE", "where the secret key goes (mode 0600)"},
    [CLI_F_PUBLIC] = {"public", 0, "FILE", "where the public key goes"},
    [CLI_F_REFERENCE] = {"reference", 0, NULL, "print every configuration key"},
    [CLI_F_ROLES] = {"roles", 0, "ROLE,...", "market, deploy, notify: try to read their secrets"},
};

const struct cli_flag *cli_flag(enum cli_flag_id id)
{
    return &flags[id];
}

bool cli_given(const struct cli_args *a, enum cli_flag_id id)
{
    return (a->given & CLI_BIT(id)) != 0;
}

int cli_args_duration(const char *text, uint64_t *ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
    struct str s = str_of(text);

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        struct str unit = str_of(units[i].unit);
        uint64_t n;

        if (!str_ends(s, unit) || str_u64(str_sub(s, 0, s.n - unit.n), 1000000, &n))
            continue;
        *ms = n * units[i].ms;
        return 0;
    }
    return -EINVAL;
}

static int take_format(struct cli_args *a, const char *v)
{
    static const char *const names[] = {"table", "json", "jsonl"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(v, names[i]) == 0) {
            a->format = (enum cli_format)i;
            return 0;
        }
    return -EINVAL;
}

/* Flags whose value is more than text. */
static int take_typed(struct cli_args *a, enum cli_flag_id id, const char *v)
{
    switch (id) {
    case CLI_F_OUTPUT:
        return take_format(a, v);
    case CLI_F_LIMIT:
        if (str_u64(str_of(v), LIMIT_MAX, &a->limit))
            return -EINVAL;
        if (a->limit == 0)
            a->limit = LIMIT_MAX;
        return 0;
    case CLI_F_TIMEOUT:
        return cli_args_duration(v, &a->timeout_ms);
    default:
        return 0;
    }
}

static int find_flag(struct str name, bool letter)
{
    for (int i = 0; i < CLI_FLAGS; i++)
        if (letter ? flags[i].letter && name.n == 1 && name.p[0] == flags[i].letter
                   : str_is(name, flags[i].name))
            return i;
    return -1;
}

static int near_flag(struct str name)
{
    int best = -1;
    unsigned least = 3;

    for (int i = 0; i < CLI_FLAGS; i++) {
        unsigned d = str_distance(name, str_of(flags[i].name));

        if (d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}

static int refuse_flag(struct str name, const char *arg, char *why, size_t cap)
{
    int near = near_flag(name);

    if (near >= 0)
        snprintf(why, cap, "there is no flag %s; did you mean --%s?", arg, flags[near].name);
    else
        snprintf(why, cap, "there is no flag %s", arg);
    return -EINVAL;
}

/* One flag at argv[*i]; moves *i over its value. */
static int parse_flag(char *const *argv, int argc, int *i, struct cli_args *a, char *why,
                      size_t cap)
{
    const char *arg = argv[*i], *eq = strchr(arg, '=');
    bool letter = arg[1] != '-';
    size_t skip = letter ? 1 : 2, len = eq ? (size_t)(eq - arg) - skip : strlen(arg) - skip;
    struct str name = str_make(arg + skip, len);
    const char *value = eq ? eq + 1 : NULL;
    int id = find_flag(name, letter);

    if (id < 0)
        return refuse_flag(name, arg, why, cap);
    if (cli_given(a, (enum cli_flag_id)id)) {
        snprintf(why, cap, "--%s is there twice", flags[id].name);
        return -EINVAL;
    }
    if (!flags[id].arg && value) {
        snprintf(why, cap, "--%s takes no value", flags[id].name);
        return -EINVAL;
    }
    if (flags[id].arg && !value) {
        if (*i + 1 >= argc) {
            snprintf(why, cap, "--%s needs a value (%s)", flags[id].name, flags[id].arg);
            return -EINVAL;
        }
        value = argv[++*i];
    }
    a->given |= CLI_BIT(id);
    a->value[id] = value;
    if (value && take_typed(a, (enum cli_flag_id)id, value)) {
        snprintf(why, cap, "--%s cannot be \"%s\": %s", flags[id].name, value, flags[id].help);
        return -EINVAL;
    }
    return 0;
}

int cli_args_parse(int argc, char *const *argv, struct cli_args *out, char *why, size_t cap)
{
    bool open = true;

    *out = (struct cli_args){.format = CLI_TABLE, .limit = LIMIT_DEFAULT};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];

        if (open && strcmp(arg, "--") == 0) {
            open = false;
        } else if (open && arg[0] == '-' && arg[1] != '\0') {
            int rc = parse_flag(argv, argc, &i, out, why, cap);

            if (rc)
                return rc;
        } else if (!out->verb) {
            out->verb = arg;
        } else if (out->npos < CLI_POS_MAX) {
            out->pos[out->npos++] = arg;
        } else {
            snprintf(why, cap, "\"%s\" is one argument too many", arg);
            return -EINVAL;
        }
    }
    return 0;
}
