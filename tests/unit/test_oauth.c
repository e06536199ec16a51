/* oauth against a scripted token endpoint: one refresh for all, old tokens, failures and their
 * memory, chains of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "net/oauth.h"
#include "net/oauth_reply.h"
#include "scripted.h"

static struct oauth *oauth;
static int make_rc;
static struct oauth_source source;

static struct {
    unsigned calls, ok;
    enum oauth_class cls;
    char token[64], code[OAUTH_CODE];
} got;

static int make(void *arg, unsigned step, struct str previous, struct oauth_request *rq,
                const char **why)
{
    (void)arg;
    if (make_rc) {
        *why = "KeyFileUnreadable";
        return make_rc;
    }
    buf_fmt(&rq->url, "%s/token%u", sc.origin, step);
    buf_cat(&rq->header, "X-Step: yes");
    if (step == 0) {
        buf_cat(&rq->body, "grant_type=client_credentials");
    } else {
        rq->content_type = "application/json";
        buf_str(&rq->body, previous);
    }
    return 0;
}

static void on_token(void *arg, enum oauth_class cls, const char *token, const char *code)
{
    (void)arg;
    got.calls++;
    got.ok += cls == OAUTH_OK;
    got.cls = cls;
    snprintf(got.token, sizeof(got.token), "%s", token ? token : "");
    snprintf(got.code, sizeof(got.code), "%s", code);
}

static void get(void)
{
    memset(&got, 0, sizeof(got));
    assert_non_null(oauth_get(oauth, on_token, NULL));
    assert_int_equal(got.calls, 0);
    scripted_spin(&got.calls, 1);
}

static void reopen(unsigned steps)
{
    oauth_close(&oauth);
    source = (struct oauth_source){.make = make, .steps = steps};
    assert_int_equal(oauth_open(&sc.loop, sc.http, &source, &oauth), 0);
}

static int open_all(void **state)
{
    (void)state;
    make_rc = 0;
    if (http_open(&sc.loop, 16, 8, &sc.http))
        return -1;
    reopen(1);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    oauth_close(&oauth);
    http_close(&sc.http);
    uv_run(&sc.loop, UV_RUN_DEFAULT);
    clock_set_offset_ms(0);
    return 0;
}

#define TOKEN(value, life)                                                                         \
    "[{\"path\":\"/token0\",\"body\":{\"token_type\":\"Bearer\",\"access_token\":\"" value         \
    "\",\"expires_in\":" life "}}]"
#define NEED_PEER()                                                                                \
    if (!sc.peer.port)                                                                             \
    skip()

static void a_hundred_wait_for_one_request(void **state)
{
    cJSON *log, *one;

    (void)state;
    NEED_PEER();
    scripted_rules(TOKEN("a", "\"3599\""));
    memset(&got, 0, sizeof(got));
    for (int i = 0; i < 100; i++)
        assert_non_null(oauth_get(oauth, on_token, NULL));
    scripted_spin(&got.calls, 100);
    assert_int_equal(got.ok, 100);
    assert_string_equal(got.token, "a");
    assert_in_range(oauth_left_ms(oauth), 3500000, 3599000);
    log = scripted_log();
    assert_int_equal(cJSON_GetArraySize(log), 1);
    one = cJSON_GetArrayItem(log, 0);
    assert_true(str_is(json_str(one, "body"), "grant_type=client_credentials"));
    assert_true(str_is(json_str(one, "method"), "POST"));
    one = cJSON_GetObjectItemCaseSensitive(one, "headers");
    assert_true(str_is(json_str(one, "content-type"), "application/x-www-form-urlencoded"));
    assert_true(str_is(json_str(one, "x-step"), "yes"));
    cJSON_Delete(log);
}

static void eventually_token(const char *want)
{
    for (int i = 0; i < 2000; i++) {
        get();
        if (strcmp(got.token, want) == 0)
            return;
        uv_sleep(20);
    }
    fail_msg("token is still %s", got.token);
}

static void refreshed_early_and_the_old_one_serves_meanwhile(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules(TOKEN("a", "3600"));
    get();
    scripted_rules("[{\"path\":\"/token0\",\"status\":503}]");
    clock_set_offset_ms(3400 * 1000);
    /* Due, and the endpoint is down: the old token is good for 200 s more. */
    for (int i = 0; i < 5; i++) {
        get();
        assert_int_equal(got.cls, OAUTH_OK);
        assert_string_equal(got.token, "a");
    }
    assert_true(scripted_count() <= 1);
    scripted_rules(TOKEN("b", "3600"));
    eventually_token("b");
    clock_set_offset_ms(0);
}

