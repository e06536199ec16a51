/*
 * An engine that answers "pending" for ever: each kind of work has a deadline that Redis remembers,
 * a human is told once it has passed, and nothing is made twice because of it.
 */
#include "worker_rig.h"

static const char config[] = "marketplaces:\n"
                             "  - name: prod\n"
                             "    cloud: aws\n"
                             "    product_code: code\n"
                             "    plans:\n"
                             "      silver: {deployment_template: one, default: true}\n"
                             "deployment_templates:\n"
                             "  one:\n"
                             "    engine: exec\n"
                             "    command: [/bin/true]\n"
                             "    endpoint: 'http://127.0.0.1:1/{tenant}'\n"
                             "    deadlines: {create: 3h, suspend: 90m}\n";

#define ORDER "o0-00000000000000000000000001"

/* An engine that says what the test wants, verb by verb, and counts what it was asked. */
static struct {
    struct engine_result says[ENGINE_DELETE + 1];
    unsigned asked[ENGINE_DELETE + 1];
    char sha256[HASH_HEX];
} eng;
static char some_engine;

static struct engine_op *ask(struct engine *e, const struct engine_call *call,
                             const struct engine_events *ev)
{
    (void)e;
    eng.asked[call->verb]++;
    str_copy(str_of(call->spec_sha256), eng.sha256, sizeof(eng.sha256));
    ev->done(ev->arg, &eng.says[call->verb]);
    return (struct engine_op *)(void *)&eng;
}

static void nothing(struct engine_op *op)
{
    (void)op;
}

static void no_close(struct engine *e)
{
    (void)e;
}

static const struct engine_ops engine = {
    .name = "exec", .close = no_close, .start = ask, .cancel = nothing, .abandon = nothing};

static const struct engine_result still = {.status = ENGINE_PENDING,
                                           .poll_after_ms = 10,
                                           .outputs = "",
                                           .code = "",
                                           .detail = "",
                                           .pct = -1};
static const struct engine_result ok = {.status = ENGINE_DONE,
                                        .outputs = "",
                                        .code = "",
                                        .detail = "",
                                        .observed_sha256 = eng.sha256,
                                        .pct = -1};

static void worker_begins(void)
{
    rig_start(config);
    rig.roles = ROLE_DEPLOY;
    rig.now->engines[0] = (struct engine *)(void *)&some_engine;
    rig.now->engine_ops[0] = &engine;
    rig.now->nengines = 1;
}

static void begin(void)
{
    memset(&eng, 0, sizeof(eng));
    for (size_t i = 0; i < sizeof(eng.says) / sizeof(*eng.says); i++)
        eng.says[i] = still;
    worker_begins();
    OK(0, STORE_ORDER_UPSERT, ORDER, "1000", "channel", "aws", "product", "prod", "plan", "silver",
       "contract", "ACTIVE", "purchase", "lic-1", "quantity", "1", "confirmed", "1");
    OK(0, STORE_ORDER_PLACE, ORDER, "cap", "86400000", "{}", "ann@example.com", "86400000");
}

static const char *now_is(const char *name)
{
    OK(0, STORE_ORDER_GET, ORDER);
    return field(name);
}

static bool is_so(void *arg)
{
    const char *const *want = arg;

    return strcmp(now_is(want[0]), want[1]) == 0;
}

static void comes(const char *name, const char *value)
{
    const char *want[] = {name, value};
    char what[200];

    snprintf(what, sizeof(what), "%s = %s (it is %s)", name, value, now_is(name));
    rig_until(is_so, want, what);
}

static bool more_asked(void *arg)
{
    const unsigned *want = arg;

    return eng.asked[want[0]] >= want[1];
}

static void asked_again(enum engine_verb verb, unsigned times)
{
    unsigned want[] = {verb, eng.asked[verb] + times};

    rig_until(more_asked, want, "the engine is asked again");
}

static void set_tenant(const char *name, const char *value)
{
    char key[120];

    snprintf(key, sizeof(key), "{p0}:t:%s", now_is("o.tenant"));
    RAW("HSET", key, name, value);
}

/* What is under way has been so for that long. */
static void ages(int64_t ms)
{
    char since[32];

    snprintf(since, sizeof(since), "%lld", (long long)(clock_wall_ms() - ms));
    set_tenant("work_since", since);
}

enum { HOUR = 3600 * 1000 };

static void operate(const char *verb)
{
    OK(0, STORE_OPERATE, ORDER, verb, "jo", "because");
}

