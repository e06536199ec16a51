/* Key sets of products: asked for, fetched by a task, read; never more often than wanted. */
#include "store_test.h"

static void asked_fetched_read(void **state)
{
    (void)state;
    REFUSED(-ENOENT, 0, STORE_KEYS_GET, "azure", "saas");
    OK(0, STORE_KEYS_WANT, "azure", "saas", "60000");
    IS("wanted", "1");
    OK(0, STORE_KEYS_WANT, "azure", "saas", "60000");
    IS("wanted", "0");
    OK(0, STORE_KEYS_WANT, "azure", "other", "60000");
    IS("wanted", "1");
    assert_true(claim("market"));
    if (strcmp(task, "keys:azure/saas") != 0) {
        OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
        assert_true(claim("market"));
    }
    assert_string_equal(task, "keys:azure/saas");
    assert_string_equal(field_of(1, "kind"), "keys");
    assert_string_equal(field_of(1, "subject"), "azure/saas");
    OK(0, STORE_KEYS_PUT, task, token, "azure", "saas", "{\"keys\":[]}", "86400000");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_KEYS_GET, "azure", "saas");
    IS("keys", "{\"keys\":[]}");
    IS("ttl", "86400000");
    assert_true(number(field("now")) >= number(field("fetched")));
    REFUSED(-ENOENT, 0, STORE_KEYS_GET, "azure", "saa");
    REFUSED(-ENOENT, 0, STORE_KEYS_GET, "gcp", "saas");
}

static void fetched_lately_is_not_fetched_again(void **state)
{
    (void)state;
    OK(0, STORE_TASK_ADD, "keys:gcp/p", "keys", "market", "gcp/p", "0", "");
    assert_true(claim("market"));
    OK(0, STORE_KEYS_PUT, task, token, "gcp", "p", "{}", "1000");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_KEYS_WANT, "gcp", "p", "60000");
    IS("wanted", "0");
    assert_false(claim("market"));
    OK(0, STORE_KEYS_WANT, "gcp", "p", "0");
    IS("wanted", "1");
    assert_true(claim("market"));
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
}

static void only_the_task_of_the_product_puts(void **state)
{
    (void)state;
    REFUSED(-ESTALE, 0, STORE_KEYS_PUT, "keys:azure/a", "x", "azure", "a", "{}", "1000");
    OK(0, STORE_KEYS_WANT, "azure", "a", "60000");
    assert_true(claim("market"));
    REFUSED(-ESTALE, 0, STORE_KEYS_PUT, task, "x", "azure", "a", "{}", "1000");
    REFUSED(-EPERM, 0, STORE_KEYS_PUT, task, token, "azure", "b", "{}", "1000");
    REFUSED(-EINVAL, 0, STORE_KEYS_PUT, task, token, "azure", "a", "", "1000");
    REFUSED(-EINVAL, 0, STORE_KEYS_PUT, task, token, "azure", "a", "{}", "soon");
    REFUSED(-ENOENT, 0, STORE_KEYS_GET, "azure", "a");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
    OK(0, STORE_TASK_ADD, "refresh:x", "refresh", "market", "azure/a", "0", "");
    assert_true(claim("market"));
    REFUSED(-EPERM, 0, STORE_KEYS_PUT, task, token, "azure", "a", "{}", "1000");
    OK(0, STORE_TASK_FINISH, task, token, "done", "0", "", "");
}

static void arguments(void **state)
{
    (void)state;
    REFUSED(-EINVAL, 0, STORE_KEYS_GET, "", "saas");
    REFUSED(-EINVAL, 0, STORE_KEYS_GET, "azure", "");
    REFUSED(-EINVAL, 0, STORE_KEYS_WANT, "azure", "saas", "x");
    REFUSED(-EINVAL, 0, STORE_KEYS_WANT, "azure", "saas");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(asked_fetched_read),
        T(fetched_lately_is_not_fetched_again),
        T(only_the_task_of_the_product_puts),
        T(arguments),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
