/*
 * decide, where the channel holds the charge: nothing is committed that does not answer, whatever
 * else happens, unless the plan says so; and a change of plan goes the declared way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fulfil/change.h"
#include "fulfil/decide.h"
#include "fulfil/plan.h"

enum { ROUNDS = 16, NOW = 1000, LATER = 5000 };

struct world {
    struct decide_in in;
    bool answers; /* the environment */
    bool breaks;  /* the engine gives up */
    bool shows;   /* the channel shows what we committed */
    unsigned commits, rejects, alerts, asked;
    bool committed_broken;
};

static void commit(struct world *w)
{
    assert_int_equal(w->in.commit, COMMIT_HELD);
    assert_int_equal(w->in.contract, CONTRACT_PENDING);
    w->commits++;
    w->committed_broken = w->in.fulfilment == FULFIL_FAILED;
    w->in.commit = COMMIT_ASKED;
    if (w->shows) {
        w->in.contract = CONTRACT_ACTIVE;
        w->in.commit = COMMIT_DONE;
    }
}

/* What goes on between us and the channel. */
static void negotiate(struct world *w, const struct decision *d)
{
    switch (d->act) {
    case ACT_COMMIT:
        commit(w);
        break;
    case ACT_REJECT:
        assert_true(w->in.commit == COMMIT_HELD ||
                    (w->in.want_deleted && w->in.commit == COMMIT_ASKED));
        w->in.commit = COMMIT_REJECTED;
        w->rejects++;
        break;
    case ACT_ASK_APPROVAL:
        w->in.held = true;
        w->asked++;
        break;
    case ACT_TELL_LATE:
        w->in.late_told = true;
        w->alerts++;
        break;
    case ACT_TELL_CHARGE:
        w->in.charged_anyway = false;
        w->alerts++;
        break;
    case ACT_TELL_CHANGE:
        w->in.change_told = true;
        w->alerts++;
        break;
    default:
        break;
    }
}

static void perform(struct world *w, const struct decision *d)
{
    struct decide_in *in = &w->in;

    switch (d->act) {
    case ACT_MOVE:
        if (!fulfilment_legal(in->fulfilment, d->to))
            fail_msg("illegal move %s to %s", fulfilment_name(in->fulfilment),
                     fulfilment_name(d->to));
        in->fulfilment = d->to;
        break;
    case ACT_RENEW_SPEC:
        assert_false(in->replace && in->deployed);
        in->spec_current = true;
        in->applied = in->replace = false;
        break;
    case ACT_REPLACE:
        assert_true(in->deployed && in->replace);
        in->deployed = false;
        break;
    case ACT_APPLY:
    case ACT_OBSERVE:
        in->deployed = true;
        if (w->breaks) {
            in->fulfilment = FULFIL_FAILED;
            in->failed = true;
        } else {
            in->applied = true;
        }
        break;
    case ACT_PROBE:
        if (!w->answers)
            in->fulfilment = FULFIL_FAILED, in->failed = true;
        else if (in->contract == CONTRACT_PENDING && in->commit == COMMIT_HELD)
            commit(w);
        else
            in->fulfilment = FULFIL_READY;
        break;
    case ACT_GRANT:
        in->fulfilment = FULFIL_READY;
        break;
    case ACT_DELETE:
        in->deployed = false;
        in->fulfilment = FULFIL_CLOSED;
        break;
    default:
        negotiate(w, d);
    }
}

static struct decision settle(struct world *w)
{
    struct decision d;

    for (int round = 0; round < ROUNDS; round++) {
        decide(&w->in, &d);
        if (d.act == ACT_REST || d.act == ACT_WAIT)
            return d;
        perform(w, &d);
    }
    fail_msg("no rest: fulfilment %s act %s", fulfilment_name(w->in.fulfilment), act_name(d.act));
    return d;
}

static struct world held(void)
{
    return (struct world){
        .in = {.contract = CONTRACT_PENDING,
               .fulfilment = FULFIL_RECEIVED,
               .registered = true,
               .has_plan = true,
               .commit = COMMIT_HELD,
               .delete_at_ms = INT64_MAX,
               .commit_deadline_ms = LATER,
               .now_ms = NOW},
        .answers = true,
        .shows = true,
    };
}

static void commits_what_answers(void **state)
{
    struct world w = held();

    (void)state;
    settle(&w);
    assert_int_equal(w.in.fulfilment, FULFIL_READY);
    assert_int_equal(w.commits, 1);
}

static void never_commits_what_does_not(void **state)
{
    (void)state;
    for (int breaks = 0; breaks < 2; breaks++)
        for (int late = CFG_LATE_ALERT; late <= CFG_LATE_REJECT; late++) {
            struct world w = held();
            struct decision d;

            w.breaks = breaks;
            w.answers = false;
            w.in.on_late = (enum cfg_late_commit)late;
            d = settle(&w);
            assert_int_equal(w.commits, 0);
            assert_int_equal(d.act, ACT_WAIT); /* for the deadline */
            assert_int_equal(d.until_ms, LATER);
            w.in.now_ms = LATER;
            settle(&w);
            assert_int_equal(w.commits, 0);
            assert_int_equal(w.alerts, late == CFG_LATE_ALERT);
            assert_int_equal(w.rejects, late == CFG_LATE_REJECT);
            assert_int_equal(w.in.fulfilment,
                             late == CFG_LATE_REJECT ? FULFIL_CLOSED : FULFIL_FAILED);
        }
}

