#include "pages/status_model.h"

#include <string.h>

#include "store/state.h"

const char *const status_fields[] = {
    "ver", "contract", "fulfilment", "updated", "at_registered", "at_confirmed", "at_applied",
    "at_verified", "at_ready", "delete_at", "late", "pct", "note", "code", "endpoint", "product",
    "plan", "channel", "merged", "commit", "standing", "hold", "no_renewal", "trial", "starts",
    "ends", "at_committed", "quantity", "served", "plan_until", "next_plan", "next_quantity",
    "next_at",
    /* the page's own */
    "account", "email", "term"};
enum { PAGE_ONLY = 3 };
const size_t status_nfields_page = sizeof(status_fields) / sizeof(status_fields[0]);
const size_t status_nfields = sizeof(status_fields) / sizeof(status_fields[0]) - PAGE_ONLY;
const char *const status_marks[STATUS_MARKS] = {[STATUS_VER] = "ver", [STATUS_UPDATED] = "updated"};

enum { POLL_WORKING = 2, POLL_WAITING = 5, POLL_SLOW = 30 };

/* By fulfilment, while the contract runs. */
static const struct {
    const char *state;
    enum status_mood mood;
    bool live;
} states[] = {
    [FULFIL_RECEIVED] = {"confirming", MOOD_WAITING, false},
    [FULFIL_IDENTIFIED] = {"provisioning", MOOD_WORKING, false},
    [FULFIL_PROVISIONING] = {"provisioning", MOOD_WORKING, false},
    [FULFIL_VERIFYING] = {"verifying", MOOD_WORKING, false},
    [FULFIL_READY] = {"ready", MOOD_READY, true},
    [FULFIL_UPDATING] = {"updating", MOOD_WORKING, true},
    [FULFIL_SUSPENDED] = {"suspended", MOOD_TROUBLE, false},
    [FULFIL_DEGRADED] = {"degraded", MOOD_TROUBLE, true},
    [FULFIL_FAILED] = {"failed", MOOD_TROUBLE, false},
    [FULFIL_STUCK] = {"stuck", MOOD_TROUBLE, false},
    [FULFIL_DELETING] = {"deleting", MOOD_ENDED, false},
    [FULFIL_CLOSED] = {"closed", MOOD_ENDED, false},
};

const char *step_state_name(enum step_state s)
{
    static const char *const names[] = {
        [STEP_TODO] = "todo", [STEP_NOW] = "now", [STEP_DONE] = "done", [STEP_ERROR] = "error"};

    return names[s];
}

const char *status_mood_name(enum status_mood m)
{
    static const char *const names[] = {[MOOD_WORKING] = "working",
                                        [MOOD_WAITING] = "waiting",
                                        [MOOD_READY] = "ready",
                                        [MOOD_TROUBLE] = "trouble",
                                        [MOOD_ENDED] = "ended"};
    return names[m];
}

static bool flag(const struct store_row *row, const char *key)
{
    return store_row_int(row, key, 0) != 0;
}

/* The environment is there; the channel is to begin the charge. */
static bool confirming(const struct status *s)
{
    bool late = !s->billing.plan || s->billing.plan->commit != CFG_COMMIT_REGISTERED;

    return late && str_is(s->billing.commit, "asked");
}

static void put_step(struct status *s, const char *id, int64_t at, bool done)
{
    struct status_step *x = &s->steps[s->nsteps++];
    const struct status_step *before = s->nsteps > 1 ? x - 1 : NULL;

    *x = (struct status_step){id, done ? STEP_DONE : STEP_TODO, done ? at : 0, -1};
    if (done && at > 0 && before && before->at > 0 && at >= before->at)
        x->seconds = (at - before->at + 500) / 1000;
}

/* Where the channel holds the charge, its beginning is a step of its own: when the environment is
 * there, or with the registration if the plan says so. */
static void put_commit(struct status *s, const struct store_row *row, bool early, bool done)
{
    int64_t at = store_row_int(row, "at_committed", 0);
    bool now = s->billing.plan && s->billing.plan->commit == CFG_COMMIT_REGISTERED;

    if (s->billing.commit.n > 0 && early == now)
        put_step(s, "committed", at, done || str_is(s->billing.commit, "done"));
}

