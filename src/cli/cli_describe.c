/* describe order: everything about one order, by sections that are tables. */
#include <errno.h>
#include <string.h>

#include "cli/cli_log.h"
#include "cli/cli_order.h"
#include "cli/cli_table.h"

enum { OUT_MAX = 8 << 20, TITLE_WIDTH = 22, TAIL = 10 };

static const struct cli_col buyer[] = {
    {"email", "E-mail", "o.email", CLI_EMAIL, false},
    {"account", "Account", "o.account", CLI_ACCOUNT, false},
    {"customer", "Customer", "o.customer", CLI_ACCOUNT, false},
    {"form", "Form", "o.form", CLI_PRIVATE, false},
};
static const struct cli_col market[] = {
    {"channel", "Channel", "o.channel", CLI_TEXT, false},
    {"cloud", "Cloud", "x.cloud", CLI_TEXT, false},
    {"product", "Product", "o.product", CLI_TEXT, false},
    {"product_code", "Product code", "o.product_code", CLI_TEXT, false},
    {"plan", "Plan", "o.plan", CLI_TEXT, false},
    {"plan_since", "Plan since", "o.plan_since", CLI_TIME, false},
    {"served_plan", "Plan served", "o.served", CLI_TEXT, false},
    {"plan_until", "Served at least until", "o.plan_until", CLI_TIME, false},
    {"quantity", "Quantity", "o.quantity", CLI_INT, false},
    {"purchase", "Purchase", "o.purchase", CLI_TEXT, false},
    {"license", "Licence", "o.license", CLI_TEXT, false},
    {"agreement", "Agreement", "o.agreement", CLI_TEXT, false},
    {"offer", "Offer", "o.offer", CLI_TEXT, false},
    {"trial", "Trial", "o.trial", CLI_BOOL, false},
    {"starts", "Starts", "o.starts", CLI_TIME, false},
    {"ends", "Ends", "o.ends", CLI_TIME, false},
    {"renewals", "Renewals", "o.renewals", CLI_INT, false},
    {"confirmed", "Confirmed", "o.confirmed", CLI_BOOL, false},
    {"plan_id", "Plan id there", "o.plan_id", CLI_TEXT, false},
    {"standing", "Standing there", "o.standing", CLI_TEXT, false},
    {"charge", "Charge", "o.commit", CLI_TEXT, false},
    {"charged_while_stopped", "Charged while stopped", "o.charge_told", CLI_BOOL, false},
    {"approval", "Approval", "o.approval", CLI_TEXT, false},
    {"pending_plan", "Change asked to", "o.pending_plan", CLI_TEXT, false},
    {"next_plan", "Changes to plan", "o.next_plan", CLI_TEXT, false},
    {"next_quantity", "Changes to quantity", "o.next_quantity", CLI_INT, false},
    {"next_at", "Changes at", "o.next_at", CLI_TIME, false},
    {"no_renewal", "Ends without renewal", "o.no_renewal", CLI_BOOL, false},
    {"test", "Test purchase", "o.test", CLI_BOOL, false},
    {"existing", "Older than this installation", "o.existing", CLI_BOOL, false},
    {"entitlements", "Entitlements", "o.entitlements", CLI_RAW, false},
};
static const struct cli_col deployment[] = {
    {"tenant", "Tenant", "o.tenant", CLI_TEXT, false},
    {"endpoint", "Endpoint", "o.endpoint", CLI_TEXT, false},
    {"template", "Template", "t.template", CLI_TEXT, false},
    {"engine", "Engine", "t.engine", CLI_TEXT, false},
    {"state", "State", "x.state", CLI_TEXT, false},
    {"generation", "Generation", "t.generation", CLI_INT, false},
    {"observed_generation", "Observed generation", "t.observed_generation", CLI_INT, false},
    {"work", "Work under way", "t.work", CLI_TEXT, false},
    {"work_since", "Under way since", "t.work_since", CLI_TIME, false},
    {"external_id", "External id", "t.external_id", CLI_TEXT, false},
    {"outputs", NULL, "t.outputs", CLI_RAW, false},
    {"spec", NULL, "t.spec", CLI_RAW, false},
};
static const struct cli_col progress[] = {
    {"wanted", "Operator wants", "o.want", CLI_TEXT, false},
    {"hold", "On hold", "o.hold", CLI_TEXT, false},
    {"step", "Step", "o.step", CLI_INT, false},
    {"percent", "Percent", "o.pct", CLI_INT, false},
    {"note", "Note", "o.note", CLI_TEXT, false},
    {"late", "Late", "o.late", CLI_BOOL, false},
    {"error_class", "Last error", "o.class", CLI_TEXT, false},
    {"error_code", "Error code", "o.code", CLI_TEXT, false},
    {"error_detail", "Error detail", "o.detail", CLI_TEXT, false},
};
static const struct cli_col times[] = {
    {"created", "Created", "o.created", CLI_TIME, false},
    {"updated", "Updated", "o.updated", CLI_TIME, false},
    {"registered", "Registered", "o.at_registered", CLI_TIME, false},
    {"confirmed", "Confirmed", "o.at_confirmed", CLI_TIME, false},
    {"applied", "Applied", "o.at_applied", CLI_TIME, false},
    {"verified", "Verified", "o.at_verified", CLI_TIME, false},
    {"asked", "Charge asked for", "o.at_asked", CLI_TIME, false},
    {"paused", "Stopped by operator", "o.at_paused", CLI_TIME, false},
    {"committed", "Charge accepted", "o.at_committed", CLI_TIME, false},
    {"ready", "Ready", "o.at_ready", CLI_TIME, false},
    {"ended", "Ended", "o.at_ended", CLI_TIME, false},
    {"delete_at", "Delete at", "o.delete_at", CLI_TIME, false},
};
static const struct cli_col tasks[] = {
    {"id", "TASK", "id", CLI_TEXT, true},
    {"role", "ROLE", "role", CLI_TEXT, false},
    {"kind", NULL, "kind", CLI_TEXT, false},
    {"state", "STATE", "state", CLI_STATE, false},
    {"tries", "TRIES", "tries", CLI_INT, false},
    {"crashes", "CRASHES", "crashes", CLI_INT, false},
    {"due", "DUE", "due", CLI_TIME, false},
    {"owner", NULL, "owner", CLI_TEXT, false},
    {"error_class", "CLASS", "class", CLI_TEXT, false},
    {"error", "ERROR", "error", CLI_TEXT, true},
    {"updated", NULL, "updated", CLI_TIME, false},
};
#define N(table) (sizeof(table) / sizeof(*(table)))

