/*
 * The queue against a model: random interleavings of add, claim, renew, step, finish with good and
 * stale tokens, ended leases and sweeps, with 1 and 4 shards. Every answer must be the model's, and
 * the checker must find nothing at any time. LASTMILE_SEED repeats a run.
 */
#include "store_test.h"

#include "base/hash.h"
#include "base/rand.h"

enum { TASKS = 12, OPS = 3000, SHARDS_MAX = 4, LIMIT = 2, TOKENS = 16 };
enum state { ABSENT, QUEUED, RUNNING, DONE, DEAD };

struct task_model {
    char id[24];
    enum state state;
    bool due, again, expired;
    unsigned fence, tries, crashes;
    char token[40];       /* of the run under way, or of the last one */
    bool finished;        /* token is that of the last finish */
    char old[TOKENS][40]; /* tokens that count no more */
    unsigned nold;
};

static struct task_model model[SHARDS_MAX][TASKS];
static uint64_t seed;

static unsigned dice(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((seed >> 33) % n);
}

static void retire_token(struct task_model *t)
{
    if (t->token[0])
        memcpy(t->old[t->nold++ % TOKENS], t->token, sizeof(t->token));
    t->token[0] = '\0';
    t->finished = false;
}

static void do_add(unsigned shard, struct task_model *t)
{
    bool now = dice(3) > 0;

    OK(shard, STORE_TASK_ADD, t->id, "event", "market", "", now ? "0" : "900000000", "");
    IS("state", t->state == RUNNING ? "running" : "queued");
    if (t->state == RUNNING) {
        t->again = true;
    } else if (t->state == QUEUED) {
        t->due = t->due || now;
    } else {
        t->state = QUEUED;
        t->due = now;
        t->again = false;
        t->tries = t->crashes = 0;
        retire_token(t);
    }
}

static struct task_model *by_id(unsigned shard, const char *id)
{
    for (unsigned i = 0; i < TASKS; i++)
        if (strcmp(model[shard][i].id, id) == 0)
            return &model[shard][i];
    fail_msg("unknown task %s", id);
    return NULL;
}

static void recover(unsigned shard)
{
    unsigned back = 0, parked = 0;

    for (unsigned i = 0; i < TASKS; i++) {
        struct task_model *t = &model[shard][i];

        if (t->state != RUNNING || !t->expired)
            continue;
        t->crashes++;
        t->expired = t->again = false;
        retire_token(t);
        if (t->crashes > LIMIT) {
            t->state = DEAD;
            parked++;
        } else {
            t->state = QUEUED;
            t->due = true;
            back++;
        }
    }
    assert_int_equal(number(field("recovered")), back);
    assert_int_equal(number(field("parked")), parked);
}

/* Row i of the answer is a task that was due. */
static void is_taken(unsigned shard, size_t i)
{
    struct task_model *t = by_id(shard, field_of(i, "id"));

    assert_true(t->state == QUEUED && t->due);
    retire_token(t);
    t->state = RUNNING;
    t->fence++;
    t->again = t->expired = t->finished = false;
    snprintf(t->token, sizeof(t->token), "%s", field_of(i, "token"));
    assert_int_equal(number(field_of(i, "fence")), t->fence);
    assert_int_equal(number(field_of(i, "tries")), t->tries);
    assert_int_equal(number(field_of(i, "crashes")), t->crashes);
}

static void do_claim(unsigned shard)
{
    static unsigned run;
    unsigned due = 0, max = 1 + dice(3);
    char text[24], n[4];

    snprintf(text, sizeof(text), "s%u", ++run);
    snprintf(n, sizeof(n), "%u", max);
    OK(shard, STORE_TASK_CLAIM, "w", text, "600000", n, "2", "market");
    recover(shard);
    for (unsigned i = 0; i < TASKS; i++)
        due += model[shard][i].state == QUEUED && model[shard][i].due;
    assert_int_equal(fx.rows->n - 1, due < max ? due : max);
    for (size_t i = 1; i < fx.rows->n; i++)
        is_taken(shard, i);
}

static void do_finish(unsigned shard, struct task_model *t)
{
    static const char *const how[] = {"done", "retry", "wait", "dead"};
    static const enum state then[] = {DONE, QUEUED, QUEUED, DEAD};
    static unsigned run;
    unsigned i = dice(4);
    bool now = dice(2);

    bool ride = dice(2), any_due = false;
    char text[24];

    if (!t->token[0])
        return;
    for (unsigned j = 0; j < TASKS; j++)
        any_due |= model[shard][j].state == QUEUED && model[shard][j].due;
    snprintf(text, sizeof(text), "r%u", ++run);
    if (ride)
        OK(shard, STORE_TASK_FINISH, t->id, t->token, how[i], now ? "0" : "900000000", "CLASS",
           "why", "w", text, "600000", "market");
    else
        OK(shard, STORE_TASK_FINISH, t->id, t->token, how[i], now ? "0" : "900000000", "CLASS",
           "why");
    IS("repeat", t->finished ? "1" : "0");
    assert_int_equal(fx.rows->n - 1, ride && any_due && !t->finished);
    if (fx.rows->n > 1)
        is_taken(shard, 1);
    if (t->finished)
        return;
    t->finished = true;
    t->expired = false;
    if (i == 0 || (i == 3 && !t->again))
        t->tries = i == 0 ? 0 : t->tries;
    else if (i == 1)
        t->tries++;
    else if (i == 3)
        t->tries = 0;
    t->state = t->again ? QUEUED : then[i];
    t->due = t->again || now;
    if (t->state != DEAD)
        t->crashes = 0;
    t->again = false;
}

