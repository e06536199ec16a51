/* Rules of orders and their work that cost money when they are broken. */
#include "store_test.h"

#include "base/hash.h"

#define O1                  "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define O2                  "o0-bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define O3                  "o0-cccccccccccccccccccccccccc"
#define FORM                "cap", "1000000", "{}", "a@b.example", "60000"
#define PLACE(id)           OK(0, STORE_ORDER_PLACE, id, FORM)
#define UPSERT(id, at, ...) OK(0, STORE_ORDER_UPSERT, id, at, __VA_ARGS__)
#define WRITE(...)          OK(0, STORE_ORDER_WRITE, task, token, O1, __VA_ARGS__)
#define FINISH(how)         OK(0, STORE_TASK_FINISH, task, token, how, "0", "STUCK", "text")

static const char *order_field(const char *id, const char *name)
{
    OK(0, STORE_ORDER_GET, id);
    return field(name);
}

/* As if the lease had run out. */
static void expire(const char *id)
{
    RAW("ZADD", "{p0}:lease", "1", id);
}

static void begin(void)
{
    UPSERT(O1, "1000", "granted", "1", "plan", "starter");
    PLACE(O1);
    assert_true(claim("deploy"));
}

/* An environment that runs is not called stuck because a look at it was given up. */
static void only_what_needs_work_gets_stuck(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED");
    WRITE("o.fulfilment", "READY");
    FINISH("dead");
    assert_string_equal(order_field(O1, "o.fulfilment"), "READY");
    OK(0, STORE_OPERATE, O1, "suspend", "jo", "why"); /* arms the task again, for good */
    assert_true(claim("deploy"));
    assert_string_equal(RAW("PTTL", "{p0}:k:fulfil:" O1), "-1");
}

/* What waits for a person, or was refused, is not polled. */
static void a_hold_is_no_work(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED", "o.hold", "approval");
    FINISH("done");
    IS("state", "done");
    UPSERT(O2, "1000", "commit", "held");
    PLACE(O2);
    assert_true(claim("deploy"));
    OK(0, STORE_ORDER_WRITE, task, token, O2, "o.commit", "rejected");
    FINISH("done");
    IS("state", "done");
}

/* A form that comes when all is over makes no environment. */
static void what_is_over_is_not_begun(void **state)
{
    static const char *const ends[] = {"DELETING", "CLOSED"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        RAW("FLUSHALL");
        OK(0, STORE_INIT, "1", "test", "1");
        UPSERT(O1, "1000", "commit", "held");
        UPSERT(O1, "2000", "contract", "CANCELLED", "erase", "1");
        assert_true(claim("deploy"));
        for (size_t k = 0; k <= i; k++)
            WRITE("o.fulfilment", ends[k]);
        FINISH("done");
        PLACE(O1);
        assert_string_equal(order_field(O1, "o.tenant"), "");
        assert_string_equal(field("o.registered"), "1");
        assert_string_equal(RAW("EXISTS", "{p0}:k:mail:" O1 ":registered"), "0");
        assert_string_equal(RAW("HGET", "{p0}:meta", "slot"), "");
    }
}

/* Nobody may have told of it: the channel is asked whether it has begun. */
static void a_registration_asks_for_its_purchase(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "plan", "starter");
    PLACE(O1);
    assert_string_equal(RAW("HGET", "{p0}:k:refresh:" O1, "state"), "queued");
    begin();
    UPSERT(O2, "1000", "granted", "1");
    PLACE(O2);
    assert_string_equal(RAW("EXISTS", "{p0}:k:refresh:" O2), "0");
}

static void tries_are_counted_through_waits(void **state)
{
    (void)state;
    begin();
    FINISH("retry");
    assert_true(claim("deploy"));
    FINISH("wait");
    assert_true(claim("deploy"));
    ROW_IS(1, "tries", "1");
    FINISH("retry");
    assert_true(claim("deploy"));
    ROW_IS(1, "tries", "2");
}

/* The wish to stop what runs is not one to stop what is begun later. */
static void a_cancel_is_for_the_run_that_it_met(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED");
    for (int died = 0; died < 2; died++) {
        OK(0, STORE_OPERATE, O1, "cancel", "jo", "why");
        OK(0, STORE_TASK_RENEW, "30000", task, token);
        ROW_IS(0, "cancel", "1");
        if (died)
            expire(task);
        else
            FINISH("wait");
        RAW("HDEL", "{p0}:o:" O1, "hold");
        RAW("ZADD", "{p0}:ready:deploy", "XX", "1", task);
        assert_true(claim("deploy"));
        OK(0, STORE_TASK_RENEW, "30000", task, token);
        assert_string_not_equal(field("cancel"), "1");
    }
}

/* Nothing newer contradicts it: an older word still lets a purchase begin; never an ended one. */
static void an_older_word_begins_what_waits(void **state)
{
    (void)state;
    UPSERT(O1, "2000", "plan", "starter");
    UPSERT(O1, "1000", "granted", "1");
    IS("stale", "1");
    IS("contract", "ACTIVE");
    UPSERT(O2, "2000", "plan", "starter");
    UPSERT(O2, "1000", "contract", "ACTIVE");
    IS("contract", "ACTIVE");
    UPSERT(O2, "3000", "contract", "CANCELLED", "at_ended", "2900");
    UPSERT(O2, "4000", "contract", "EXPIRED");
    assert_string_equal(order_field(O2, "o.at_ended"), "2900"); /* since then grace runs */
}

