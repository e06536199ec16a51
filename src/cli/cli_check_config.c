/* check-config: every complaint with its place, and what each plan would do. Files that this
 * machine lacks are complaints too, but do not hide the plans: a file is often written somewhere
 * else. */
#include "base/file.h"
#include "cli/cli_config.h"
#include "cli/cli_text.h"

enum { OUT_MAX = 4 << 20 };

/* The explanation quotes titles from the file: lines stay, the rest is made harmless. */
static enum cli_exit print_safe(const struct buf *b)
{
    struct str rest = buf_view(b);
    enum cli_exit code;
    struct buf out;

    buf_init(&out, OUT_MAX);
    while (rest.n) {
        cli_text_safe(&out, str_cut(rest, '\n', &rest));
        buf_ch(&out, '\n');
    }
    code = cli_print(&out);
    buf_free(&out);
    return code;
}

/* Only the processes of a unit see its credentials. */
static void tell_credential(void *arg, const struct cfg_secret *s)
{
    const unsigned *readers = arg;

    if (s->credential[0] && !file_credentials() && (!*readers || (s->readers & *readers)))
        cli_say("%s: '%s' is a credential of the unit: not looked at", s->key, s->credential);
}

static enum cli_exit check(struct cli *c, struct buf *b)
{
    unsigned readers = 0;
    enum cli_exit code;
    int rc;

    if (cli_given(&c->args, CLI_F_ROLES) &&
        config_roles(str_of(c->args.value[CLI_F_ROLES]), &readers))
        return cli_fail(CLI_USAGE, "--roles is a list of market, deploy, notify");
    code = cli_config_open(c);
    if (code)
        return code;
    rc = config_check_files(c->cfg, readers, b);
    if (rc)
        cli_config_tell(b);
    config_secrets(c->cfg, tell_credential, &readers);
    buf_reset(b);
    config_explain(c->cfg, b);
    code = print_safe(b);
    return rc ? CLI_FAILED : code;
}

enum cli_exit cli_check_config(struct cli *c)
{
    enum cli_exit code;
    struct buf b;

    if (c->args.npos && cli_given(&c->args, CLI_F_CONFIG))
        return cli_fail(CLI_USAGE, "give the file once: as an argument or as --config");
    if (c->args.npos) {
        c->args.given |= CLI_BIT(CLI_F_CONFIG);
        c->args.value[CLI_F_CONFIG] = c->args.pos[0];
    }
    buf_init(&b, OUT_MAX);
    if (cli_given(&c->args, CLI_F_REFERENCE)) {
        config_reference(&b);
        code = cli_print(&b);
    } else {
        code = check(c, &b);
    }
    buf_free(&b);
    return code;
}