static void stuck_by_deadline(const char *work)
{
    comes("o.fulfilment", "STUCK");
    assert_string_equal(now_is("o.class"), "DEADLINE");
    assert_true(str_starts(str_of(field("o.detail")), str_of(work)));
    assert_string_equal(field("t.gave_up"), work);
    assert_string_equal(field("t.work"), "");
    assert_string_equal(RAW("HGET", "{p0}:k:mail:" ORDER ":alert-stuck", "state"), "queued");
}

static bool told_buyer(void)
{
    return strcmp(RAW("EXISTS", "{p0}:k:mail:" ORDER ":failed"), "0") != 0;
}

static void a_create_that_never_ends(void **state)
{
    int64_t before;

    (void)state;
    begin();
    comes("t.work", "create 1");
    asked_again(ENGINE_OBSERVE, 2);
    ages(2 * HOUR + HOUR / 2); /* the configuration's, not the default's */
    asked_again(ENGINE_OBSERVE, 2);
    assert_string_equal(now_is("o.fulfilment"), "PROVISIONING");
    ages(4 * HOUR);
    stuck_by_deadline("create");
    assert_true(told_buyer());
    assert_int_equal(eng.asked[ENGINE_APPLY], 1);
    /* A retry looks before anything else, and has the whole time again. */
    before = clock_wall_ms() - 1000;
    operate("retry");
    comes("t.work", "create 1");
    assert_true(number(field("t.work_since")) >= before);
    asked_again(ENGINE_OBSERVE, 2);
    assert_int_equal(eng.asked[ENGINE_APPLY], 1);
    assert_string_equal(now_is("o.fulfilment"), "PROVISIONING");
    eng.says[ENGINE_OBSERVE] = ok;
    comes("o.fulfilment", "VERIFYING");
    assert_string_equal(field("t.work"), "");
    assert_int_equal(eng.asked[ENGINE_APPLY], 1);
    rig_stop();
}

/* Another plan, more seats: each generation has its own time. */
static void an_update_that_never_ends(void **state)
{
    (void)state;
    begin();
    eng.says[ENGINE_APPLY] = ok;
    comes("o.fulfilment", "VERIFYING");
    assert_string_equal(field("t.work"), "");
    eng.says[ENGINE_APPLY] = still;
    OK(0, STORE_ORDER_UPSERT, ORDER, "2000", "quantity", "2");
    comes("t.work", "update 2");
    ages(HOUR);
    OK(0, STORE_ORDER_UPSERT, ORDER, "3000", "quantity", "3");
    comes("t.work", "update 3");
    assert_true(number(field("t.work_since")) > clock_wall_ms() - HOUR / 2);
    asked_again(ENGINE_OBSERVE, 2);
    ages(3 * HOUR);
    stuck_by_deadline("update");
    assert_int_equal(eng.asked[ENGINE_APPLY], 3);
    rig_stop();
}

static void a_restart_does_not_begin_it_anew(void **state)
{
    char since[32];

    (void)state;
    begin();
    comes("t.work", "create 1");
    snprintf(since, sizeof(since), "%s", field("t.work_since"));
    rig_stop();
    store_begin(fx_shards);
    worker_begins();
    asked_again(ENGINE_OBSERVE, 3);
    assert_string_equal(now_is("t.work_since"), since);
    /* However long nobody worked: the engine is asked first. */
    eng.says[ENGINE_OBSERVE] = ok;
    ages(100 * HOUR);
    comes("o.fulfilment", "VERIFYING");
    rig_stop();
}

/* The time in which an operator holds it, or a seller has to mend something, is not the engine's.
 */
static void what_waits_for_a_person_has_time(void **state)
{
    struct engine_result quota = still;

    (void)state;
    begin();
    comes("t.work", "create 1");
    operate("cancel");
    comes("t.work", "");
    set_tenant("work", "create 1"); /* as if no worker had come by meanwhile */
    ages(100 * HOUR);
    operate("resume");
    assert_string_equal(now_is("t.work"), "");
    asked_again(ENGINE_OBSERVE, 2);
    assert_string_equal(now_is("o.fulfilment"), "PROVISIONING");
    quota.status = ENGINE_FAIL;
    quota.cls = CLASS_WAIT_QUOTA;
    eng.says[ENGINE_OBSERVE] = quota;
    comes("o.class", "WAIT_QUOTA");
    assert_string_equal(field("t.work"), "");
    rig_stop();
}