static const struct section {
    const char *key, *title;
    const struct cli_col *cols;
    size_t n;
} sections[] = {
    {"buyer", "Buyer", buyer, N(buyer)},
    {"marketplace", "Marketplace", market, N(market)},
    {"deployment", "Deployment", deployment, N(deployment)},
    {"progress", "Progress", progress, N(progress)},
    {"times", "Times", times, N(times)},
};

struct view {
    const struct cli *c;
    const char *id, *quadrant;
    struct store_row row; /* the order's, with x.cloud and x.state */
    struct store_rows tasks;
    struct cli_log log;
    bool personal;
};

static void line(struct buf *b, const char *title, struct str value, bool tint)
{
    buf_fmt(b, "  %-*s", TITLE_WIDTH, title);
    if (tint)
        buf_cat(b, cli_table_color(value));
    buf_str(b, value);
    if (tint && *cli_table_color(value))
        buf_cat(b, "\x1b[0m");
    buf_ch(b, '\n');
}

static void section_text(const struct view *v, const struct section *s, struct buf *out)
{
    bool head = false;
    struct buf cell;

    buf_init(&cell, OUT_MAX);
    for (size_t i = 0; i < s->n; i++) {
        buf_reset(&cell);
        cli_col_text(&cell, &s->cols[i], store_row_get(&v->row, s->cols[i].field), v->personal);
        if (cell.len == 0 || !s->cols[i].title)
            continue;
        if (!head)
            buf_fmt(out, "%s\n", s->title);
        head = true;
        line(out, s->cols[i].title, buf_view(&cell), false);
    }
    buf_free(&cell);
}

static int tasks_text(const struct view *v, struct buf *out)
{
    struct cli_table t;
    int rc;

    if (v->tasks.n == 0)
        return 0;
    rc = cli_table_init(&t, tasks, N(tasks));
    for (size_t i = 0; rc == 0 && i < v->tasks.n; i++)
        rc = cli_table_add(&t, &v->tasks.row[i], v->personal);
    buf_cat(out, "Tasks\n");
    if (rc == 0)
        cli_table_print(&t, v->c->width, v->c->color, out);
    cli_table_free(&t);
    return rc;
}

static enum cli_exit as_text(const struct view *v)
{
    enum cli_exit code;
    struct buf out;