static void commits_late_when_the_plan_says_so(void **state)
{
    struct world w = held();

    (void)state;
    w.breaks = true;
    w.in.on_late = CFG_LATE_COMMIT;
    settle(&w);
    assert_int_equal(w.commits, 0);
    w.in.now_ms = LATER;
    settle(&w);
    assert_int_equal(w.commits, 1);
    assert_true(w.committed_broken);
}

/* Neither after health nor by its deadline, until he lets it go on. */
static void what_an_operator_stopped_is_not_charged(void **state)
{
    (void)state;
    for (int late = CFG_LATE_ALERT; late <= CFG_LATE_COMMIT; late++)
        for (int cancelled = 0; cancelled < 2; cancelled++) {
            struct world w = held();

            if (late == CFG_LATE_REJECT)
                continue; /* the plan gives such an order back */
            w.in.on_late = (enum cfg_late_commit)late;
            w.in.paused = true;
            w.in.want_suspended = !cancelled;
            w.in.held = cancelled;
            w.in.commit_early = true;
            settle(&w);
            w.in.now_ms = LATER;
            settle(&w);
            assert_int_equal(w.commits, 0);
            assert_int_equal(w.alerts, 1);
            w.in.paused = w.in.want_suspended = w.in.held = false;
            settle(&w);
            assert_int_equal(w.commits, 1);
            assert_int_equal(w.in.fulfilment, FULFIL_READY);
        }
}

/* A charge that began all the same is told, once, in whatever state. */
static void a_charge_that_began_all_the_same_is_told(void **state)
{
    static const enum fulfilment at[] = {FULFIL_VERIFYING, FULFIL_SUSPENDED, FULFIL_STUCK};

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        struct world w = held();

        w.in.contract = CONTRACT_ACTIVE;
        w.in.commit = COMMIT_DONE;
        w.in.fulfilment = at[i];
        w.in.paused = w.in.held = w.in.charged_anyway = true;
        settle(&w);
        settle(&w);
        assert_int_equal(w.alerts, 1);
        assert_int_equal(w.in.fulfilment, at[i]);
    }
}

static void waits_for_the_channel(void **state)
{
    struct world w = held();
    struct decision d;

    (void)state;
    w.shows = false;
    d = settle(&w);
    assert_int_equal(d.act, ACT_WAIT);
    assert_int_equal(w.in.fulfilment, FULFIL_VERIFYING);
    assert_int_equal(w.commits, 1);
    w.in.contract = CONTRACT_ACTIVE;
    w.in.commit = COMMIT_DONE;
    settle(&w);
    assert_int_equal(w.in.fulfilment, FULFIL_READY);
    assert_int_equal(w.commits, 1);
}

static void by_hand(void **state)
{
    (void)state;
    for (int approved = 0; approved < 2; approved++) {
        struct world w = held();

        w.in.needs_approval = true;
        settle(&w);
        assert_int_equal(w.asked, 1);
        assert_int_equal(w.in.fulfilment, FULFIL_IDENTIFIED);
        w.in.held = w.in.needs_approval = false;
        w.in.rejected = !approved;
        settle(&w);
        assert_int_equal(w.commits, approved);
        assert_int_equal(w.rejects, !approved);
        assert_int_equal(w.in.fulfilment, approved ? FULFIL_READY : FULFIL_CLOSED);
    }
}

static void at_registration(void **state)
{
    struct world w = held();

    (void)state;
    w.in.commit_early = true;
    w.breaks = true;
    settle(&w);
    assert_int_equal(w.commits, 1);
    assert_int_equal(w.in.fulfilment, FULFIL_FAILED);
}

/* Nothing is left that could be paid for, whatever the plan says and however far it came. */
static void what_is_deleted_is_not_charged(void **state)
{
    static const enum fulfilment at[] = {FULFIL_RECEIVED,  FULFIL_IDENTIFIED, FULFIL_PROVISIONING,
                                         FULFIL_VERIFYING, FULFIL_FAILED,     FULFIL_STUCK,
                                         FULFIL_DELETING};

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
        for (int asked = 0; asked < 2; asked++) {
            struct world w = held();

            w.in.fulfilment = at[i];
            w.in.deployed = at[i] >= FULFIL_PROVISIONING;
            w.in.commit = asked ? COMMIT_ASKED : COMMIT_HELD;
            w.in.want_deleted = true;
            w.in.on_late = CFG_LATE_COMMIT;
            w.in.now_ms = LATER;
            settle(&w);
            assert_int_equal(w.commits, 0);
            assert_int_equal(w.rejects, 1);
            assert_int_equal(w.in.fulfilment, FULFIL_CLOSED);
        }
}

static void nobody_registered(void **state)
{
    struct world w = held();

    (void)state;
    w.in.registered = false;
    settle(&w);
    assert_int_equal(w.in.fulfilment, FULFIL_RECEIVED);
    assert_int_equal(w.commits, 0);
}