/* A tenth of its life before the end, at most five minutes. */
static void not_refreshed_too_early(void **state)
{
    (void)state;
    NEED_PEER();
    for (int i = 0; i < 2; i++) {
        clock_set_offset_ms(0);
        reopen(1);
        scripted_rules(i ? TOKEN("a", "36000") : TOKEN("a", "600"));
        get();
        clock_set_offset_ms((i ? 35000 : 400) * 1000);
        uv_sleep(1100); /* the pace of requests is over */
        for (int j = 0; j < 5; j++) {
            get();
            assert_int_equal(scripted_count(), 1);
        }
        assert_string_equal(got.token, "a");
    }
}

static void an_ended_token_does_not_serve(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules(TOKEN("a", "3600"));
    get();
    scripted_rules("[{\"path\":\"/token0\",\"status\":503}]");
    clock_set_offset_ms(3601 * 1000);
    get();
    assert_int_equal(got.cls, OAUTH_RETRY);
    assert_string_equal(got.token, "");
    /* Nor does one of a clock that was set back: nobody knows when it ends. */
    clock_set_offset_ms(0);
    reopen(1);
    scripted_rules(TOKEN("a", "3600"));
    get();
    scripted_rules(TOKEN("b", "3600"));
    clock_set_offset_ms(-3600 * 1000);
    get();
    assert_string_equal(got.token, "b");
}

static void a_dropped_token_is_replaced(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules(TOKEN("a", "3600"));
    get();
    oauth_drop(oauth, "another");
    assert_true(oauth_left_ms(oauth) > 0);
    oauth_drop(oauth, got.token);
    assert_true(oauth_left_ms(oauth) == 0);
    scripted_rules(TOKEN("b", "3600"));
    get();
    assert_string_equal(got.token, "b");
    assert_int_equal(scripted_count(), 1);
}

static void an_expired_secret_is_said_once(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[{\"path\":\"/token0\",\"status\":401,\"body\":{\"error\":\"invalid_client\","
                   "\"error_description\":\"AADSTS7000222: The provided client secret keys are "
                   "expired.\",\"error_codes\":[7000222]}}]");
    for (int i = 0; i < 20; i++) {
        get();
        assert_int_equal(got.cls, OAUTH_CONFIG);
        assert_string_equal(got.code, "AADSTS7000222");
    }
    assert_int_equal(scripted_count(), 1);
}

#define REFUSED(more)                                                                              \
    "{\"path\":\"/token0\",\"status\":401,\"times\":1" more                                        \
    ",\"body\":{\"error\":\"invalid_client\"}}"
#define GIVEN(value)                                                                               \
    "{\"path\":\"/token0\",\"times\":1,\"body\":{\"access_token\":\"" value                        \
    "\",\"expires_in\":3600}}"

/* The credentials were replaced: asked again at once; a token in hand serves until there is one. */
static void renewed_credentials_are_used_at_once(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[" REFUSED("") "," GIVEN("a") "," GIVEN("b") "]");
    for (int i = 0; i < 3; i++) {
        get();
        assert_int_equal(got.cls, OAUTH_CONFIG);
    }
    oauth_renew(oauth);
    get();
    assert_string_equal(got.token, "a");
    oauth_renew(oauth);
    eventually_token("b");
    assert_int_equal(scripted_count(), 3);
}

/* The answer to the old ones was on its way, and was good: it serves until there is another. */
static void renewed_while_it_was_given(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[{\"path\":\"/token0\",\"times\":1,\"wait\":3,\"body\":{\"access_token\":\"a\","
                   "\"expires_in\":3600}}," GIVEN("b") "]");
    memset(&got, 0, sizeof(got));
    assert_non_null(oauth_get(oauth, on_token, NULL));
    for (int i = 0; i < 10000 && scripted_count() == 0; i++) {
        uv_run(&sc.loop, UV_RUN_NOWAIT);
        uv_sleep(2);
    }
    oauth_renew(oauth);
    scripted_spin(&got.calls, 1);
    assert_string_equal(got.token, "a");
    eventually_token("b");
}

/* The answer to the old ones was on its way. */
static void renewed_while_it_was_refused(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[" REFUSED(",\"wait\":3") "," GIVEN("a") "]");
    memset(&got, 0, sizeof(got));
    assert_non_null(oauth_get(oauth, on_token, NULL));
    for (int i = 0; i < 10000 && scripted_count() == 0; i++) {
        uv_run(&sc.loop, UV_RUN_NOWAIT);
        uv_sleep(2);
    }
    oauth_renew(oauth);
    scripted_spin(&got.calls, 1);
    assert_string_equal(got.token, "a");
}

static void failures_that_pass(void **state)
{
    static const char *const rules[] = {
        "[{\"path\":\"/token0\",\"status\":429,\"headers\":{\"Retry-After\":\"30\"}}]",
        "[{\"path\":\"/token0\",\"status\":500,\"body\":\"<html>\"}]",
        "[{\"path\":\"/token0\",\"status\":400,\"body\":{\"error\":\"temporarily_unavailable\"}}]",
        "[{\"path\":\"/token0\",\"body\":{\"access_token\":\"\"}}]",
        "[{\"path\":\"/token0\",\"body\":{\"access_token\":\"a b\",\"expires_in\":1}}]",
        "[{\"path\":\"/token0\",\"body\":{\"access_token\":\"a\",\"token_type\":\"mac\"}}]",
        "[{\"path\":\"/token0\",\"body\":{\"access_token\":\"a\",\"expires_in\":\"x\"}}]",
        "[{\"path\":\"/token0\",\"body\":\"[]\"}]",
    };

    (void)state;
    NEED_PEER();
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        reopen(1);
        scripted_rules(rules[i]);
        get();
        assert_int_equal(got.cls, OAUTH_RETRY);
        assert_true(*got.code);
        get();
        assert_int_equal(got.cls, OAUTH_RETRY);
        assert_int_equal(scripted_count(), 1);
    }
    reopen(1);
    scripted_rules("[{\"path\":\"/token0\",\"status\":403,\"body\":{\"error\":{\"code\":403,"
                   "\"status\":\"PERMISSION_DENIED\"}}}]");
    get();
    assert_int_equal(got.cls, OAUTH_CONFIG);
    assert_string_equal(got.code, "PERMISSION_DENIED");
}