    buf_init(&out, OUT_MAX);
    buf_fmt(&out, "Order %s\n", v->id);
    line(&out, "Quadrant", str_of(v->quadrant), v->c->color);
    line(&out, "Contract", store_row_get(&v->row, "o.contract"), v->c->color);
    line(&out, "Fulfilment", store_row_get(&v->row, "o.fulfilment"), v->c->color);
    for (size_t i = 0; i < N(sections); i++)
        section_text(v, &sections[i], &out);
    tasks_text(v, &out);
    if (v->log.n) {
        buf_cat(&out, "Timeline\n");
        cli_log_table(&v->log, v->c->width, v->c->color, v->personal, &out);
    }
    code = cli_print(&out);
    buf_free(&out);
    return code;
}

static enum cli_exit as_json(const struct view *v)
{
    enum cli_exit code;
    struct jsonw w;
    struct buf out;

    buf_init(&out, OUT_MAX);
    jsonw_init(&w, &out);
    jsonw_obj(&w);
    jsonw_kvs(&w, "id", str_of(v->id));
    jsonw_kvs(&w, "quadrant", str_of(v->quadrant));
    jsonw_kvs(&w, "contract", store_row_get(&v->row, "o.contract"));
    jsonw_kvs(&w, "fulfilment", store_row_get(&v->row, "o.fulfilment"));
    jsonw_kvi(&w, "version", store_row_int(&v->row, "o.ver", 0));
    for (size_t i = 0; i < N(sections); i++) {
        jsonw_key(&w, sections[i].key);
        jsonw_obj(&w);
        cli_col_row_json(&w, sections[i].cols, sections[i].n, &v->row, v->personal);
        jsonw_obj_end(&w);
    }
    jsonw_key(&w, "tasks");
    jsonw_arr(&w);
    for (size_t i = 0; i < v->tasks.n; i++) {
        jsonw_obj(&w);
        cli_col_row_json(&w, tasks, N(tasks), &v->tasks.row[i], v->personal);
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
    jsonw_key(&w, "timeline");
    jsonw_arr(&w);
    for (size_t i = 0; i < v->log.n; i++)
        cli_log_json(&w, &v->log.row[i], v->personal);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    buf_ch(&out, '\n');
    code = cli_print(&out);
    buf_free(&out);
    return code;
}

/* Of what the engine has, by what it has said last. "": there is no tenant. */
static const char *deployed(const struct store_row *r)
{
    int64_t wanted = store_row_int(r, "t.generation", 0);

    if (store_row_get(r, "o.tenant").n == 0)
        return "";
    if (str_is(store_row_get(r, "t.wiped"), "1"))
        return "gone";
    if (!str_is(store_row_get(r, "t.touched"), "1"))
        return "none";
    return wanted && store_row_int(r, "t.observed_generation", 0) == wanted ? "current"
                                                                            : "changing";
}

/* The order's row with what only the configuration knows, and what follows from several fields. */
static int with_more(const struct cli *c, struct arena *a, const struct store_row *from,
                     struct store_row *to)
{
    const struct cfg_market *m =
        config_market(c->cfg, store_row_get(from, "o.channel"), store_row_get(from, "o.product"));
    struct store_field *f = arena_alloc(a, (from->n + 2) * sizeof(*f));

    if (!f)
        return -ENOMEM;
    memcpy(f, from->f, from->n * sizeof(*f));
    f[from->n] = (struct store_field){STR("x.cloud"), str_of(m ? m->cloud : "")};
    f[from->n + 1] = (struct store_field){STR("x.state"), str_of(deployed(from))};
    *to = (struct store_row){f, from->n + 2};
    return 0;
}

enum cli_exit cli_describe(struct cli *c)
{
    struct view v = {.c = c, .personal = cli_given(&c->args, CLI_F_SHOW_PERSONAL)};
    char id[ID_ORDER];
    struct cli_rows rows;
    struct str arg;
    unsigned shard = 0;
    enum cli_exit code = cli_order_id(c, c->args.pos[0], id, &shard);
    int rc;

    if (code)
        return code;
    arg = str_of(id);
    rc = cli_store_call(c, shard, STORE_ORDER_GET, &arg, 1, &rows);
    if (rc == 0)
        rc = rows.r.n ? with_more(c, rows.a, &rows.r.row[0], &v.row) : -EPROTO;
    if (rc) {
        cli_rows_free(&rows);
        return cli_store_fail(c, rc, "reading the order");
    }
    v.id = id;
    v.quadrant = cli_order_quadrant(&v.row, "o.");
    v.tasks = (struct store_rows){rows.r.row + 1, rows.r.n - 1};
    rc = cli_log_tail(c, shard, id, TAIL, &v.log);
    if (rc)
        code = cli_store_fail(c, rc, "reading the history");
    else
        code = c->args.format == CLI_TABLE ? as_text(&v) : as_json(&v);
    cli_log_free(&v.log);
    cli_rows_free(&rows);
    return code;
}
