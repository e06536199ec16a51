#include <string.h>

#include "base/json.h"
#include "fulfil/change.h"
#include "fulfil/plan.h"
#include "worker/fulfil.h"

enum { SPEC_MAX = 65536 };

static struct str keep(struct task *t, const struct store_row *r, const char *key)
{
    return arena_str(t->round, store_row_get(r, key));
}

static bool is_one(const struct store_row *r, const char *key)
{
    return str_is(store_row_get(r, key), "1");
}

static void texts(struct task *t, const struct store_row *r, struct fulfil_view *v)
{
    v->order = t->subject;
    v->channel = keep(t, r, "o.channel");
    v->bought = keep(t, r, "o.plan");
    v->tenant = keep(t, r, "o.tenant");
    v->email = keep(t, r, store_row_get(r, "o.email").n ? "o.email" : "o.buyer_email");
    v->endpoint = keep(t, r, "o.endpoint");
    v->spec = keep(t, r, "t.spec");
    v->spec_sha256 = keep(t, r, "t.spec_sha256");
    v->external_id = keep(t, r, "t.external_id");
    v->outputs = keep(t, r, "t.outputs");
    v->pending = keep(t, r, "t.pending");
    v->work = keep(t, r, "t.work");
    v->work_since = store_row_int(r, "t.work_since", 0);
}

static enum change plan_to_serve(struct task *t, struct fulfil_work *f, const struct store_row *r)
{
    struct change_in in = {
        .cfg = t->snap->cfg,
        .market = f->market,
        .deployed = store_row_get(r, "t.plan"),
        .bought = f->v.bought,
        .until_ms = store_row_int(r, "o.plan_until", 0),
        .now_ms = store_row_int(r, "now", 0),
    };
    enum change c = f->market ? change_of(&in) : CHANGE_NONE;

    f->plan = f->market ? change_plan(&in, c) : NULL;
    f->v.plan = f->plan ? str_of(f->plan->name) : f->v.bought;
    return c;
}

static void configuration(struct task *t, struct fulfil_work *f, const struct store_row *r)
{
    const struct config *c = t->snap->cfg;
    struct str made = keep(t, r, "t.template");
    enum change how;

    f->market = config_market(c, f->v.channel, store_row_get(r, "o.product"));
    how = plan_to_serve(t, f, r);
    f->v.in.replace = how == CHANGE_REPLACE;
    f->v.in.change_refused = how == CHANGE_REFUSED;
    f->v.in.change_told = str_eq(store_row_get(r, "o.change_told"), f->v.bought);
    f->tmpl = f->plan ? config_template(c, f->plan->deployment_template) : NULL;
    /* What exists is handled as it was made, until the new spec is recorded. */
    f->made = config_template(c, made.n ? arena_dup(t->round, made) : "");
    if (!f->made)
        f->made = f->tmpl;
}

/* Where an environment is it stays: neither a form that came after it, nor another plan, nor the
 * order of a plan's regions moves it. Only one that is made anew asks again. */
static struct str region_of(struct task *t, const struct fulfil_work *f, const struct store_row *r)
{
    bool there = is_one(r, "t.touched") && store_row_int(r, "o.at_applied", 0) > 0;
    struct str region;
    cJSON *spec = NULL;

    if (!there || f->v.in.replace || json_parse(f->v.spec, SPEC_MAX, &spec))
        return plan_region(t->round, f->plan, store_row_get(r, "o.form"));
    region = arena_str(t->round, json_str(spec, "region"));
    cJSON_Delete(spec);
    return region;
}

/* The spec that the configuration and the purchase want now. */
static bool wanted(struct task *t, struct fulfil_work *f, const struct store_row *r)
{
    struct plan_spec_in in = {
        .plan = f->plan,
        .tmpl = f->tmpl,
        .quantity = store_row_get(r, "o.quantity"),
        .form = store_row_get(r, "o.form"),
    };
    struct buf b;
    bool ok;

    if (!f->plan)
        return true;
    f->v.region = in.region = region_of(t, f, r);
    buf_init(&b, SPEC_MAX);
    ok = plan_spec(&in, &b) == 0;
    if (ok) {
        hash_sha256_hex(buf_view(&b), f->v.wanted_sha256);
        if (!str_is(f->v.spec_sha256, f->v.wanted_sha256))
            f->v.wanted_spec = arena_str(t->round, buf_view(&b));
    }
    buf_free(&b);
    return ok;
}

