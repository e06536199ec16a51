/* lastmile: the operator's command. See lastmile(8). */
#include <signal.h>

#include "base/crash.h"
#include "base/hash.h"
#include "cli/cli_config.h"
#include "cli/cli_store.h"
#include "cli/cli_verbs.h"

static enum cli_exit no_verb(struct cli *c)
{
    if (cli_given(&c->args, CLI_F_VERSION))
        return cli_version(c);
    if (cli_given(&c->args, CLI_F_HELP))
        return cli_help(c);
    cli_say("which verb? The most used: get orders, describe order ID, events ID, doctor");
    return cli_fail(CLI_USAGE, "`lastmile help` lists them all");
}

static enum cli_exit unknown_verb(const char *name)
{
    const char *near = cli_verb_near(name);

    if (near)
        return cli_fail(CLI_USAGE, "there is no verb \"%s\"; did you mean %s?", name, near);
    return cli_fail(CLI_USAGE, "there is no verb \"%s\"; `lastmile help` lists them", name);
}

static enum cli_exit help_for(struct cli *c)
{
    c->args.pos[0] = c->args.verb;
    c->args.npos = 1;
    return cli_help(c);
}

static enum cli_exit run(struct cli *c)
{
    const struct cli_verb *v;
    enum cli_exit code;

    if (!c->args.verb)
        return no_verb(c);
    v = cli_verb_find(c->args.verb);
    if (!v)
        return unknown_verb(c->args.verb);
    if (cli_given(&c->args, CLI_F_HELP))
        return help_for(c);
    code = cli_verb_check(v, &c->args);
    if (code == CLI_OK && v->needs == CLI_NEEDS_STORE)
        code = cli_store_open(c);
    return code ? code : v->run(c);
}

int main(int argc, char **argv)
{
    struct cli c = {.cfg = NULL};
    enum cli_exit code;
    char why[256];

    signal(SIGPIPE, SIG_IGN);
    crash_init();
    cli_terminal(&c);
    if (crypto_init())
        return cli_fail(CLI_FAILED, "libsodium does not start");
    if (cli_args_parse(argc, argv, &c.args, why, sizeof(why)))
        return cli_fail(CLI_USAGE, "%s", why);
    code = run(&c);
    cli_store_close(&c);
    config_free(&c.cfg);
    return code;
}