/* A step is done when its time is known or a later one is. */
static void put_steps(struct status *s, const struct store_row *row, enum fulfilment f,
                      bool granted)
{
    int64_t ready = store_row_int(row, "at_ready", 0);
    int64_t verified = store_row_int(row, "at_verified", 0);
    int64_t applied = store_row_int(row, "at_applied", 0);
    bool done = f == FULFIL_READY || ready > 0;
    bool checked = done || verified > 0 || (f == FULFIL_VERIFYING && confirming(s));
    bool made = checked || applied > 0 || f == FULFIL_VERIFYING;
    bool known = made || f != FULFIL_RECEIVED || granted;

    put_step(s, "registered", store_row_int(row, "at_registered", 0), true);
    put_step(s, "confirmed", store_row_int(row, "at_confirmed", 0), known);
    put_commit(s, row, true, made);
    if (s->deploys) {
        put_step(s, "created", applied, made);
        put_step(s, "checked", verified, checked);
    }
    put_commit(s, row, false, done);
    put_step(s, "ready", ready, done);
    s->was_ready = ready > 0;
}

static void mark_step(struct status *s)
{
    unsigned i;

    for (i = 0; i < s->nsteps && s->steps[i].state == STEP_DONE; i++)
        continue;
    s->step = i + 1;
    if (i < s->nsteps && s->mood != MOOD_ENDED)
        s->steps[i].state = s->mood == MOOD_TROUBLE ? STEP_ERROR : STEP_NOW;
}

/* The contract ended: that is the news, whatever the environment does meanwhile. */
static void contract_ended(struct status *s, enum fulfilment f)
{
    if (f == FULFIL_DELETING || f == FULFIL_CLOSED)
        return;
    s->state = s->was_ready ? "ending" : "ended";
    s->mood = MOOD_ENDED;
    s->live = f == FULFIL_READY || f == FULFIL_UPDATING || f == FULFIL_DEGRADED;
}

/* Before anything began: by a person, by its deadline, or because it was deleted. */
static bool declined(const struct status *s)
{
    return str_is(s->billing.commit, "rejected") && s->billing.contract != CONTRACT_ACTIVE &&
           s->billing.contract != CONTRACT_SUSPENDED && !s->was_ready;
}

static bool contract_over(const struct status *s)
{
    return s->billing.contract == CONTRACT_CANCELLED || s->billing.contract == CONTRACT_EXPIRED;
}

static void suspended(struct status *s)
{
    s->payment = true;
    s->state = "suspended";
    s->mood = MOOD_TROUBLE;
    s->live = false;
}

/* A change failed; what was there before still serves. */
static void still_there(struct status *s, enum fulfilment f)
{
    if (s->was_ready && (f == FULFIL_FAILED || f == FULFIL_STUCK))
        s->live = true;
}

static void set_pace(struct status *s, enum fulfilment f)
{
    s->terminal = f == FULFIL_CLOSED && contract_over(s);
    s->retry_after = s->mood == MOOD_WORKING   ? POLL_WORKING
                     : s->mood == MOOD_WAITING ? POLL_WAITING
                                               : POLL_SLOW;
    if (f == FULFIL_DELETING)
        s->retry_after = POLL_WAITING;
}

static void read_billing(const struct store_row *row, const struct cfg_market *market,
                         const struct cfg_plan *plan, int64_t now, struct billing *b)
{
    if (contract_parse(store_row_get(row, "contract"), &b->contract))
        b->contract = CONTRACT_PENDING;
    b->commit = store_row_get(row, "commit");
    b->standing = store_row_get(row, "standing");
    b->trial = flag(row, "trial");
    b->no_renewal = flag(row, "no_renewal");
    b->starts = store_row_int(row, "starts", 0);
    b->ends = store_row_int(row, "ends", 0);
    b->now = now;
    b->market = market;
    b->plan = plan;
}

/* What is told of the days of an order changes when they come (waits(), billing.c, coming.c),
 * without a write and so without a new version. */
static void read_days(struct status *s, const struct store_row *row)
{
    const int64_t days[] = {s->billing.starts, s->billing.ends, store_row_int(row, "plan_until", 0),
                            store_row_int(row, "next_at", 0)};
    size_t i;

    s->until = INT64_MAX;
    for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        if (days[i] > s->billing.now)
            s->until = days[i] < s->until ? days[i] : s->until;
        else if (days[i] > 0)
            s->phase |= 1u << i;
    }
}

/* States that waiting for somebody else's word makes of the work's own. */
static void waits(struct status *s, const struct store_row *row, enum fulfilment f)
{
    bool open = s->billing.contract == CONTRACT_PENDING;

    if (s->mood == MOOD_ENDED || s->mood == MOOD_TROUBLE || s->was_ready)
        return;
    if (str_is(store_row_get(row, "hold"), "approval"))
        s->state = "approving";
    else if (f == FULFIL_VERIFYING && confirming(s))
        s->state = "committing";
    else if (f == FULFIL_RECEIVED && open && str_is(s->billing.standing, "scheduled"))
        s->state = s->billing.starts > s->billing.now ? "scheduled" : "activating";
    else
        return;
    s->mood = MOOD_WAITING;
}