static void commitment(struct fulfil_work *f, const struct store_row *r)
{
    static const char *const words[] = {"", "held", "asked", "done", "rejected"};
    uint64_t may_wait = f->plan ? f->plan->commit_deadline_ms : 0;
    struct decide_in *in = &f->v.in;
    struct str commit = store_row_get(r, "o.commit"), approval = store_row_get(r, "o.approval");

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_is(commit, words[i]))
            in->commit = (enum decide_commit)i;
    /* Where the seller set no deadline: before the channel lets the purchase lapse. */
    if (may_wait == 0)
        may_wait = fulfil_caps(f)->hold_ms / 4 * 3;
    in->commit_deadline_ms =
        may_wait ? store_row_int(r, "o.created", 0) + (int64_t)may_wait : INT64_MAX;
    in->on_late = f->plan ? f->plan->on_commit_deadline : CFG_LATE_ALERT;
    in->late_told = is_one(r, "o.late_commit");
    in->rejected = str_is(approval, "rejected");
    in->commit_early = f->plan && f->plan->commit == CFG_COMMIT_REGISTERED;
    in->needs_approval = in->commit == COMMIT_HELD && f->plan &&
                         f->plan->commit == CFG_COMMIT_MANUAL && !str_is(approval, "approved");
    in->erase = is_one(r, "o.erase");
}

/* What an operator wants. */
static void wishes(struct decide_in *in, const struct store_row *r)
{
    struct str want = store_row_get(r, "o.want"), hold = store_row_get(r, "o.hold");

    in->want_suspended = str_is(want, "suspended");
    in->want_deleted = str_is(want, "deleted");
    in->held = hold.n != 0;
    in->paused = in->want_suspended || str_is(hold, "cancelled");
    in->charged_anyway =
        in->paused && in->contract == CONTRACT_ACTIVE && in->commit == COMMIT_DONE &&
        !is_one(r, "o.charge_told") &&
        store_row_int(r, "o.at_committed", 0) >= store_row_int(r, "o.at_paused", INT64_MAX);
}

bool fulfil_view_read(struct task *t, const struct store_rows *rows)
{
    struct fulfil_work *f = t->state;
    struct fulfil_view *v = &f->v;
    struct decide_in *in = &v->in;
    const struct store_row *r = rows->n ? &rows->row[0] : NULL;

    *v = (struct fulfil_view){0};
    if (!task_round(t))
        return false;
    if (!r || contract_parse(store_row_get(r, "o.contract"), &in->contract) ||
        fulfilment_parse(store_row_get(r, "o.fulfilment"), &in->fulfilment))
        return false;
    texts(t, r, v);
    configuration(t, f, r);
    if (!wanted(t, f, r))
        return false;
    v->generation = (uint64_t)store_row_int(r, "t.generation", 0);
    v->slot = (uint64_t)store_row_int(r, "t.slot", 0);
    v->at_applied = store_row_int(r, "o.at_applied", 0);
    v->at_verified = store_row_int(r, "o.at_verified", 0);
    v->at_ready = store_row_int(r, "o.at_ready", 0);
    v->now = store_row_int(r, "now", 0);
    v->late = is_one(r, "o.late");
    in->registered = is_one(r, "o.registered") || is_one(r, "o.unattended");
    commitment(f, r);
    wishes(in, r);
    in->deployed = is_one(r, "t.touched");
    in->keep_on_end = f->plan && f->plan->on_end == CFG_END_KEEP;
    in->has_plan = f->plan != NULL;
    in->account = f->plan && f->plan->fulfilment == CFG_ACCOUNT;
    in->manual = f->plan && f->plan->fulfilment == CFG_MANUAL;
    in->spec_current = !f->plan || in->account || str_is(v->spec_sha256, v->wanted_sha256);
    in->applied = v->spec_sha256.n &&
                  str_eq(store_row_get(r, "t.observed_sha256"), v->spec_sha256) &&
                  (uint64_t)store_row_int(r, "t.observed_generation", -1) == v->generation;
    in->pending = v->pending.n != 0;
    in->failed = v->spec_sha256.n && str_eq(store_row_get(r, "t.failed_sha256"), v->spec_sha256);
    in->delete_gave_up = str_is(store_row_get(r, "t.gave_up"), "delete");
    in->drift_due = str_is(t->data, "resync");
    in->delete_at_ms = store_row_int(r, "o.delete_at", INT64_MAX);
    in->now_ms = v->now;
    return true;
}
