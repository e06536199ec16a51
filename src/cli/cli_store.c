#include "cli/cli_store.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli_config.h"

enum { ROWS_MAX = 64 << 20, WHY_MAX = 64 << 10 };

struct call {
    struct cli_rows *out; /* NULL: nobody waits any more */
    struct cli *cli;
    int rc;
    bool done;
};

static void on_signal(uv_signal_t *h, int signum)
{
    struct cli *c = h->data;

    (void)signum;
    c->interrupted = true;
    uv_stop(&c->loop);
}

static void on_timer(uv_timer_t *h)
{
    struct cli *c = h->data;

    c->timer_fired = true;
    uv_stop(&c->loop);
}

static int open_loop(struct cli *c)
{
    int rc = uv_loop_init(&c->loop);

    if (rc)
        return rc;
    c->loop_open = true;
    c->on_int.data = c->on_term.data = c->timer.data = c;
    uv_signal_init(&c->loop, &c->on_int);
    uv_signal_init(&c->loop, &c->on_term);
    uv_timer_init(&c->loop, &c->timer);
    rc = uv_signal_start(&c->on_int, on_signal, SIGINT);
    if (rc == 0)
        rc = uv_signal_start(&c->on_term, on_signal, SIGTERM);
    if (c->args.timeout_ms)
        c->limit = (int64_t)(clock_mono_ms() + c->args.timeout_ms);
    return rc;
}

enum cli_exit cli_store_open(struct cli *c)
{
    char text[64];
    struct buf why;
    enum cli_exit code = cli_config_open(c);
    int rc;

    if (code)
        return code;
    rc = open_loop(c);
    if (rc)
        return cli_fail(CLI_FAILED, "no event loop: %s", uv_strerror(rc));
    rc = store_open(&c->loop, &c->cfg->redis, STORE_CLI, &c->store);
    if (rc == -EACCES || rc == -EPERM)
        return cli_fail(CLI_AUTH, "may not read the password of Redis: %s", log_errno(rc, text));
    if (rc == 0)
        return CLI_OK;
    buf_init(&why, WHY_MAX);
    if (config_check_secrets(c->cfg, CFG_CLI, &why))
        cli_config_tell(&why);
    buf_free(&why);
    return cli_fail(CLI_FAILED, "cannot use Redis: %s", log_errno(rc, text));
}

void cli_store_close(struct cli *c)
{
    if (!c->loop_open)
        return;
    if (c->store)
        store_close(&c->store);
    uv_close((uv_handle_t *)&c->on_int, NULL);
    uv_close((uv_handle_t *)&c->on_term, NULL);
    uv_close((uv_handle_t *)&c->timer, NULL);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    c->loop_open = false;
}

static struct str keep(struct arena *a, struct str s)
{
    return s.n ? arena_str(a, s) : str_of(NULL);
}

static int copy_rows(const struct store_rows *from, struct cli_rows *to)
{
    struct store_row *row = arena_alloc(to->a, from->n * sizeof(*row) + 1);

    if (!row)
        return -ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        size_t n = from->row[i].n;
        struct store_field *f = arena_alloc(to->a, n * sizeof(*f) + 1);

        if (!f)
            return -ENOMEM;
        for (size_t j = 0; j < n; j++) {
            f[j].k = keep(to->a, from->row[i].f[j].k);
            f[j].v = keep(to->a, from->row[i].f[j].v);
            if (f[j].v.n != from->row[i].f[j].v.n)
                return -ENOMEM;
        }
        row[i] = (struct store_row){f, n};
    }
    to->r = (struct store_rows){row, from->n};
    return 0;
}

static void on_answer(void *arg, int rc, const struct store_rows *rows)
{
    struct call *call = arg;

    call->rc = rc;
    if (rc == 0 && rows)
        call->rc = copy_rows(rows, call->out);
    call->done = true;
    uv_stop(&call->cli->loop);
}

static int stopped(const struct cli *c)
{
    if (c->interrupted)
        return -EINTR;
    return c->limit && (int64_t)clock_mono_ms() >= c->limit ? -ETIMEDOUT : 0;
}

