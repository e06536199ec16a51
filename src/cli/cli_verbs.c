#include "cli/cli_verbs.h"

#include <string.h>

#define B            CLI_BIT
#define COMMON_FLAGS (B(CLI_F_CONFIG) | B(CLI_F_HELP) | B(CLI_F_VERSION))
#define READ_FLAGS   (B(CLI_F_OUTPUT) | B(CLI_F_SHOW_PERSONAL) | B(CLI_F_TIMEOUT))
#define ACT_FLAGS                                                                                  \
    (B(CLI_F_REASON) | B(CLI_F_YES) | B(CLI_F_DRY_RUN) | B(CLI_F_WAIT) | B(CLI_F_TIMEOUT) |        \
     B(CLI_F_OUTPUT))

#define ID_TEXT                                                                                    \
    "ID is an order id or its beginning, at least 8 characters after the dash, as far\n"           \
    "as it is unique.\n"

static const struct cli_verb verbs[] = {
    {"get", "orders", "", 0, 0, READ_FLAGS | B(CLI_F_STATE) | B(CLI_F_CHANNEL) | B(CLI_F_LIMIT),
     CLI_NEEDS_STORE, cli_get, "list orders, newest first",
     "  lastmile get orders\n"
     "  lastmile get orders --state failed\n"
     "  lastmile get orders --state paying_not_provisioned -o json\n",
     "STATE is a state of the fulfilment (ready, failed, ...), of the contract (active, ...)\n"
     "or a quadrant (healthy, onboarding, paying_not_provisioned, serving_not_billed, closed).\n"},
    {"describe", "order", "ID", 1, 1, READ_FLAGS, CLI_NEEDS_STORE, cli_describe,
     "everything about one order",
     "  lastmile describe order o0-mfrggzdf\n"
     "  lastmile describe order o0-mfrggzdf -o json --show-personal\n",
     ID_TEXT},
    {"events", "order", "ID", 1, 1, READ_FLAGS | B(CLI_F_AFTER) | B(CLI_F_FOLLOW) | B(CLI_F_LIMIT),
     CLI_NEEDS_STORE, cli_events, "the history of one order",
     "  lastmile events o0-mfrggzdf\n"
     "  lastmile events o0-mfrggzdf -f\n"
     "  lastmile events o0-mfrggzdf --after 1763860000000-0 -o jsonl\n",
     ID_TEXT},
    {"retry", "order", "ID", 1, 1, ACT_FLAGS, CLI_NEEDS_STORE, cli_operate,
     "try again what failed or is stuck",
     "  lastmile retry order o0-mfrggzdf --reason 'quota was raised' --wait --timeout 5m\n",
     ID_TEXT},
    {"suspend", "order", "ID", 1, 1, ACT_FLAGS, CLI_NEEDS_STORE, cli_operate,
     "stop the environment, keep its data",
     "  lastmile suspend order o0-mfrggzdf --reason 'abuse report 4711'\n", ID_TEXT},
    {"resume", "order", "ID", 1, 1, ACT_FLAGS, CLI_NEEDS_STORE, cli_operate,
     "start a suspended environment again",
     "  lastmile resume order o0-mfrggzdf --reason 'report was wrong'\n", ID_TEXT},
    {"approve", "order", "ID", 1, 1, ACT_FLAGS, CLI_NEEDS_STORE, cli_operate,
     "let an order begin that waits for you (commit: manual)",
     "  lastmile approve order o0-mfrggzdf --reason 'credit check passed'\n", ID_TEXT},
    {"reject", "order", "ID", 1, 1, ACT_FLAGS, CLI_NEEDS_STORE, cli_operate,
     "refuse an order whose charge is still held",
     "  lastmile reject order o0-mfrggzdf --reason 'embargoed country'\n",
     ID_TEXT "The marketplace is told, nothing is charged, and what was made already goes.\n"},
    {"cancel", "order", "ID", 1, 1, ACT_FLAGS, CLI_NEEDS_STORE, cli_operate,
     "stop the work on an order and hold it for a person",
     "  lastmile cancel order o0-mfrggzdf --reason 'wrong region'\n",
     ID_TEXT
     "retry or resume lets it go on. The contract is ended at the marketplace, not here.\n"},
    {"delete", "order", "ID", 1, 1, ACT_FLAGS | B(CLI_F_CONFIRM), CLI_NEEDS_STORE, cli_operate,
     "delete the environment now",
     "  lastmile delete order o0-mfrggzdf --reason 'test order' --confirm t0-k5uxg2lom4\n",
     ID_TEXT "--confirm takes the whole tenant id that `lastmile describe order ID` shows.\n"
             "A charge that is held is rejected; a subscription that runs is cancelled where\n"
             "the marketplace lets a seller do that (Microsoft); elsewhere a mail says that it\n"
             "runs on.\n"},
    {"check-config", NULL, "[FILE]", 0, 1, B(CLI_F_REFERENCE) | B(CLI_F_ROLES), CLI_NEEDS_NOTHING,
     cli_check_config, "check the configuration and say what each plan would do",
     "  lastmile check-config\n"
     "  lastmile check-config ./lastmile.yaml\n"
     "  runuser -u lastmile-market -- lastmile check-config --roles market\n"
     "  lastmile check-config --reference\n",
     "With --roles the secrets of these roles of the worker are read as the user who asks,\n"
     "and those of the others are left alone.\n"},
    {"doctor", NULL, "", 0, 0, B(CLI_F_OUTPUT) | B(CLI_F_TIMEOUT) | B(CLI_F_INVARIANTS),
     CLI_NEEDS_NOTHING, cli_doctor, "check the installation",
     "  lastmile doctor\n"
     "  lastmile doctor --invariants\n",
     "Exit code 0 when nothing failed; warnings do not count.\n"},
    {"stats", NULL, "", 0, 0, B(CLI_F_OUTPUT) | B(CLI_F_TIMEOUT), CLI_NEEDS_STORE, cli_stats,
     "how many orders and tasks are in which state", "  lastmile stats\n  lastmile stats -o json\n",
     NULL},
    {"keygen", NULL, "", 0, 0, B(CLI_F_SECRET) | B(CLI_F_PUBLIC), CLI_NEEDS_NOTHING, cli_keygen,
     "make the pair of keys that seals purchase tokens",
     "  lastmile keygen --secret seal.key --public seal.pub\n",
     "Neither file is overwritten. The front reads the public key, the market role the secret "
     "one.\n"},
    {"version", NULL, "", 0, 0, B(CLI_F_OUTPUT), CLI_NEEDS_NOTHING, cli_version,
     "print the version", "  lastmile version\n", NULL},
    {"help", NULL, "[VERB]", 0, 1, 0, CLI_NEEDS_NOTHING, cli_help, "explain a verb",
     "  lastmile help describe\n", NULL},
};

