/* check-config: every complaint with its place, and what each plan would do. Files that this
 * machine lacks are complaints too, but do not hide the plans: a file is often written somewhere
 * else. */
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

static enum cli_exit check(struct cli *c, struct buf *b)
{
    enum cli_exit code = cli_config_open(c);
    int rc;

    if (code)
        return code;
    rc = config_check_files(c->cfg, b);
    if (rc)
        cli_config_tell(b);
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
