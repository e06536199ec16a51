/*
 * decide: from every state the table can express, acting on the decisions comes to rest where the
 * desire is, and never by an illegal move.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fulfil/decide.h"

enum { ROUNDS = 12 };

/* An engine that succeeds at once and a proxy that answers: what the worker would record. */
static void perform(struct decide_in *in, const struct decision *d)
{
    switch (d->act) {
    case ACT_MOVE:
        if (!fulfilment_legal(in->fulfilment, d->to))
            fail_msg("illegal move %s to %s", fulfilment_name(in->fulfilment),
                     fulfilment_name(d->to));
        if ((d->to == FULFIL_PROVISIONING || d->to == FULFIL_UPDATING) && in->manual)
            in->held = true;
        in->fulfilment = d->to;
        break;
    case ACT_RENEW_SPEC:
        in->spec_current = true;
        in->applied = in->failed = in->pending = false;
        break;
    case ACT_APPLY:
    case ACT_OBSERVE:
        in->deployed = in->applied = true;
        in->pending = in->drift_due = false;
        break;
    case ACT_GRANT:
        in->applied = true;
        /* fall through */
    case ACT_PROBE:
        assert_true(in->fulfilment == FULFIL_READY ||
                    fulfilment_legal(in->fulfilment, FULFIL_READY));
        in->fulfilment = FULFIL_READY;
        break;
    case ACT_SUSPEND:
        assert_true(fulfilment_legal(in->fulfilment, FULFIL_SUSPENDED));
        in->fulfilment = FULFIL_SUSPENDED;
        break;
    case ACT_RESUME:
        in->fulfilment = FULFIL_VERIFYING;
        break;
    case ACT_DELETE:
        in->fulfilment = FULFIL_CLOSED;
        in->deployed = false;
        break;
    default:
        break;
    }
}

/* DEGRADED that is applied and observed well is probed by the worker after the observation. */
static void probe_after_observe(struct decide_in *in, enum act act)
{
    if (act == ACT_OBSERVE && in->fulfilment == FULFIL_DEGRADED)
        in->fulfilment = FULFIL_READY;
}

static void settle(struct decide_in *in, struct decision *d)
{
    int round;

    for (round = 0; round < ROUNDS; round++) {
        decide(in, d);
        if (d->act == ACT_REST || d->act == ACT_WAIT)
            return;
        perform(in, d);
        probe_after_observe(in, d->act);
    }
    fail_msg("no rest: contract %s fulfilment %s act %s", contract_name(in->contract),
             fulfilment_name(in->fulfilment), act_name(d->act));
}

static void check_end(const struct decide_in *from, const struct decide_in *in,
                      const struct decision *d)
{
    if (d->desire == DESIRE_DELETED)
        assert_int_equal(in->fulfilment, FULFIL_CLOSED);
    if (from->fulfilment == FULFIL_CLOSED)
        assert_int_equal(in->fulfilment, FULFIL_CLOSED);
    if (d->desire == DESIRE_RUNNING && from->fulfilment < FULFIL_FAILED && from->has_plan &&
        !from->manual && !from->held && !from->account)
        assert_int_equal(in->fulfilment, FULFIL_READY);
    if (d->desire == DESIRE_SUSPENDED)
        assert_true(in->fulfilment != FULFIL_READY || !from->deployed || from->held);
    if (d->act == ACT_WAIT)
        assert_true(d->until_ms > in->now_ms);
}

static struct decide_in unpack(unsigned c, unsigned f, unsigned bits, int64_t delete_at)
{
    return (struct decide_in){
        .contract = (enum contract)c,
        .fulfilment = (enum fulfilment)f,
        .registered = bits & 1,
        .want_suspended = bits & 2,
        .want_deleted = bits & 4,
        .held = bits & 8,
        .deployed = bits & 16,
        .keep_on_end = bits & 32,
        .has_plan = !(bits & 64),
        .manual = bits & 128,
        .spec_current = bits & 256,
        .applied = bits & 512,
        .pending = bits & 1024,
        .failed = bits & 2048,
        .drift_due = bits & 4096,
        .account = bits & 8192,
        .delete_at_ms = delete_at,
        .now_ms = 1000,
    };
}

static void every_state_comes_to_rest(void **state)
{
    static const int64_t delete_at[] = {500, 5000, INT64_MAX};

    (void)state;
    for (unsigned c = 0; c <= CONTRACT_EXPIRED; c++)
        for (unsigned f = 0; f <= FULFIL_CLOSED; f++)
            for (unsigned bits = 0; bits < 16384; bits++)
                for (unsigned k = 0; k < 3; k++) {
                    struct decide_in in = unpack(c, f, bits, delete_at[k]), from = in;
                    struct decision d;

                    /* Something applied was deployed; early states have nothing yet. */
                    if (in.applied && !in.deployed)
                        continue;
                    if (f <= FULFIL_IDENTIFIED && in.deployed)
                        continue;
                    if (f >= FULFIL_VERIFYING && f <= FULFIL_DEGRADED && !in.deployed)
                        continue;
                    settle(&in, &d);
                    check_end(&from, &in, &d);
                }
}

static void delete_wins(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FULFIL_CLOSED; f++)
        for (unsigned bits = 0; bits < 16384; bits++) {
            struct decide_in in = unpack(CONTRACT_ACTIVE, f, bits | 4, INT64_MAX);

            assert_int_equal(decide_desire(&in), DESIRE_DELETED);
        }
}

static void grace_is_kept(void **state)
{
    struct decide_in in = {.contract = CONTRACT_CANCELLED,
                           .fulfilment = FULFIL_READY,
                           .registered = true,
                           .deployed = true,
                           .applied = true,
                           .spec_current = true,
                           .has_plan = true,
                           .delete_at_ms = 2000,
                           .now_ms = 1000};
    struct decision d;

    (void)state;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_SUSPENDED);
    assert_int_equal(d.act, ACT_WAIT);
    assert_int_equal(d.until_ms, 2000);
    in.contract = CONTRACT_ACTIVE; /* renewed within the grace period */
    in.delete_at_ms = INT64_MAX;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_READY);
    in.contract = CONTRACT_EXPIRED;
    in.delete_at_ms = 900;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_CLOSED);
}

static void by_hand_waits_for_a_human(void **state)
{
    struct decide_in in = {.contract = CONTRACT_ACTIVE,
                           .fulfilment = FULFIL_RECEIVED,
                           .registered = true,
                           .has_plan = true,
                           .manual = true,
                           .spec_current = true,
                           .now_ms = 1,
                           .delete_at_ms = INT64_MAX};
    struct decision d;

    (void)state;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_PROVISIONING);
    assert_true(in.held);
    in.held = false;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_READY);
}

static void nothing_before_confirmation(void **state)
{
    struct decide_in in = {.contract = CONTRACT_PENDING,
                           .fulfilment = FULFIL_RECEIVED,
                           .registered = true,
                           .has_plan = true,
                           .now_ms = 1,
                           .delete_at_ms = INT64_MAX};
    struct decision d;

    (void)state;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_RECEIVED);
    in.contract = CONTRACT_ACTIVE;
    in.registered = false;
    settle(&in, &d);
    assert_int_equal(in.fulfilment, FULFIL_RECEIVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_comes_to_rest),
        cmocka_unit_test(delete_wins),
        cmocka_unit_test(grace_is_kept),
        cmocka_unit_test(by_hand_waits_for_a_human),
        cmocka_unit_test(nothing_before_confirmation),
    };

    return cmocka_run_group_tests_name("fulfil decide", tests, NULL, NULL);
}