static void say_billing(struct status *s, enum fulfilment f)
{
    s->billing.was_ready = s->was_ready;
    s->billing.trouble = s->mood == MOOD_TROUBLE;
    s->billing.off = f == FULFIL_SUSPENDED;
    s->billing.gone = f == FULFIL_DELETING || f == FULFIL_CLOSED;
    s->billing.declined = strcmp(s->state, "declined") == 0;
    s->billing_word = billing_key(&s->billing);
}

/* While the contract runs; a page that speaks of its end speaks of nothing behind it. */
static void read_coming(struct status *s, const struct store_row *row,
                        const struct cfg_market *market, int64_t now)
{
    static const char *const words[2][3] = {{"plan", "quantity", "both"},
                                            {"plan.dated", "quantity.dated", "both.dated"}};
    const struct coming *c = &s->coming;

    s->coming_word = "";
    if (!coming_of(row, "", market, now, &s->coming) || s->mood == MOOD_ENDED)
        return;
    s->coming_word = words[c->at_ms > 0][!c->quantity ? 0 : c->plan.n ? 2 : 1];
}

void status_of_order(const struct store_row *row, const struct cfg_market *market,
                     const struct cfg_plan *plan, int64_t now, struct status *out)
{
    enum fulfilment f;
    enum contract c;
    bool known;

    memset(out, 0, sizeof(*out));
    if (fulfilment_parse(store_row_get(row, "fulfilment"), &f))
        f = FULFIL_RECEIVED;
    read_billing(row, market, plan, now, &out->billing);
    read_days(out, row);
    c = out->billing.contract;
    known = c != CONTRACT_PENDING || billing_held(&out->billing);
    out->deploys = !plan || plan->fulfilment == CFG_DEPLOYMENT;
    out->manual = plan && plan->fulfilment == CFG_MANUAL;
    if (f == FULFIL_RECEIVED && known)
        f = FULFIL_IDENTIFIED; /* queued: the work begins at any moment */
    out->state = states[f].state;
    out->mood = states[f].mood;
    out->live = states[f].live;
    put_steps(out, row, f, known);
    still_there(out, f);
    if (out->manual && out->mood == MOOD_WORKING && !out->was_ready) {
        out->state = "manual";
        out->mood = MOOD_WAITING;
    }
    if (c == CONTRACT_SUSPENDED && out->mood != MOOD_ENDED)
        suspended(out);
    if (contract_over(out))
        contract_ended(out, f);
    out->over = contract_over(out) || declined(out);
    if (declined(out)) {
        out->state = "declined";
        out->mood = MOOD_ENDED;
        out->live = false;
    }
    waits(out, row, f);
    read_coming(out, row, market, now);
    say_billing(out, f);
    mark_step(out);
    set_pace(out, f);
    out->late = flag(row, "late") && !out->was_ready &&
                (out->mood == MOOD_WORKING || out->mood == MOOD_WAITING);
    out->pct = f == FULFIL_PROVISIONING ? (int)store_row_int(row, "pct", -1) : -1;
    out->ver = store_row_int(row, "ver", 0);
    out->updated = store_row_int(row, "updated", 0);
    out->delete_at = store_row_int(row, "delete_at", 0);
    out->endpoint = out->live ? store_row_get(row, "endpoint") : str_make(NULL, 0);
    out->note = out->mood == MOOD_WORKING ? store_row_get(row, "note") : str_make(NULL, 0);
    out->code = store_row_get(row, "code");
}

void status_of_reg(const struct store_row *row, struct status *out)
{
    bool refused = str_is(store_row_get(row, "state"), "refused");

    memset(out, 0, sizeof(*out));
    out->deploys = true;
    out->state = refused ? "refused" : "confirming";
    out->mood = refused ? MOOD_TROUBLE : MOOD_WAITING;
    put_steps(out, row, FULFIL_RECEIVED, false);
    mark_step(out);
    set_pace(out, FULFIL_RECEIVED);
    out->terminal = refused;
    out->pct = -1;
    out->until = INT64_MAX;
    out->billing_word = out->coming_word = "";
    out->ver = store_row_int(row, "ver", 0);
    out->updated = store_row_int(row, "at_registered", 0);
    out->code = store_row_get(row, "code");
}
