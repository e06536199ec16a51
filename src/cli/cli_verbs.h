/*
 * cli_verbs: the verbs, as one table. What a verb takes, what it does, how it is explained and
 * completed all come from its row; lastmile(8) and the completion are tested against it.
 */
#ifndef LM_CLI_VERBS_H
#define LM_CLI_VERBS_H

#include "cli/cli.h"

enum cli_needs { CLI_NEEDS_NOTHING, CLI_NEEDS_STORE };

struct cli_verb {
    const char *name;
    const char *noun;   /* "order": may be left out where an id follows; NULL: none */
    const char *args;   /* for the synopsis: "ID"; "" none */
    size_t least, most; /* arguments after the noun */
    unsigned flags;     /* CLI_BIT()s beyond those that all verbs take */
    enum cli_needs needs;
    enum cli_exit (*run)(struct cli *c);
    const char *summary;
    const char *examples; /* lines of "  lastmile ..." */
    const char *text;     /* more help, or NULL */
};

const struct cli_verb *cli_verbs(size_t *n);
const struct cli_verb *cli_verb_find(const char *name);
/* The nearest name, or NULL when none is near. */
const char *cli_verb_near(const char *name);
/* Takes the noun out of the arguments and checks their number and the flags. */
enum cli_exit cli_verb_check(const struct cli_verb *v, struct cli_args *a);
void cli_help_all(struct buf *b);
void cli_help_verb(struct buf *b, const struct cli_verb *v);

#endif