const struct cli_verb *cli_verbs(size_t *n)
{
    *n = sizeof(verbs) / sizeof(*verbs);
    return verbs;
}

const struct cli_verb *cli_verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

const char *cli_verb_near(const char *name)
{
    const char *best = NULL;
    unsigned least = 3;

    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        unsigned d = str_distance(str_of(name), str_of(verbs[i].name));

        if (d < least) {
            least = d;
            best = verbs[i].name;
        }
    }
    return best;
}

/* "order" and "orders" alike. */
static bool is_noun(const char *arg, const char *noun)
{
    struct str a = str_of(arg), b = str_of(noun);

    if (str_ends(a, STR("s")))
        a.n--;
    if (str_ends(b, STR("s")))
        b.n--;
    return str_eq(a, b);
}

static enum cli_exit drop_noun(const struct cli_verb *v, struct cli_args *a)
{
    if (!v->noun)
        return CLI_OK;
    if (a->npos && is_noun(a->pos[0], v->noun)) {
        a->npos--;
        memmove(a->pos, a->pos + 1, a->npos * sizeof(*a->pos));
        return CLI_OK;
    }
    if (a->npos > v->most)
        return cli_fail(CLI_USAGE, "\"%s\": there are only %s here: lastmile %s %s%s%s", a->pos[0],
                        "orders", v->name, v->noun, *v->args ? " " : "", v->args);
    return CLI_OK;
}

enum cli_exit cli_verb_check(const struct cli_verb *v, struct cli_args *a)
{
    unsigned extra = a->given & ~(v->flags | COMMON_FLAGS);
    enum cli_exit code = drop_noun(v, a);

    if (code)
        return code;
    for (int i = 0; i < CLI_FLAGS; i++)
        if (extra & B(i))
            return cli_fail(CLI_USAGE, "%s takes no --%s; see lastmile help %s", v->name,
                            cli_flag((enum cli_flag_id)i)->name, v->name);
    if (a->npos < v->least)
        return cli_fail(CLI_USAGE, "usage: lastmile %s%s%s %s", v->name, v->noun ? " " : "",
                        v->noun ? v->noun : "", v->args);
    if (a->npos > v->most)
        return cli_fail(CLI_USAGE, "\"%s\" is one argument too many; see lastmile help %s",
                        a->pos[v->most], v->name);
    return CLI_OK;
}