/* The callback runs once whatever happens, at the latest in store_close(): when a signal ends the
 * wait early, closing the store first keeps the call's memory alive until then. */
static int finish(struct cli *c, struct call *call)
{
    int rc = 0;

    while (!call->done && rc == 0) {
        uv_run(&c->loop, UV_RUN_DEFAULT);
        rc = c->interrupted ? -EINTR : 0;
    }
    if (!call->done) {
        store_close(&c->store);
        while (!call->done)
            uv_run(&c->loop, UV_RUN_ONCE);
    }
    if (rc == 0)
        rc = call->rc;
    if (rc)
        cli_rows_free(call->out);
    return rc;
}

static int start(struct cli *c, struct cli_rows *out)
{
    int rc = stopped(c);

    *out = (struct cli_rows){NULL, {NULL, 0}};
    if (rc)
        return rc;
    if (!c->store)
        return -EINTR;
    out->a = arena_new(4096, ROWS_MAX);
    return out->a ? 0 : -ENOMEM;
}

int cli_store_call(struct cli *c, unsigned shard, enum store_script script, const struct str *args,
                   size_t nargs, struct cli_rows *out)
{
    struct call call = {.out = out, .cli = c};
    int rc = start(c, out);

    if (rc)
        return rc;
    store_call(c->store, shard, script, args, nargs, on_answer, &call);
    return finish(c, &call);
}

int cli_store_info(struct cli *c, struct cli_rows *out)
{
    struct call call = {.out = out, .cli = c};
    int rc = start(c, out);

    if (rc)
        return rc;
    store_server_info(c->store, on_answer, &call);
    return finish(c, &call);
}

void cli_rows_free(struct cli_rows *r)
{
    arena_free(&r->a);
    r->r = (struct store_rows){NULL, 0};
}

int cli_store_sleep(struct cli *c, uint64_t ms)
{
    c->timer_fired = false;
    uv_timer_start(&c->timer, on_timer, ms, 0);
    while (!c->timer_fired && !c->interrupted)
        uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&c->timer);
    return stopped(c);
}

static const char *trouble_of(const struct cli *c)
{
    const char *text = c->store ? store_trouble(c->store) : NULL;

    return text && *text ? text : "it does not answer";
}

/* The store counts a refused login as trouble with Redis; an operator can act on it. */
static bool refused(struct str trouble)
{
    static const char *const words[] = {"NOAUTH", "WRONGPASS", "NOPERM"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_starts(trouble, str_of(words[i])))
            return true;
    return false;
}

static enum cli_exit redis_fail(const struct cli *c, const char *what)
{
    const struct cfg_redis *r = &c->cfg->redis;
    const char *trouble = trouble_of(c);

    if (refused(str_of(trouble)))
        return cli_fail(CLI_AUTH, "%s: Redis refuses this user: %s", what, trouble);
    return cli_fail(CLI_FAILED, "%s: Redis at %s does not serve: %s; lastmile doctor looks closer",
                    what, *r->socket ? r->socket : r->host, trouble);
}

enum cli_exit cli_store_fail(const struct cli *c, int rc, const char *what)
{
    static const struct {
        int rc;
        enum cli_exit code;
        const char *text;
    } table[] = {
        {-ENOENT, CLI_NOT_FOUND, "there is no such record"},
        {-EPERM, CLI_CONFLICT, "its state does not allow that"},
        {-EEXIST, CLI_CONFLICT, "it is there already with another content"},
        {-ESTALE, CLI_CONFLICT, "it changed in the meantime; look again"},
        {-EACCES, CLI_AUTH, "Redis refuses the user or its password"},
        {-ETIMEDOUT, CLI_TIMED_OUT, "--timeout has passed"},
        {-EINVAL, CLI_USAGE, "the store refuses the arguments"},
        {-EPROTO, CLI_FAILED, "an answer this version does not understand"},
    };
    char text[64];

    if (rc == -EINTR)
        return CLI_INTERRUPTED;
    if (rc == -EAGAIN)
        return redis_fail(c, what);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].rc == rc)
            return cli_fail(table[i].code, "%s: %s", what, table[i].text);
    (void)c;
    return cli_fail(CLI_FAILED, "%s: %s", what, log_errno(rc, text));
}
