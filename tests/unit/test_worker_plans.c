/*
 * What the marketplace sells against what is configured, at the end of a walk: who is asked, what
 * is said once, and that no answer spoils the walk.
 */
#include "worker_rig.h"

#include "base/file.h"

#define TASK  "{p0}:k:reconcile:azure/prod"
#define MAILS "{p0}:k:mail:azure/prod@*:alert-plan"

static const struct market_plan silver = {.id = "silver", .title = "Silver"};
static const struct market_plan gold = {.id = "gold", .title = "Gold"};
static const struct market_plan platinum = {
    .id = "platinum", .title = "Platinum", .per_seat = true, .min = 2, .max = 50, .private = true};
static const struct market_plan retired = {.id = "retired", .title = "Old", .stopped = true};

static char log_path[128];
static int log_was;

/* The log goes to a file until log_end(). */
static void log_begin(void)
{
    int fd;

    snprintf(log_path, sizeof(log_path), "%s/rig.log", fx.redis.dir);
    fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    log_was = dup(2);
    assert_true(fd >= 0 && log_was >= 0 && dup2(fd, 2) == 2);
    close(fd);
    log_init("rig", "info");
}

static void log_end(struct buf *out)
{
    assert_int_equal(dup2(log_was, 2), 2);
    close(log_was);
    log_init("rig", "error");
    buf_init(out, 1 << 20);
    assert_int_equal(file_read(log_path, out), 0);
}

static unsigned count(const struct buf *log, const char *event, const char *plan)
{
    struct str line, rest = buf_view(log);
    char have[64], name[64];
    unsigned n = 0;

    snprintf(have, sizeof(have), "\"%s\"", event);
    snprintf(name, sizeof(name), "\"plan\":\"%s\"", plan);
    while (rest.n) {
        line = str_cut(rest, '\n', &rest);
        n += memmem(line.p, line.n, have, strlen(have)) &&
             (!*plan || memmem(line.p, line.n, name, strlen(name)));
    }
    return n;
}

static void offer(const struct market_plan *p)
{
    fake.plans[fake.nplans++] = *p;
}

static void walk(void)
{
    OK(0, STORE_TASK_ADD, "reconcile:azure/prod", "reconcile", "market", "azure/prod", "0", "");
    rig_until(quiet, NULL, "the walk");
}

/* The walk ended as ever and waits for the next. */
static void walked(const char *seen)
{
    assert_string_equal(RAW("HGET", TASK, "s.last_seen"), seen);
    assert_string_equal(RAW("HGET", TASK, "state"), "queued");
    assert_string_equal(RAW("HGET", TASK, "tries"), "0");
    assert_string_equal(RAW("HEXISTS", TASK, "s.runs"), "0");
}

static void on_sale_and_not_configured(void **state)
{
    struct buf log;

    (void)state;
    rig_start(azure);
    log_begin();
    fake_add("s-0", "silver", STANDING_ACTIVE);
    offer(&silver);
    offer(&gold);
    offer(&retired);
    offer(&platinum);
    offer(&platinum); /* of another market */
    walk();
    walked("1");
    assert_string_equal(RAW("KEYS", MAILS), "1");
    walk();
    assert_string_equal(RAW("KEYS", MAILS), "1"); /* that day */
    fake.plans[2].stopped = false;
    walk();
    log_end(&log);
    assert_string_equal(RAW("KEYS", MAILS), "2"); /* and plan */
    assert_int_equal(fake.plans_asked, 3);
    assert_int_equal(count(&log, "plans.unknown", "platinum"), 3);
    assert_int_equal(count(&log, "plans.unknown", "retired"), 1);
    assert_int_equal(count(&log, "plans.unknown", ""), 4);
    assert_int_equal(count(&log, "plans.absent", ""), 0);
    buf_free(&log);
    rig_stop();
}

static void configured_and_not_on_sale(void **state)
{
    struct market_plan stopped = gold;
    struct buf log;

    (void)state;
    rig_start(azure);
    log_begin();
    fake_add("s-0", "silver", STANDING_ACTIVE);
    offer(&silver);
    walk();
    stopped.stopped = true; /* it is known all the same */
    offer(&stopped);
    walk();
    log_end(&log);
    assert_int_equal(count(&log, "plans.absent", "gold"), 1);
    assert_int_equal(count(&log, "plans.absent", ""), 1);
    assert_int_equal(count(&log, "plans.unknown", ""), 0);
    assert_string_equal(RAW("KEYS", MAILS), "0");
    buf_free(&log);
    rig_stop();
}

static void asked_of(const char *purchase, unsigned times)
{
    fake.plans_asked = 0;
    fake.plans_of[0] = '\0';
    walk();
    assert_int_equal(fake.plans_asked, times);
    assert_string_equal(fake.plans_of, purchase);
}

/* Three to a page: the one that is chosen is remembered over pages. */
static void who_is_asked(void **state)
{
    static const char *const ids[] = {"s-0", "s-1", "s-2", "s-3", "s-4", "s-5", "s-6"};
    struct fake_purchase *p;

    (void)state;
    rig_start(azure);
    asked_of("", 0);
    for (size_t i = 0; i < 7; i++)
        fake_add(ids[i], "silver", STANDING_ACTIVE);
    p = fake.p;
    p[0].read_only = true;
    p[2].test = p[4].test = true;
    p[3].standing = STANDING_SUSPENDED;
    p[5].standing = STANDING_HELD;
    p[6].read_only = true;
    asked_of("s-1", 1);
    walked("7");
    p[1].standing = STANDING_ENDED;
    asked_of("s-2", 1); /* only test purchases are left */
    p[2].standing = p[4].standing = STANDING_SUSPENDED;
    asked_of("", 0);
    walked("7");
    rig_stop();
}

static void no_answer_spoils_the_walk(void **state)
{
    static const enum market_class all[] = {MARKET_RETRY, MARKET_CONFIG, MARKET_GONE};
    struct buf log;

    (void)state;
    rig_start(azure);
    log_begin();
    fake_add("s-0", "silver", STANDING_ACTIVE);
    walk(); /* nothing is told: nothing is absent */
    walked("1");
    offer(&platinum);
    for (size_t i = 0; i < 3; i++) {
        fake.plans_fail = all[i];
        walk();
        walked("1");
    }
    log_end(&log);
    assert_int_equal(fake.plans_asked, 4);
    assert_int_equal(count(&log, "plans.unread", ""), 4);
    assert_int_equal(count(&log, "plans.absent", ""), 0);
    assert_int_equal(count(&log, "plans.unknown", ""), 0);
    assert_string_equal(RAW("KEYS", MAILS), "0");
    buf_free(&log);
    rig_stop();
}

static void a_channel_that_has_no_plans(void **state)
{
    struct market_ops ops = fake_ops;

    (void)state;
    rig_start(azure);
    ops.plans = NULL;
    rig.now->market_ops[0] = &ops;
    fake_add("s-0", "silver", STANDING_ACTIVE);
    offer(&platinum);
    walk();
    walked("1");
    assert_int_equal(fake.plans_asked, 0);
    assert_string_equal(RAW("KEYS", MAILS), "0");
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(on_sale_and_not_configured, fresh),
        cmocka_unit_test_setup(configured_and_not_on_sale, fresh),
        cmocka_unit_test_setup(who_is_asked, fresh),
        cmocka_unit_test_setup(no_answer_spoils_the_walk, fresh),
        cmocka_unit_test_setup(a_channel_that_has_no_plans, fresh),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests_name("worker: plans", tests, group_setup, group_teardown);
}
