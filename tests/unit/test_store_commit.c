/* Where the channel holds the charge, asks nobody to land, or wants to know who signs in. */
#include "store_test.h"

#include "base/hash.h"

#define O1                  "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define O2                  "o0-bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LAND(reg)           OK(0, STORE_LAND, reg, "azure", "saas", "sealed", "3600000", "{}")
#define FORM                "cap", "1000000", "{}", "a@b.example", "60000"
#define PLACE(id)           OK(0, STORE_ORDER_PLACE, id, FORM)
#define UPSERT(id, at, ...) OK(0, STORE_ORDER_UPSERT, id, at, __VA_ARGS__)

static void resolve(const char *reg, const char *order)
{
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, reg, order, "0", "plan", "starter");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
}

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
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    }
    return n;
}

/* The channel holds the charge: work begins while the contract is pending. */
static void a_held_charge_is_work(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "standing", "held", "commit", "held", "plan", "starter");
    IS("contract", "PENDING");
    assert_true(claim("deploy")); /* nobody came yet, but the charge has a deadline */
    OK(0, STORE_TASK_FINISH, task, token, "wait", "1000000", "", "");
    assert_false(claim("deploy"));
    PLACE(O1);
    assert_true(claim("deploy"));
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "IDENTIFIED", "o.commit", "asked",
       "+task", "tell market 0 commit");
    UPSERT(O1, "1100", "commit", "held");
    assert_string_equal(order_field(O1, "o.commit"), "asked");
    UPSERT(O1, "1200", "contract", "ACTIVE", "commit", "done");
    assert_string_equal(order_field(O1, "o.commit"), "done");
    UPSERT(O1, "1300", "commit", "held");
    assert_string_equal(order_field(O1, "o.commit"), "done");
    assert_int_equal(due("market", "tell:" O1 ":commit"), 1);
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "1400", "commit", "maybe");
}

static void nothing_is_held_that_runs(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "contract", "ACTIVE", "granted", "1", "commit", "held");
    assert_string_equal(order_field(O1, "o.commit"), "");
    UPSERT(O1, "1100", "commit", "done");
    assert_string_equal(order_field(O1, "o.commit"), "");
}

/* No landing: the order has its tenant at once, and the later form finds it. */
static void unattended_orders_get_a_tenant(void **state)
{
    char tenant[64];

    (void)state;
    UPSERT(O1, "1000", "unattended", "1", "plan", "starter");
    assert_false(claim("deploy"));
    assert_string_equal(order_field(O1, "o.tenant"), "");
    UPSERT(O1, "1100", "contract", "ACTIVE", "granted", "1");
    str_copy(str_of(order_field(O1, "o.tenant")), tenant, sizeof(tenant));
    assert_true(tenant[0] == 't');
    assert_string_equal(field("o.registered"), "0");
    assert_string_equal(field("t.order"), O1);
    assert_true(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "wait", "1000000", "", "");
    UPSERT(O1, "1100", "contract", "ACTIVE", "granted", "1");
    IS("changed", "0");
    PLACE(O1);
    IS("repeat", "0");
    assert_string_equal(order_field(O1, "o.tenant"), tenant);
    assert_string_equal(field("o.registered"), "1");
    OK(0, STORE_STATUS, "cap");
    IS("unattended", "1");
}

/* Customers from before the installation are not given a second environment. */
static void older_purchases_wait_for_an_operator(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "unattended", "1", "bought_at", "5000", "contract", "ACTIVE");
    assert_string_equal(order_field(O1, "o.existing"), "1");
    assert_string_equal(field("o.tenant"), "");
    assert_false(claim("deploy"));
    UPSERT(O1, "1100", "unattended", "1", "bought_at", "5000", "contract", "ACTIVE");
    assert_string_equal(order_field(O1, "o.unattended"), "");
    OK(0, STORE_OPERATE, O1, "approve", "me", "ours from now on");
    assert_true(order_field(O1, "o.tenant")[0] == 't');
    assert_string_equal(field("o.existing"), "");
    assert_true(claim("deploy"));
    OK(0, STORE_TASK_FINISH, task, token, "wait", "1000000", "", "");
    UPSERT(O2, "1000", "unattended", "1", "bought_at", "99999999999999", "contract", "ACTIVE");
    assert_true(order_field(O2, "o.tenant")[0] == 't');
}

static void sign_ups_are_told_once_somebody_registered(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "signup", "wanted", "commit", "held");
    assert_int_equal(due("market", "tell:"), 0);
    PLACE(O1);
    assert_int_equal(due("market", "tell:" O1 ":signup"), 1);
    UPSERT(O1, "1100", "signup", "done");
    UPSERT(O1, "1200", "signup", "wanted");
    assert_string_equal(order_field(O1, "o.signup"), "done");
    assert_int_equal(due("market", "tell:"), 0);
}

static void erasure_ends_and_forgets(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "granted", "1");
    PLACE(O1);
    UPSERT(O1, "2000", "erase", "1");
    IS("contract", "CANCELLED");
    assert_true(claim("deploy"));
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "DELETING");
    assert_string_equal(order_field(O1, "o.email"), "a@b.example");
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "CLOSED");
    assert_string_equal(order_field(O1, "o.email"), "");
    assert_string_equal(field("o.form"), "");
}

