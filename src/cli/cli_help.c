#include "cli/cli_verbs.h"
#include <stdio.h>

void cli_help_all(struct buf *b)
{
    size_t n;
    const struct cli_verb *v = cli_verbs(&n);

    buf_cat(b, "lastmile - operate marketplace orders and what they deploy\n\n"
               "Examples\n"
               "  lastmile get orders --state failed\n"
               "  lastmile describe order o0-mfrggzdf\n"
               "  lastmile retry order o0-mfrggzdf --reason 'quota was raised' --wait\n"
               "  lastmile doctor\n\n"
               "Usage\n"
               "  lastmile [--config FILE] VERB [NOUN] [ID] [flags]\n\n"
               "Verbs\n");
    for (size_t i = 0; i < n; i++)
        buf_fmt(b, "  %-13s %s\n", v[i].name, v[i].summary);
    buf_cat(b, "\n`lastmile help VERB` explains one. Exit codes: 0 ok, 1 failed, 2 usage, "
               "3 not found,\n4 auth, 5 conflict, 124 timed out, 130 interrupted. "
               "Manual: lastmile(8).\n");
}

static void put_flag(struct buf *b, const struct cli_flag *f)
{
    char left[40];
    int n = snprintf(left, sizeof(left), "%c%c%s --%s%s%s", f->letter ? '-' : ' ',
                     f->letter ? f->letter : ' ', f->letter ? "," : " ", f->name, f->arg ? " " : "",
                     f->arg ? f->arg : "");

    if (n > 0)
        buf_fmt(b, "  %-24s %s\n", left, f->help);
}

void cli_help_verb(struct buf *b, const struct cli_verb *v)
{
    buf_fmt(b, "lastmile %s - %s\n\nExamples\n%s\nUsage\n  lastmile %s%s%s%s%s [flags]\n", v->name,
            v->summary, v->examples, v->name, v->noun ? " " : "", v->noun ? v->noun : "",
            *v->args ? " " : "", v->args);
    if (v->text)
        buf_fmt(b, "\n%s", v->text);
    buf_cat(b, "\nFlags\n");
    for (int i = 0; i < CLI_FLAGS; i++)
        if ((v->flags | CLI_BIT(CLI_F_CONFIG) | CLI_BIT(CLI_F_HELP)) & CLI_BIT(i))
            put_flag(b, cli_flag((enum cli_flag_id)i));
}

enum cli_exit cli_help(struct cli *c)
{
    const struct cli_verb *v = NULL;
    enum cli_exit code;
    struct buf b;

    if (c->args.npos) {
        const char *near = cli_verb_near(c->args.pos[0]);

        v = cli_verb_find(c->args.pos[0]);
        if (!v)
            return cli_fail(CLI_USAGE, "there is no verb \"%s\"%s%s%s", c->args.pos[0],
                            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    buf_init(&b, 65536);
    if (v)
        cli_help_verb(&b, v);
    else
        cli_help_all(&b);
    code = cli_print(&b);
    buf_free(&b);
    return code;
}