static void do_stale(unsigned shard, struct task_model *t)
{
    const char *old;
    struct task_model *other = &model[shard][dice(TASKS)];

    if (t->nold == 0)
        return;
    old = t->old[dice(t->nold < TOKENS ? t->nold : TOKENS)];
    REFUSED(-ESTALE, shard, STORE_TASK_STEP, t->id, old, "x", "y");
    REFUSED(-ESTALE, shard, STORE_TASK_FINISH, t->id, old, "done", "0", "", "");
    OK(shard, STORE_TASK_RENEW, "600000", t->id, old);
    IS("state", "lost");
    if (other != t)
        REFUSED(-ESTALE, shard, STORE_TASK_STEP, other->id, old, "x", "y");
}

static void do_renew(unsigned shard, struct task_model *t)
{
    if (!t->token[0])
        return;
    OK(shard, STORE_TASK_RENEW, "600000", t->id, t->token);
    IS("state", t->state == RUNNING && !t->finished ? "ok" : "lost");
    if (t->state == RUNNING)
        t->expired = false;
    if (t->state == RUNNING && !t->finished)
        OK(shard, STORE_TASK_STEP, t->id, t->token, "step", "1");
}

static void do_expire(unsigned shard, struct task_model *t)
{
    char key[24];

    if (t->state != RUNNING)
        return;
    snprintf(key, sizeof(key), "{p%u}:lease", shard);
    RAW("ZADD", key, "1", t->id);
    t->expired = true;
}

static void do_sweep(unsigned shard)
{
    char cursor[64] = "0";

    do {
        OK(shard, STORE_SWEEP, cursor, "5");
        IS("repaired", "0");
        snprintf(cursor, sizeof(cursor), "%s", field("cursor"));
    } while (strcmp(cursor, "0") != 0);
}

static void one_op(unsigned shard)
{
    struct task_model *t = &model[shard][dice(TASKS)];

    switch (dice(8)) {
    case 0:
    case 1:
        do_add(shard, t);
        break;
    case 2:
    case 3:
        do_claim(shard);
        break;
    case 4:
        do_finish(shard, t);
        break;
    case 5:
        do_stale(shard, t);
        break;
    case 6:
        do_renew(shard, t);
        break;
    case 7:
        if (dice(2))
            do_expire(shard, t);
        else if (dice(20) == 0)
            do_sweep(shard);
        break;
    }
}

static void compare(unsigned shards)
{
    static const char *const names[] = {"", "queued", "running", "done", "dead"};
    char key[64], n[16];

    for (unsigned s = 0; s < shards; s++)
        for (unsigned i = 0; i < TASKS; i++) {
            struct task_model *t = &model[s][i];

            snprintf(key, sizeof(key), "{p%u}:k:%s", s, t->id);
            assert_string_equal(RAW("HGET", key, "state"), names[t->state]);
            if (t->state == ABSENT)
                continue;
            snprintf(n, sizeof(n), "%u", t->fence);
            assert_string_equal(RAW("HGET", key, "fence"), n);
        }
}

static void random_walk(void **state)
{
    (void)state;
    memset(model, 0, sizeof(model));
    for (unsigned s = 0; s < fx_shards; s++)
        for (unsigned i = 0; i < TASKS; i++)
            snprintf(model[s][i].id, sizeof(model[s][i].id), "t%u-%u", s, i);
    for (unsigned i = 0; i < OPS; i++) {
        one_op(dice(fx_shards));
        if (i % 250 == 0)
            no_violations(fx_shards);
    }
    compare(fx_shards);
}

static int one_shard(void **state)
{
    fx_shards = 1;
    return fresh(state);
}

static int four_shards(void **state)
{
    fx_shards = 4;
    return fresh(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_walk, one_shard, done),
        cmocka_unit_test_setup_teardown(random_walk, four_shards, done),
    };
    const char *given = getenv("LASTMILE_SEED");

    if (crypto_init())
        return 1;
    if (!given || str_u64(str_of(given), UINT64_MAX, &seed))
        rand_bytes(&seed, sizeof(seed));
    print_message("LASTMILE_SEED=%llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