/* Has an environment that the engine made and the proxy answers for. */
static void be_ready(void)
{
    begin();
    eng.says[ENGINE_APPLY] = ok;
    comes("o.fulfilment", "VERIFYING");
    operate("cancel"); /* so that nothing runs while the record is changed */
    rig_until(quiet, NULL, "rest");
    RAW("HSET", "{p0}:o:" ORDER, "fulfilment", "READY", "at_ready", "1");
    operate("resume");
}

static void a_suspension_that_never_ends(void **state)
{
    struct engine_result stopped = ok;
    unsigned asked;

    (void)state;
    be_ready();
    operate("suspend");
    comes("t.work", "suspend 1");
    asked_again(ENGINE_SUSPEND, 2);
    ages(2 * HOUR);
    stuck_by_deadline("suspend");
    assert_false(told_buyer()); /* who has lost nothing */
    asked = eng.asked[ENGINE_SUSPEND];
    operate("retry");
    asked_again(ENGINE_SUSPEND, 2);
    assert_string_not_equal(now_is("o.fulfilment"),
                            "SUSPENDED"); /* not before the engine says so */
    eng.says[ENGINE_SUSPEND] = ok;
    comes("o.fulfilment", "SUSPENDED");
    assert_true(eng.asked[ENGINE_SUSPEND] > asked);
    /* And back. */
    operate("resume");
    comes("t.work", "resume 1");
    ages(2 * HOUR);
    stuck_by_deadline("resume");
    stopped.suspended = true;
    eng.says[ENGINE_OBSERVE] = stopped;
    operate("retry");
    asked_again(ENGINE_RESUME, 2);
    eng.says[ENGINE_OBSERVE] = eng.says[ENGINE_RESUME] = ok;
    comes("o.fulfilment", "VERIFYING");
    assert_string_equal(field("t.work"), "");
    assert_int_equal(eng.asked[ENGINE_APPLY], 1);
    rig_stop();
}

/* Taken back before it was over: the next one is another one. */
static void a_wish_that_was_taken_back(void **state)
{
    (void)state;
    be_ready();
    operate("suspend");
    comes("t.work", "suspend 1");
    RAW("HSET", "{p0}:o:" ORDER, "want", ""); /* the contract was reinstated, say */
    comes("t.work", "");
    rig_stop();
}

static void a_deletion_that_never_ends(void **state)
{
    struct engine_result gone = ok;
    unsigned asked;

    (void)state;
    be_ready();
    operate("delete");
    comes("t.work", "delete 1");
    ages(3 * HOUR);
    stuck_by_deadline("delete");
    asked = eng.asked[ENGINE_DELETE];
    OK(0, STORE_TASK_ADD, "fulfil:" ORDER, "fulfil", "deploy", ORDER, "0", "resync");
    rig_until(quiet, NULL, "the resync");
    assert_string_equal(now_is("o.fulfilment"), "STUCK");
    assert_int_equal(eng.asked[ENGINE_DELETE], asked);
    gone.status = ENGINE_ABSENT;
    eng.says[ENGINE_DELETE] = gone;
    operate("retry");
    comes("o.fulfilment", "CLOSED");
    rig_stop();
}

/* Nothing but the deletion itself keeps an order from being deleted. */
static void what_is_stuck_can_be_deleted(void **state)
{
    struct engine_result gone = ok;

    (void)state;
    begin();
    comes("t.work", "create 1");
    ages(4 * HOUR);
    comes("o.fulfilment", "STUCK");
    gone.status = ENGINE_ABSENT;
    eng.says[ENGINE_DELETE] = gone;
    operate("delete");
    comes("o.fulfilment", "CLOSED");
    rig_stop();
}

/* Begun by a version that kept no record: counted from the first answer. */
static void work_without_a_record(void **state)
{
    (void)state;
    begin();
    comes("t.work", "create 1");
    set_tenant("work", "");
    comes("t.work", "create 1");
    assert_int_equal(eng.asked[ENGINE_APPLY], 1);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_create_that_never_ends, fresh),
        cmocka_unit_test_setup(an_update_that_never_ends, fresh),
        cmocka_unit_test_setup(a_restart_does_not_begin_it_anew, fresh),
        cmocka_unit_test_setup(what_waits_for_a_person_has_time, fresh),
        cmocka_unit_test_setup(a_suspension_that_never_ends, fresh),
        cmocka_unit_test_setup(a_wish_that_was_taken_back, fresh),
        cmocka_unit_test_setup(a_deletion_that_never_ends, fresh),
        cmocka_unit_test_setup(what_is_stuck_can_be_deleted, fresh),
        cmocka_unit_test_setup(work_without_a_record, fresh),
    };

    return cmocka_run_group_tests_name("worker: deadlines", tests, group_setup, group_teardown);
}
