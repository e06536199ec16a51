#include <string.h>

#include "fulfil/plan.h"
#include "worker/fulfil.h"

static struct str keep(struct task *t, const struct store_row *r, const char *key)
{
    return arena_str(t->arena, store_row_get(r, key));
}

static bool is_one(const struct store_row *r, const char *key)
{
    return str_is(store_row_get(r, key), "1");
}

static void texts(struct task *t, const struct store_row *r, struct fulfil_view *v)
{
    v->order = t->subject;
    v->channel = keep(t, r, "o.channel");
    v->product = keep(t, r, "o.product");
    v->plan = keep(t, r, "o.plan");
    v->tenant = keep(t, r, "o.tenant");
    v->email = keep(t, r, "o.email");
    v->form = keep(t, r, "o.form");
    v->quantity = keep(t, r, "o.quantity");
    v->endpoint = keep(t, r, "o.endpoint");
    v->spec = keep(t, r, "t.spec");
    v->spec_sha256 = keep(t, r, "t.spec_sha256");
    v->external_id = keep(t, r, "t.external_id");
    v->outputs = keep(t, r, "t.outputs");
    v->pending = keep(t, r, "t.pending");
}

static void configuration(struct task *t, struct fulfil_work *f)
{
    const struct config *c = t->snap->cfg;

    f->market = config_market(c, f->v.channel, f->v.product);
    f->plan = f->market ? config_plan(f->market, f->v.plan) : NULL;
    f->tmpl = f->plan ? config_template(c, f->plan->deployment_template) : NULL;
    f->tmpl_index = f->tmpl ? (size_t)(f->tmpl - c->templates) : 0;
    f->engine = f->tmpl ? snapshot_engine(t->snap, f->tmpl->engine, &f->ops) : NULL;
}

/* The spec that the configuration and the purchase want now. */
static bool wanted(struct task *t, struct fulfil_work *f)
{
    struct plan_spec_in in = {f->plan, f->tmpl, f->v.quantity, f->v.form};
    struct buf b;
    bool ok;

    if (!f->plan)
        return true;
    buf_init(&b, 65536);
    ok = plan_spec(&in, &b) == 0;
    if (ok) {
        f->v.wanted_spec = arena_str(t->arena, buf_view(&b));
        hash_sha256_hex(buf_view(&b), f->v.wanted_sha256);
    }
    buf_free(&b);
    return ok;
}

bool fulfil_view_read(struct task *t, const struct store_rows *rows)
{
    struct fulfil_work *f = t->state;
    struct fulfil_view *v = &f->v;
    struct decide_in *in = &v->in;
    const struct store_row *r = rows->n ? &rows->row[0] : NULL;
    struct str want;

    *v = (struct fulfil_view){0};
    if (!r || contract_parse(store_row_get(r, "o.contract"), &in->contract) ||
        fulfilment_parse(store_row_get(r, "o.fulfilment"), &in->fulfilment))
        return false;
    texts(t, r, v);
    configuration(t, f);
    if (!wanted(t, f))
        return false;
    v->generation = (uint64_t)store_row_int(r, "t.generation", 0);
    v->slot = (uint64_t)store_row_int(r, "t.slot", 0);
    v->at_applied = store_row_int(r, "o.at_applied", 0);
    v->at_ready = store_row_int(r, "o.at_ready", 0);
    v->now = store_row_int(r, "now", 0);
    v->late = is_one(r, "o.late");
    want = store_row_get(r, "o.want");
    in->registered = is_one(r, "o.registered");
    in->want_suspended = str_is(want, "suspended");
    in->want_deleted = str_is(want, "deleted");
    in->held = store_row_get(r, "o.hold").n != 0;
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
    in->drift_due = str_is(t->data, "resync");
    in->delete_at_ms = store_row_int(r, "o.delete_at", INT64_MAX);
    in->now_ms = v->now;
    return true;
}
