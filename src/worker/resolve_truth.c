#include "base/log.h"
#include "worker/resolve.h"

static void truth_done(struct truth *x)
{
    struct task *t = x->t;
    struct resolve *s = x->user;

    t->state = s;
    s->found = x->order;
    s->shard = x->shard;
    resolve_known(t);
}

static void truth_loaded(struct truth *x)
{
    struct resolve *s = x->user;

    /* The order may name a listing of its own; what was resolved just now knows better. */
    x->cfg = s->cfg;
    x->p = s->purchase;
    x->t->state = s;
    if (x->p.standing == STANDING_ENDED && !x->now.registered)
        resolve_refuse(x->t, "purchase_ended");
    else
        truth_write(x);
}

static void load_truth(struct truth *x)
{
    truth_load(x, truth_loaded);
}

void resolve_truth(struct task *t)
{
    struct resolve *s = t->state;
    const struct market_purchase *p = &s->purchase;
    const struct cfg_market *real =
        standing_market(t->snap->cfg, s->cfg->channel, str_of(p->product_code));
    struct market_result again = {.cls = MARKET_RETRY, .code = "no purchase yet"};

    if (p->purchase[0] == '\0') {
        resolve_delay(t, &again);
        return;
    }
    if (p->product_code[0] && !real) {
        resolve_refuse(t, "product_unknown");
        return;
    }
    s->cfg = real ? real : s->cfg;
    if (sign_in_wanted(s->ops, s->cfg) && s->ops->may_claim &&
        !s->ops->may_claim(s->cfg, &s->sign_in.who, p)) {
        LOG(LOG_WARN, "resolve.wrong_account", FS("channel", s->channel));
        sign_in_again(t, "wrong_account", s->submitted);
        return;
    }
    s->truth = truth_new(t, s->channel, str_of(s->cfg->name), str_of(p->purchase));
    if (!s->truth)
        return;
    s->truth->user = s;
    s->truth->done = truth_done;
    truth_find(s->truth, load_truth);
}
