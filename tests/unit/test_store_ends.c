/* What ends, what is done once, what an operator may, and what a resync visits. */
#include "store_test.h"

#include "base/hash.h"

#define O1                  "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define O2                  "o0-bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define O3                  "o0-cccccccccccccccccccccccccc"
#define FORM                "cap", "1000000", "{\"n\":1}", "a@b.example", "60000"
#define PLACE(id)           OK(0, STORE_ORDER_PLACE, id, FORM)
#define UPSERT(id, at, ...) OK(0, STORE_ORDER_UPSERT, id, at, __VA_ARGS__)
#define WRITE(...)          OK(0, STORE_ORDER_WRITE, task, token, O1, __VA_ARGS__)
#define FINISH(how)         OK(0, STORE_TASK_FINISH, task, token, how, "0", "AUTH", "text")
#define OPERATE(verb)       OK(0, STORE_OPERATE, O1, verb, "jo", "why")

static const char *order_field(const char *id, const char *name)
{
    OK(0, STORE_ORDER_GET, id);
    return field(name);
}

static unsigned due(const char *role, const char *kind)
{
    unsigned n = 0;

    while (claim(role)) {
        n += strncmp(task, kind, strlen(kind)) == 0;
        FINISH("done");
    }
    return n;
}

static void begin(void)
{
    UPSERT(O1, "1000", "granted", "1", "plan", "starter");
    PLACE(O1);
    assert_true(claim("deploy"));
}

static void nothing_of_a_person_survives_erasure(void **state)
{
    static const char *const gone[] = {"o.form", "o.email", "o.buyer_email", "o.account",
                                       "o.customer"};

    (void)state;
    UPSERT(O1, "1000", "granted", "1", "buyer_email", "b@c.example", "account", "1234", "customer",
           "cust-1");
    PLACE(O1);
    UPSERT(O1, "2000", "erase", "1");
    assert_true(number(order_field(O1, "o.delete_at")) <= clock_wall_ms() + 60000);
    UPSERT(O1, "2100", "erase", "1");
    IS("changed", "0");
    assert_true(claim("deploy"));
    WRITE("o.fulfilment", "DELETING");
    WRITE("o.fulfilment", "CLOSED");
    FINISH("done");
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
        assert_string_equal(order_field(O1, gone[i]), "");
    assert_string_equal(order_field(O1, "o.fulfilment"), "CLOSED");
}

/* Whatever the channel says of it: no second environment, and no work. */
static void closed_is_closed(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "unattended", "1", "plan", "starter");
    UPSERT(O1, "2000", "erase", "1");
    assert_true(claim("deploy"));
    WRITE("o.fulfilment", "DELETING");
    UPSERT(O1, "3000", "contract", "ACTIVE", "granted", "1");
    assert_string_equal(order_field(O1, "o.tenant"), "");
    WRITE("o.fulfilment", "CLOSED");
    UPSERT(O1, "3500", "contract", "CANCELLED");
    UPSERT(O1, "4000", "contract", "ACTIVE", "granted", "1", "plan", "pro");
    assert_string_equal(order_field(O1, "o.tenant"), "");
    FINISH("done");
    UPSERT(O1, "5000", "plan", "starter");
    assert_false(claim("deploy"));
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "retry", "jo", "why");
}

static void a_sign_up_that_is_wanted_late_is_told(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "commit", "held");
    PLACE(O1);
    assert_int_equal(due("market", "tell:"), 0);
    UPSERT(O1, "2000", "signup", "wanted");
    assert_int_equal(due("market", "tell:" O1 ":signup"), 1);
    UPSERT(O1, "3000", "plan", "starter");
    assert_int_equal(due("market", "tell:"), 0);
}

static void a_mail_and_a_time_are_written_once(void **state)
{
    char first[32];

    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED", "+mail", "ready");
    snprintf(first, sizeof(first), "%s", order_field(O1, "o.at_confirmed"));
    assert_int_not_equal(number(first), 0);
    WRITE("o.fulfilment", "STUCK");
    usleep(3000);
    WRITE("o.fulfilment", "IDENTIFIED", "+mail", "ready", "o.note", "again");
    assert_string_equal(order_field(O1, "o.at_confirmed"), first);
    FINISH("wait");
    assert_int_equal(due("notify", "mail:" O1 ":ready"), 1);
    assert_true(claim("deploy"));
    WRITE("o.note", "third", "+mail", "ready");
    FINISH("wait");
    assert_int_equal(due("notify", "mail:" O1 ":ready"), 0);
}