static void a_rejected_charge_stays_rejected(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "commit", "held");
    PLACE(O1);
    assert_true(claim("deploy"));
    WRITE("o.commit", "rejected");
    UPSERT(O1, "2000", "commit", "done");
    assert_string_equal(order_field(O1, "o.commit"), "rejected");
    assert_string_equal(field("o.at_committed"), "");
    UPSERT(O2, "1000", "commit", "held");
    UPSERT(O2, "2000", "contract", "ACTIVE", "commit", "done");
    assert_string_not_equal(order_field(O2, "o.at_committed"), "");
}

/* Somebody came for it: he is not told to wait for an operator. */
static void who_registered_is_no_old_customer(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "plan", "starter");
    PLACE(O1);
    UPSERT(O1, "2000", "unattended", "1", "bought_at", "5000", "contract", "ACTIVE");
    assert_string_equal(order_field(O1, "o.existing"), "");
    assert_string_equal(field("o.unattended"), "1");
}

/* A word of the channel about a purchase that was merged or renewed away finds its order first. */
static void a_name_is_no_order(void **state)
{
    (void)state;
    begin();
    OK(0, STORE_ORDER_ALIAS, O2, O1);
    REFUSED(-EPERM, 0, STORE_ORDER_UPSERT, O2, "1", "plan", "starter");
    REFUSED(-ENOENT, 0, STORE_ORDER_GET, O2);
    UPSERT(O3, "1", "granted", "1");
    OK(0, STORE_ORDER_MERGE, O3, O1);
    RAW("DEL", "{p0}:alias:" O3);
    REFUSED(-EPERM, 0, STORE_ORDER_UPSERT, O3, "2", "plan", "pro");
}

/* A renewal is told with the times of the new agreement, which may be older than what was read. */
static void a_renewal_takes_the_place(void **state)
{
    (void)state;
    UPSERT(O1, "5000", "purchase", "l-1", "granted", "1", "trial", "1", "plan", "starter");
    UPSERT(O1, "6000", "purchase", "l-1", "supersede", "1");
    assert_string_equal(order_field(O1, "o.renewals"), ""); /* the same purchase */
    UPSERT(O1, "6500", "purchase", "l-1b");
    assert_string_equal(order_field(O1, "o.renewals"), ""); /* nobody said so */
    UPSERT(O1, "4000", "purchase", "l-2", "supersede", "1", "plan", "pro");
    IS("stale", "0");
    assert_string_equal(order_field(O1, "o.renewals"), "1");
    assert_string_equal(field("o.purchase"), "l-2");
    assert_string_equal(field("o.plan"), "pro");
    assert_string_equal(field("o.trial"), "");
    assert_string_equal(field("o.supersede"), "");
    assert_string_equal(field("o.at"), "6500"); /* never back */
}

/* Told again and again, of one who has his environment: nothing begins anew, nothing is taken. */
static void unattended_stays_unattended(void **state)
{
    char created[24], just[24];

    (void)state;
    snprintf(created, sizeof(created), "%s", RAW("HGET", "{p0}:meta", "created"));
    snprintf(just, sizeof(just), "%lld", (long long)number(created) - 300000);
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1000", "unattended", "1", "late_ms", "soon");
    UPSERT(O1, "1000", "unattended", "1", "bought_at", just, "contract", "ACTIVE", /* clocks */
           "late_ms", "60000");
    assert_string_equal(order_field(O1, "o.existing"), "");
    assert_string_not_equal(field("o.tenant"), "");
    assert_string_not_equal(RAW("EXISTS", "{p0}:k:late:" O1), "0"); /* nobody watches a page */
    UPSERT(O1, "1100", "unattended", "1", "bought_at", "5000", "contract", "ACTIVE");
    assert_string_equal(order_field(O1, "o.existing"), "");
    assert_string_equal(field("o.unattended"), "1");
}

/* Two events of one moment: the one that comes last is believed. */
static void of_equal_times_the_last_counts(void **state)
{
    (void)state;
    OK(0, STORE_AGREEMENT, "aws", "a1", "2000", "status", "ACTIVE");
    OK(0, STORE_AGREEMENT, "aws", "a1", "2000", "status", "CANCELLED");
    IS("status", "CANCELLED");
    OK(0, STORE_AGREEMENT, "aws", "a1", "1999", "status", "ACTIVE");
    IS("status", "CANCELLED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_what_needs_work_gets_stuck),   T(a_hold_is_no_work),
        T(what_is_over_is_not_begun),         T(a_registration_asks_for_its_purchase),
        T(tries_are_counted_through_waits),   T(a_cancel_is_for_the_run_that_it_met),
        T(an_older_word_begins_what_waits),   T(a_rejected_charge_stays_rejected),
        T(who_registered_is_no_old_customer), T(a_name_is_no_order),
        T(a_renewal_takes_the_place),         T(unattended_stays_unattended),
        T(of_equal_times_the_last_counts),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