/* The old deployment goes first, in whatever state the change finds it. */
static void replaces(void **state)
{
    static const enum fulfilment at[] = {FULFIL_READY,        FULFIL_DEGRADED,  FULFIL_UPDATING,
                                         FULFIL_PROVISIONING, FULFIL_VERIFYING, FULFIL_FAILED};

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        struct world w = held();

        w.in.contract = CONTRACT_ACTIVE;
        w.in.commit = COMMIT_DONE;
        w.in.fulfilment = at[i];
        w.in.deployed = w.in.replace = w.in.applied = true;
        settle(&w);
        assert_int_equal(w.in.fulfilment, FULFIL_READY);
        assert_false(w.in.replace);
    }
}

static void a_refused_change_is_told_once(void **state)
{
    struct world w = held();

    (void)state;
    w.in.contract = CONTRACT_ACTIVE;
    w.in.commit = COMMIT_DONE;
    w.in.fulfilment = FULFIL_READY;
    w.in.deployed = w.in.spec_current = w.in.applied = w.in.change_refused = true;
    settle(&w);
    settle(&w);
    assert_int_equal(w.alerts, 1);
    assert_int_equal(w.in.fulfilment, FULFIL_READY);
}

static const char text[] =
    "marketplace:\n"
    "  cloud: azure\n"
    "  azure: {offer_id: o, tenant_id: 1f2e3d4c-0000-4000-8000-000000000001,\n"
    "    client_id: 1f2e3d4c-0000-4000-8000-000000000002, client_secret_file: /etc/hostname}\n"
    "  plans:\n"
    "    a: {deployment_template: one, default: true, changes: {b: replace, c: at-renewal, "
    "d: refuse}}\n"
    "    b: {deployment_template: one, changes: {others: refuse, c: in-place}}\n"
    "    c: {deployment_template: two}\n"
    "    d: {deployment_template: one}\n"
    "deployment_templates:\n"
    "  one: {engine: exec, command: [/bin/true]}\n"
    "  two: {engine: process, command: [/bin/true], endpoint: 'https://{tenant}.example/'}\n";

static void strategies(void **state)
{
    static const struct {
        const char *from, *to;
        int64_t until;
        enum change want;
        const char *plan;
    } rows[] = {
        {"", "a", 0, CHANGE_NONE, "a"},           {"a", "a", 0, CHANGE_NONE, "a"},
        {"a", "b", 0, CHANGE_REPLACE, "b"},       {"a", "c", LATER, CHANGE_LATER, "a"},
        {"a", "c", NOW - 1, CHANGE_REPLACE, "c"}, {"a", "c", 0, CHANGE_REPLACE, "c"},
        {"a", "d", 0, CHANGE_REFUSED, "a"},       {"b", "a", 0, CHANGE_REFUSED, "b"},
        {"b", "c", 0, CHANGE_REPLACE, "c"}, /* engines differ */
        {"d", "a", 0, CHANGE_NOW, "a"},           {"gone", "a", 0, CHANGE_NONE, "a"},
    };
    struct config *c;
    struct buf errors;

    (void)state;
    buf_init(&errors, 4096);
    if (config_parse("test", str_of(text), &c, &errors))
        fail_msg("%s", buf_cstr(&errors));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct change_in in = {
            c, &c->markets[0], str_of(rows[i].from), str_of(rows[i].to), rows[i].until, NOW};
        enum change got = change_of(&in);

        assert_int_equal(got, rows[i].want);
        assert_string_equal(change_plan(&in, got)->name, rows[i].plan);
    }
    config_free(&c);
    buf_free(&errors);
}

static void elsewhere(void **state)
{
    static const struct {
        const char *outputs;
        bool wrong;
    } rows[] = {
        {"", false},
        {"{}", false},
        {"{\"cloud\":\"azure\",\"region\":\"westeurope\"}", false},
        {"{\"cloud\":\"Azure\"}", false},
        {"{\"cloud\":\"aws\"}", true},
        {"{\"region\":\"eastus\"}", true},
        {"{\"cloud\":\"azure\",\"region\":\"eastus\"}", true},
    };
    struct plan_place want = {STR("azure"), STR("westeurope")};
    struct buf why;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        buf_init(&why, 256);
        assert_int_equal(plan_elsewhere(str_of(rows[i].outputs), &want, &why), rows[i].wrong);
        buf_free(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_what_answers),
        cmocka_unit_test(never_commits_what_does_not),
        cmocka_unit_test(commits_late_when_the_plan_says_so),
        cmocka_unit_test(what_an_operator_stopped_is_not_charged),
        cmocka_unit_test(a_charge_that_began_all_the_same_is_told),
        cmocka_unit_test(waits_for_the_channel),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(at_registration),
        cmocka_unit_test(what_is_deleted_is_not_charged),
        cmocka_unit_test(nobody_registered),
        cmocka_unit_test(replaces),
        cmocka_unit_test(a_refused_change_is_told_once),
        cmocka_unit_test(strategies),
        cmocka_unit_test(elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
