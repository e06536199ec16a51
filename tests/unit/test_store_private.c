/*
 * What a registration keeps of a person, who may see it, and when it is forgotten: the front reads
 * states and names, never what was typed or sealed; the worker only with its task's token.
 */
#include "store_test.h"

#include "base/hash.h"

#define O1      "o0-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FAR     "o1-dddddddddddddddddddddddddd"
#define FORM    "{\"company\":\"Acme\"}"
#define LAND(r) OK(0, STORE_LAND, r, "azure", "saas", "sealed", "3600000", "{\"a\":1}")
#define SIGN_IN(r)                                                                                 \
    OK(0, STORE_LAND, r, "azure", "saas", "sealed", "3600000", "{}", "1");                         \
    OK(0, STORE_SIGN_IN, r, "sealed-answer")
#define SUBMIT(r, cap) OK(0, STORE_SUBMIT, r, cap, "1000000", FORM, "ann@b.example", "60000")
#define IDENTITY(r)                                                                                \
    OK(0, STORE_REG_IDENTITY, task, token, r, "id_tenant", "t-1", "id_object", "ob-1", "id_name",  \
       "Ann", "id_email", "ann@b.example")

static const char *const secrets[] = {"token", "digest", "answer",  "form",    "email",
                                      "cap",   "extra",  "cap_ttl", "late_ms", "id_object"};

static void shows_no_secret(void)
{
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        IS(secrets[i], "");
}

static int64_t left_ms(const char *key)
{
    return number(RAW("PTTL", key));
}

static void neither_front_nor_page_sees_what_was_typed(void **state)
{
    static const char *const people[] = {"id_tenant", "id_object", "id_name", "id_email"};

    (void)state;
    SIGN_IN("r1");
    assert_true(claim("market"));
    OK(0, STORE_REG_GET, "r1");
    shows_no_secret();
    IDENTITY("r1");
    SUBMIT("r1", "c1");
    OK(0, STORE_REG_GET, "r1");
    shows_no_secret();
    IS("id_name", "Ann"); /* proposed in the form */
    OK(0, STORE_STATUS, "c1");
    IS("kind", "reg");
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (strcmp(secrets[i], "email") != 0) /* "we write to ..." */
            IS(secrets[i], "");
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        IS(people[i], "");
}

static void an_answer_works_once(void **state)
{
    (void)state;
    SIGN_IN("r1");
    assert_true(claim("market"));
    REFUSED(-ESTALE, 0, STORE_REG_IDENTITY, task, "another", "r1", "id_name", "Eve");
    REFUSED(-EINVAL, 0, STORE_REG_IDENTITY, task, token, "r1", "email", "eve@x.example");
    IDENTITY("r1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("answer", "");
    IS("id_object", "ob-1");
}

static void who_was_the_wrong_one_is_forgotten(void **state)
{
    static const char *const people[] = {"answer", "id_tenant", "id_object", "id_name", "id_email"};

    (void)state;
    SIGN_IN("r1");
    assert_true(claim("market"));
    IDENTITY("r1");
    OK(0, STORE_REG_REFUSED, task, token, "r1", "wrong_account", "0");
    IS("state", "signin");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        IS(people[i], "");
    /* Nobody may ever come back: as long as the token is of use, at least ten minutes. */
    assert_in_range(left_ms("{p0}:r:r1"), 600000, 3600000);
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_SIGN_IN, "r1", "answer-2");
    OK(0, STORE_REG_GET, "r1");
    IS("code", ""); /* the page does not go on about the other account */
    IS("state", "new");
}

/* A form that was sent is not sent back to the sign-in page. */
static void a_sent_form_stays_sent(void **state)
{
    (void)state;
    SIGN_IN("r1");
    SUBMIT("r1", "c1");
    assert_true(claim("market"));
    OK(0, STORE_REG_REFUSED, task, token, "r1", "sign_in_again", "0");
    IS("state", "submitted");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("email", "ann@b.example");
}

static void a_refusal_forgets_everything(void **state)
{
    static const char *const gone[] = {"token", "form", "email", "answer"};

    (void)state;
    SIGN_IN("r1");
    SUBMIT("r1", "c1");
    assert_true(claim("market"));
    OK(0, STORE_REG_REFUSED, task, token, "r1", "expired", "1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("state", "refused");
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
        IS(gone[i], "");
    REFUSED(-EPERM, 0, STORE_SIGN_IN, "r1", "late answer");
}

static void what_is_resolved_is_not_refused(void **state)
{
    (void)state;
    LAND("r1");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", O1, "0");
    REFUSED(-EPERM, 0, STORE_REG_REFUSED, task, token, "r1", "expired", "1");
    OK(0, STORE_REG_GET, "r1");
    IS("state", "resolved");
}

/* The order lives in another shard: the form is kept until it has been carried there. */
static void a_carried_form_is_forgotten(void **state)
{
    (void)state;
    LAND("r1");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", FAR, "1");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    SUBMIT("r1", "c1");
    assert_true(claim("market"));
    assert_string_equal(task, "place:r1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("form", FORM);
    OK(0, STORE_REG_PLACED, task, token, "r1");
    IS("moved", "1");
    OK(0, STORE_REG_LOAD, task, token, "r1");
    IS("form", "");
    IS("email", "");
    OK(0, STORE_STATUS, "c1");
    IS("kind", "moved");
}

/* Without a registration nobody is led to an order, wherever it lives. */
static void a_far_order_is_only_led_to_once_registered(void **state)
{
    (void)state;
    LAND("r1");
    assert_true(claim("market"));
    OK(0, STORE_REG_RESOLVED, task, token, "r1", FAR, "1", "claimed", "0");
    REFUSED(-EPERM, 0, STORE_CLAIM, "r1", "c1", "1000000");
    OK(0, STORE_REG_RESOLVED, task, token, "r1", FAR, "1", "claimed", "1");
    OK(0, STORE_CLAIM, "r1", "c1", "1000000");
    IS("remote", "1");
    IS("order", FAR);
    REFUSED(-ENOENT, 0, STORE_STATUS, "c1"); /* that shard makes the capability */
}

/* The same person, sent again by a marketplace that repeats itself for weeks. */
static void an_event_is_known_for_months(void **state)
{
    (void)state;
    OK(0, STORE_EVENT_PUT, "e1", "d1", "aws", "saas", "t", "purchased", "{}", "raw", "5");
    assert_true(left_ms("{p0}:ev:d1") > 99LL * 86400 * 1000);
    assert_true(left_ms("{p0}:e:e1") > left_ms("{p0}:ev:d1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(neither_front_nor_page_sees_what_was_typed),
        T(an_answer_works_once),
        T(who_was_the_wrong_one_is_forgotten),
        T(a_sent_form_stays_sent),
        T(a_refusal_forgets_everything),
        T(what_is_resolved_is_not_refused),
        T(a_carried_form_is_forgotten),
        T(a_far_order_is_only_led_to_once_registered),
        T(an_event_is_known_for_months),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