static void a_retry_forgets_what_failed(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED", "t.failed_sha256", "abc");
    WRITE("o.fulfilment", "FAILED");
    FINISH("dead");
    OPERATE("retry");
    IS("rearmed", "1");
    assert_string_equal(order_field(O1, "t.failed_sha256"), "");
    assert_string_equal(field("o.fulfilment"), "IDENTIFIED");
}

static void a_delete_leaves_nothing_parked_or_held(void **state)
{
    (void)state;
    begin();
    WRITE("o.fulfilment", "IDENTIFIED", "+task", "tell market 0 progress");
    FINISH("wait");
    assert_true(claim("market"));
    FINISH("dead");
    OPERATE("cancel");
    IS("hold", "cancelled");
    OPERATE("delete");
    IS("hold", "");
    IS("want", "deleted");
    IS("rearmed", "1");
}

static void only_who_was_there_before_is_adopted(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "contract", "ACTIVE", "granted", "1");
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "approve", "jo", "why");
    assert_string_equal(order_field(O1, "o.tenant"), "");
}

static void names_lead_in_no_circle(void **state)
{
    (void)state;
    OK(0, STORE_ORDER_ALIAS, O2, O3);
    REFUSED(-EPERM, 0, STORE_ORDER_ALIAS, O3, O2);
    UPSERT(O3, "1000", "granted", "1");
    REFUSED(-EPERM, 0, STORE_ORDER_MERGE, O3, O2);
    REFUSED(-EPERM, 0, STORE_ORDER_MERGE, O3, O3);
    begin();
    REFUSED(-EPERM, 0, STORE_ORDER_MERGE, O1, O3); /* it has an environment of its own */
    assert_string_equal(order_field(O1, "o.fulfilment"), "RECEIVED");
}

static bool is_queued(const char *id)
{
    char key[200];

    snprintf(key, sizeof(key), "{p0}:k:%s", id);
    return strcmp(RAW("HGET", key, "state"), "queued") == 0;
}

static void a_resync_visits_who_has_something_to_lose(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "commit", "held");                        /* its charge has a deadline */
    UPSERT(O2, "1000", "unattended", "1", "contract", "ACTIVE"); /* nobody watches */
    UPSERT(O3, "1000", "contract", "ACTIVE");                    /* nobody has come for it */
    RAW("DEL", "{p0}:k:fulfil:" O1, "{p0}:k:fulfil:" O2);
    RAW("DEL", "{p0}:ready:deploy", "{p0}:live", "{p0}:ready:notify");
    OK(0, STORE_RESYNC, "0", "100", "0", "60000");
    IS("added", "2");
    assert_true(is_queued("fulfil:" O1) && is_queued("fulfil:" O2));
    assert_false(is_queued("fulfil:" O3));
    assert_true(is_queued("refresh:" O1) && is_queued("refresh:" O2));
}

static void a_resync_asks_no_more_often_than_told(void **state)
{
    (void)state;
    begin();
    FINISH("done");
    OK(0, STORE_RESYNC, "0", "100", "0", "60000");
    assert_int_equal(due("market", "refresh:" O1), 1);
    OK(0, STORE_RESYNC, "0", "100", "0", "60000");
    assert_int_equal(due("market", "refresh:" O1), 0);
    usleep(20000);
    OK(0, STORE_RESYNC, "0", "100", "0", "10");
    assert_int_equal(due("market", "refresh:" O1), 1);
    UPSERT(O1, "2000", "contract", "CANCELLED");
    usleep(20000);
    OK(0, STORE_RESYNC, "0", "100", "0", "10");
    assert_int_equal(due("market", "refresh:" O1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_of_a_person_survives_erasure),
        T(closed_is_closed),
        T(a_sign_up_that_is_wanted_late_is_told),
        T(a_mail_and_a_time_are_written_once),
        T(a_retry_forgets_what_failed),
        T(a_delete_leaves_nothing_parked_or_held),
        T(only_who_was_there_before_is_adopted),
        T(names_lead_in_no_circle),
        T_BROKEN(a_resync_visits_who_has_something_to_lose),
        T(a_resync_asks_no_more_often_than_told),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