static void erasure_reaches_who_never_registered(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "account", "acct");
    UPSERT(O1, "2000", "erase", "1");
    assert_true(claim("deploy"));
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "DELETING");
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "CLOSED");
    assert_string_equal(order_field(O1, "o.fulfilment"), "CLOSED");
    assert_string_equal(field("o.account"), "");
}

static void a_change_of_plan_remembers_its_term(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "plan", "a", "ends", "77000");
    UPSERT(O1, "2000", "plan", "b", "ends", "99000");
    assert_string_equal(order_field(O1, "o.plan_until"), "77000");
    assert_true(field("o.plan_since")[0] != 0);
    REFUSED(-EINVAL, 0, STORE_ORDER_UPSERT, O1, "3000", "plan_until", "1");
}

static void approval_is_asked_for_once(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "commit", "held");
    PLACE(O1);
    REFUSED(-EPERM, 0, STORE_OPERATE, O1, "approve", "me", "why");
    assert_true(claim("deploy"));
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.fulfilment", "IDENTIFIED", "o.hold", "approval");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    assert_false(claim("deploy"));
    OK(0, STORE_OPERATE, O1, "approve", "me", "why");
    IS("hold", "");
    assert_string_equal(order_field(O1, "o.approval"), "approved");
    OK(0, STORE_OPERATE, O1, "approve", "me", "again");
    IS("changed", "0");
    assert_true(claim("deploy"));
    OK(0, STORE_OPERATE, O1, "reject", "me", "changed my mind");
    assert_string_equal(order_field(O1, "o.approval"), "rejected");
    OK(0, STORE_ORDER_WRITE, task, token, O1, "o.commit", "rejected");
    OK(0, STORE_OPERATE, O1, "reject", "me", "again");
    IS("changed", "0");
    UPSERT(O2, "1000", "contract", "ACTIVE", "granted", "1");
    REFUSED(-EPERM, 0, STORE_OPERATE, O2, "reject", "me", "too late");
}

static int64_t atoll_of(const char *text)
{
    int64_t v = -1;

    assert_int_equal(str_i64(str_of(text), &v), 0);
    return v;
}

#define SIGN_IN(reg) OK(0, STORE_LAND, reg, "azure", "saas", "sealed", "3600000", "{}", "1")

static void a_landing_waits_for_a_sign_in(void **state)
{
    (void)state;
    SIGN_IN("r1");
    IS("state", "signin");
    assert_false(claim("market"));
    assert_true(atoll_of(RAW("PTTL", "{p0}:r:r1")) <= 3600000);
    OK(0, STORE_SIGN_IN, "r1", "sealed-answer");
    assert_true(atoll_of(RAW("PTTL", "{p0}:r:r1")) > 3600000);
    OK(0, STORE_SIGN_IN, "r1", "another");
    IS("repeat", "1");
    assert_true(claim("market"));
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("answer", "sealed-answer");
    OK(0, STORE_REG_IDENTITY, task, token, "r1", "id_tenant", "t", "id_object", "o", "id_name",
       "N");
    OK(0, STORE_REG_GET, "r1");
    IS("id_name", "N");
    IS("answer", "");
    IS("id_object", "");
    OK(0, STORE_REG_REFUSED, task, token, "r1", "wrong_account", "0");
    IS("state", "signin");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_REG_GET, "r1");
    IS("code", "wrong_account");
    IS("id_name", "");
    OK(0, STORE_SIGN_IN, "r1", "answer-2");
    assert_true(claim("market"));
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("token", "sealed");
    REFUSED(-EINVAL, 0, STORE_REG_IDENTITY, task, token, "r1", "state", "new");
    REFUSED(-ENOENT, 0, STORE_SIGN_IN, "r9", "x");
}

static void who_comes_again_gets_a_capability(void **state)
{
    (void)state;
    UPSERT(O1, "1000", "granted", "1");
    PLACE(O1);
    LAND("r2");
    REFUSED(-EPERM, 0, STORE_CLAIM, "r2", "cap2", "1000000");
    resolve("r2", O1);
    OK(0, STORE_CLAIM, "r2", "cap2", "1000000");
    OK(0, STORE_CLAIM, "r2", "cap2", "1000000");
    OK(0, STORE_STATUS, "cap2");
    IS("order", O1);
    LAND("r3");
    UPSERT(O2, "1000", "plan", "a");
    resolve("r3", O2);
    REFUSED(-EPERM, 0, STORE_CLAIM, "r3", "cap3", "1000000");
    REFUSED(-ENOENT, 0, STORE_CLAIM, "r9", "cap3", "1000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_held_charge_is_work),
        T(nothing_is_held_that_runs),
        T(unattended_orders_get_a_tenant),
        T(older_purchases_wait_for_an_operator),
        T(sign_ups_are_told_once_somebody_registered),
        T(erasure_ends_and_forgets),
        T(erasure_reaches_who_never_registered),
        T(a_change_of_plan_remembers_its_term),
        T(approval_is_asked_for_once),
        T(a_landing_waits_for_a_sign_in),
        T(who_comes_again_gets_a_capability),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
