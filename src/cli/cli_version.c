#include "base/json.h"
#include "cli/cli.h"

#ifndef LASTMILE_VERSION
#define LASTMILE_VERSION "0.1.0"
#endif

enum cli_exit cli_version(struct cli *c)
{
    enum cli_exit code;
    struct jsonw w;
    struct buf b;

    buf_init(&b, 256);
    jsonw_init(&w, &b);
    if (c->args.format == CLI_TABLE) {
        buf_cat(&b, "lastmile " LASTMILE_VERSION "\n");
    } else {
        jsonw_obj(&w);
        jsonw_kvs(&w, "version", STR(LASTMILE_VERSION));
        jsonw_obj_end(&w);
        buf_ch(&b, '\n');
    }
    code = cli_print(&b);
    buf_free(&b);
    return code;
}