static void a_source_that_cannot(void **state)
{
    (void)state;
    make_rc = -ENOENT;
    get();
    assert_int_equal(got.cls, OAUTH_CONFIG);
    assert_string_equal(got.code, "KeyFileUnreadable");
    reopen(1);
    make_rc = -EAGAIN;
    get();
    assert_int_equal(got.cls, OAUTH_RETRY);
}

static void two_steps(void **state)
{
    cJSON *log;

    (void)state;
    NEED_PEER();
    reopen(2);
    scripted_rules("[{\"path\":\"/token0\",\"body\":{\"access_token\":\"first\"}},"
                   "{\"path\":\"/token1\",\"body\":{\"accessToken\":\"second\",\"expireTime\":"
                   "\"2999-01-01T00:00:00Z\"}}]");
    get();
    assert_int_equal(got.cls, OAUTH_RETRY); /* nobody gives a token for a thousand years */
    reopen(2);
    clock_set_offset_ms(INT64_C(32472143400000) - clock_wall_ms()); /* 2998-12-31T23:30 */
    get();
    assert_string_equal(got.token, "second");
    assert_in_range(oauth_left_ms(oauth), 1, 1800000);
    log = scripted_log();
    assert_true(
        str_is(json_str(cJSON_GetArrayItem(log, 3), "body"), "{\"access_token\": \"first\"}"));
    cJSON_Delete(log);
}

static void waiters_leave(void **state)
{
    struct oauth_wait *w[3];

    (void)state;
    memset(&got, 0, sizeof(got));
    for (int i = 0; i < 3; i++)
        w[i] = oauth_get(oauth, on_token, NULL);
    oauth_cancel(w[1]);
    assert_int_equal(got.calls, 0);
    oauth_close(&oauth);
    assert_int_equal(got.calls, 2);
    assert_int_equal(got.cls, OAUTH_RETRY);
}

static void closed_in_flight(void **state)
{
    (void)state;
    NEED_PEER();
    scripted_rules("[{\"path\":\"/token0\",\"wait\":2,\"body\":\"\"}]");
    memset(&got, 0, sizeof(got));
    oauth_get(oauth, on_token, NULL);
    for (int i = 0; i < 5; i++)
        uv_run(&sc.loop, UV_RUN_NOWAIT);
    oauth_close(&oauth);
    assert_int_equal(got.calls, 1);
    assert_string_equal(got.code, "Canceled");
}

static void close_inside(void *arg, enum oauth_class cls, const char *token, const char *code)
{
    on_token(arg, cls, token, code);
    oauth_close(&oauth);
}

static void closed_by_a_callback(void **state)
{
    (void)state;
    make_rc = -ENOENT;
    memset(&got, 0, sizeof(got));
    oauth_get(oauth, close_inside, NULL);
    oauth_get(oauth, on_token, NULL);
    scripted_spin(&got.calls, 2);
    assert_null(oauth);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
    const struct CMUnitTest tests[] = {
        CASE(a_hundred_wait_for_one_request),
        CASE(refreshed_early_and_the_old_one_serves_meanwhile),
        CASE(not_refreshed_too_early),
        CASE(an_ended_token_does_not_serve),
        CASE(renewed_while_it_was_given),
        CASE(a_dropped_token_is_replaced),
        CASE(an_expired_secret_is_said_once),
        CASE(renewed_credentials_are_used_at_once),
        CASE(renewed_while_it_was_refused),
        CASE(failures_that_pass),
        CASE(a_source_that_cannot),
        CASE(two_steps),
        CASE(waiters_leave),
        CASE(closed_in_flight),
        CASE(closed_by_a_callback),
    };

    return cmocka_run_group_tests(tests, scripted_start, scripted_stop);
}
