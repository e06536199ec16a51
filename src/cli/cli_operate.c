/* retry, suspend, resume, approve, reject, cancel, delete: what an operator wants, written with who
 * and why. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cli_order.h"
#include "cli/cli_wait.h"

enum { ACTOR_MAX = 96, REASON_MAX = 500, CHARGE_MAX = 16 };

struct act {
    const char *verb;
    bool asks;     /* a person is asked unless --yes */
    bool confirms; /* needs --confirm=TENANT */
    bool stops;    /* no charge is to begin from now on */
    const char *done;
};

static const struct act acts[] = {
    {"retry", false, false, false, "will be tried again"},
    {"suspend", true, false, true, "will be suspended"},
    {"resume", false, false, false, "will be resumed"},
    {"approve", false, false, false, "is approved"},
    {"reject", true, false, false, "will be rejected at the marketplace"},
    {"cancel", true, false, true, "will be stopped and held"},
    {"delete", false, true, false, "will be deleted"},
};

static const struct act *find(const char *verb)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
        if (strcmp(acts[i].verb, verb) == 0)
            return &acts[i];
    return NULL;
}

/* Who acts, from the kernel's uid and not from the environment; under sudo, whom sudo names. */
static void actor(char out[ACTOR_MAX])
{
    const char *sudo = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
    uint64_t uid = getuid();
    const struct passwd *pw;

    if (sudo && str_u64(str_of(sudo), UINT32_MAX, &uid))
        uid = getuid();
    pw = getpwuid((uid_t)uid);
    if (pw)
        snprintf(out, ACTOR_MAX, "%s (cli)", pw->pw_name);
    else
        snprintf(out, ACTOR_MAX, "uid %llu (cli)", (unsigned long long)uid);
}

static enum cli_exit check_reason(const struct cli *c)
{
    struct str reason = str_trim(str_of(c->args.value[CLI_F_REASON]));

    if (reason.n == 0)
        return cli_fail(CLI_USAGE, "%s needs --reason TEXT; it stands in the order's history",
                        c->args.verb);
    if (reason.n > REASON_MAX || !str_text(reason))
        return cli_fail(CLI_USAGE, "--reason is one line of at most %d bytes", REASON_MAX);
    return CLI_OK;
}

static enum cli_exit check_confirm(const struct cli *c, const struct act *act, struct str tenant)
{
    const char *given = c->args.value[CLI_F_CONFIRM];

    if (!act->confirms)
        return CLI_OK;
    if (!given)
        return cli_fail(CLI_USAGE, "delete needs --confirm TENANT with the tenant id of the order");
    if (tenant.n == 0)
        return cli_fail(CLI_CONFLICT, "the order has no tenant; use lastmile cancel");
    if (!str_is(tenant, given))
        return cli_fail(CLI_CONFLICT, "\"%s\" is not the tenant of this order; nothing was done",
                        given);
    return CLI_OK;
}

static enum cli_exit ask(const struct cli *c, const struct act *act, const char *id)
{
    char line[16];

    if (!act->asks || cli_given(&c->args, CLI_F_YES))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_fail(CLI_USAGE, "%s asks first; where nobody can answer give --yes", act->verb);
    fprintf(stderr, "%s order %s? [y/N] ", act->verb, id);
    if (!fgets(line, sizeof(line), stdin) || (line[0] != 'y' && line[0] != 'Y'))
        return cli_fail(CLI_FAILED, "nothing was done");
    return CLI_OK;
}

/* What stopping an order means for a charge that has not begun. */
static const char *charge_note(const struct act *act, const char *charge)
{
    static const struct {
        const char *charge, *note;
    } notes[] = {
        {"held", "its charge stays held until it goes on"},
        {"asked",
         "the marketplace was asked to begin the charge: where that was not said yet it is "
         "held back, else you are told when it begins"},
    };

    for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++)
        if (act->stops && strcmp(charge, notes[i].charge) == 0)
            return notes[i].note;
    return NULL;
}

static enum cli_exit report(const struct cli *c, const struct act *act, const char *id,
                            const char *charge)
{
    bool dry = cli_given(&c->args, CLI_F_DRY_RUN);
    const char *note = charge_note(act, charge);
    enum cli_exit code;
    struct jsonw w;
    struct buf b;

    buf_init(&b, 4096);
    jsonw_init(&w, &b);
    if (c->args.format == CLI_TABLE) {
        buf_fmt(&b, "order %s %s%s\n", id, act->done, dry ? " (dry run: nothing was done)" : "");
        if (note)
            buf_fmt(&b, "%s\n", note);
    } else {
        jsonw_obj(&w);
        jsonw_kvs(&w, "order", str_of(id));
        jsonw_kvs(&w, "verb", str_of(act->verb));
        jsonw_kvb(&w, "done", !dry);
        if (charge[0])
            jsonw_kvs(&w, "charge", str_of(charge));
        jsonw_obj_end(&w);
        buf_ch(&b, '\n');
    }
    code = cli_print(&b);
    buf_free(&b);
    return code;
}

/* What is there, whether it is the one that is meant, and whether it is meant. */
static enum cli_exit check(struct cli *c, const struct act *act, unsigned shard, const char *id)
{
    const struct str args[] = {str_of(id)};
    struct cli_rows rows;
    enum cli_exit code;
    int rc = cli_store_call(c, shard, STORE_ORDER_GET, args, 1, &rows);

    if (rc)
        return cli_store_fail(c, rc, "reading the order");
    code = check_confirm(c, act, store_get(&rows.r, "o.tenant"));
    if (code == CLI_OK && !cli_given(&c->args, CLI_F_DRY_RUN))
        code = ask(c, act, id);
    cli_rows_free(&rows);
    return code;
}

/* charge: how that of the order stood at that moment; "" where the channel holds none. */
static enum cli_exit act_on(struct cli *c, const struct act *act, unsigned shard, const char *id,
                            char charge[CHARGE_MAX])
{
    char who[ACTOR_MAX];
    struct str args[] = {
        str_of(id), str_of(act->verb), {NULL, 0}, str_trim(str_of(c->args.value[CLI_F_REASON]))};
    struct cli_rows rows;
    int rc;

    actor(who);
    args[2] = str_of(who);
    rc = cli_store_call(c, shard, STORE_OPERATE, args, 4, &rows);
    if (rc)
        return cli_store_fail(c, rc, act->verb);
    str_copy(store_get(&rows.r, "commit"), charge, CHARGE_MAX);
    cli_rows_free(&rows);
    return CLI_OK;
}

enum cli_exit cli_operate(struct cli *c)
{
    const struct act *act = find(c->args.verb);
    bool dry = cli_given(&c->args, CLI_F_DRY_RUN);
    char id[ID_ORDER], charge[CHARGE_MAX] = "";
    unsigned shard = 0;
    enum cli_exit code = check_reason(c);

    if (code == CLI_OK)
        code = cli_order_id(c, c->args.pos[0], id, &shard);
    if (code == CLI_OK)
        code = check(c, act, shard, id);
    if (code == CLI_OK && !dry)
        code = act_on(c, act, shard, id, charge);
    if (code == CLI_OK)
        code = report(c, act, id, charge);
    if (code == CLI_OK && !dry && cli_given(&c->args, CLI_F_WAIT))
        code = cli_wait(c, shard, id, act->verb);
    return code;
}
