/* The parts that need no Redis: SHA-1, replies, rows, states, scripts. */
#include "store_test.h"

#include "base/hash.h"
#include "store/script.h"
#include "store/sha1.h"
#include "store/state.h"
#include "store/trouble.h"

static void sha1_is_sha1(void **state)
{
    static const struct { /* FIPS 180 examples, and lengths around a block */
        const char *text;
        size_t repeat;
        const char *hex;
    } table[] = {
        {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"a", 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
        {"a", 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
        {"a", 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
        {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char hex[SHA1_HEX];
        struct buf b;

        buf_init(&b, 2000000);
        for (size_t j = 0; j < table[i].repeat; j++)
            buf_cat(&b, table[i].text);
        sha1_hex(buf_view(&b), hex);
        assert_string_equal(hex, table[i].hex);
        buf_free(&b);
    }
}

static void every_script_is_there(void **state)
{
    (void)state;
    assert_int_equal(script_init(), 0);
    for (int i = 0; i < STORE_SCRIPTS; i++) {
        const struct script *s = script_get((enum store_script)i);

        assert_non_null(s->name);
        assert_true(s->text.n > 1000 && s->text.n < 64 * 1024);
        assert_int_equal(strlen(s->sha), 40);
        assert_string_equal(store_script_name((enum store_script)i), s->name);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(s->sha, script_get((enum store_script)j)->sha);
    }
}

static void the_manual_names_every_script(void **state)
{
    static char text[64 * 1024];
    FILE *f = fopen("docs/store.md", "r");
    char word[40];

    (void)state;
    if (!f) {
        print_message("docs/store.md is not below the current directory\n");
        skip();
    }
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    for (int i = 0; i < STORE_SCRIPTS; i++) {
        snprintf(word, sizeof(word), "`%s`", store_script_name((enum store_script)i));
        if (!strstr(text, word))
            fail_msg("docs/store.md does not name %s", word);
    }
}

/* "    NAME = 'A B'," inside "local <table> = {" of the part order. */
static void lua_states(const char *table, const char *name, char out[400])
{
    struct str text = script_get(STORE_ORDER_WRITE)->text;
    char head[64], row[64];
    const char *at, *end;

    snprintf(head, sizeof(head), "local %s = {", table);
    snprintf(row, sizeof(row), "\n    %s = '", name);
    at = memmem(text.p, text.n, head, strlen(head));
    assert_non_null(at);
    at = memmem(at, 4000, row, strlen(row));
    assert_non_null(at);
    at += strlen(row);
    end = strchr(at, '\'');
    assert_non_null(end);
    assert_int_equal(str_copy(str_make(at, (size_t)(end - at)), out, 400), 0);
}

static bool has_word(const char *list, const char *word)
{
    struct str rest = str_of(list);

    while (rest.n)
        if (str_is(str_cut(rest, ' ', &rest), word))
            return true;
    return false;
}

static void lua_and_c_know_the_same_transitions(void **state)
{
    char list[400];

    (void)state;
    for (int a = FULFIL_RECEIVED; a <= FULFIL_CLOSED; a++) {
        lua_states("FULFILMENT", fulfilment_name((enum fulfilment)a), list);
        for (int b = FULFIL_RECEIVED; b <= FULFIL_CLOSED; b++)
            assert_int_equal(has_word(list, fulfilment_name((enum fulfilment)b)),
                             fulfilment_legal((enum fulfilment)a, (enum fulfilment)b));
    }
    for (int a = CONTRACT_PENDING; a <= CONTRACT_EXPIRED; a++) {
        lua_states("CONTRACT", contract_name((enum contract)a), list);
        for (int b = CONTRACT_PENDING; b <= CONTRACT_EXPIRED; b++)
            assert_int_equal(has_word(list, contract_name((enum contract)b)),
                             contract_legal((enum contract)a, (enum contract)b));
    }
}

static void states_are_words(void **state)
{
    enum fulfilment f;
    enum contract c;

    (void)state;
    for (int i = FULFIL_RECEIVED; i <= FULFIL_CLOSED; i++) {
        assert_int_equal(fulfilment_parse(str_of(fulfilment_name((enum fulfilment)i)), &f), 0);
        assert_int_equal(f, i);
        assert_false(fulfilment_legal(f, f));
        assert_int_equal(fulfilment_legal(FULFIL_CLOSED, f), false);
    }
    for (int i = CONTRACT_PENDING; i <= CONTRACT_EXPIRED; i++) {
        assert_int_equal(contract_parse(str_of(contract_name((enum contract)i)), &c), 0);
        assert_int_equal(c, i);
    }
    assert_int_equal(fulfilment_parse(STR("ready"), &f), -EINVAL);
    assert_int_equal(contract_parse(STR(""), &c), -EINVAL);
}

static void quadrants(void **state)
{
    static const struct {
        enum contract c;
        enum fulfilment f;
        enum quadrant q;
    } table[] = {
        {CONTRACT_ACTIVE, FULFIL_READY, QUAD_HEALTHY},
        {CONTRACT_ACTIVE, FULFIL_UPDATING, QUAD_HEALTHY},
        {CONTRACT_ACTIVE, FULFIL_PROVISIONING, QUAD_ONBOARDING},
        {CONTRACT_ACTIVE, FULFIL_FAILED, QUAD_PAYING_NOT_PROVISIONED},
        {CONTRACT_ACTIVE, FULFIL_STUCK, QUAD_PAYING_NOT_PROVISIONED},
        {CONTRACT_ACTIVE, FULFIL_DEGRADED, QUAD_PAYING_NOT_PROVISIONED},
        {CONTRACT_ACTIVE, FULFIL_CLOSED, QUAD_PAYING_NOT_PROVISIONED},
        {CONTRACT_PENDING, FULFIL_RECEIVED, QUAD_ONBOARDING},
        {CONTRACT_PENDING, FULFIL_READY, QUAD_SERVING_NOT_BILLED},
        {CONTRACT_CANCELLED, FULFIL_READY, QUAD_SERVING_NOT_BILLED},
        {CONTRACT_EXPIRED, FULFIL_DEGRADED, QUAD_SERVING_NOT_BILLED},
        {CONTRACT_SUSPENDED, FULFIL_SUSPENDED, QUAD_CLOSED},
        {CONTRACT_CANCELLED, FULFIL_CLOSED, QUAD_CLOSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_string_equal(quadrant_name(quadrant_of(table[i].c, table[i].f)),
                            quadrant_name(table[i].q));
}

static const char wire[] =
    "*2\r\n*4\r\n$1\r\na\r\n$3\r\n1\r\n\r\n$1\r\nb\r\n:-7\r\n*2\r\n$1\r\nc\r\n$-1\r\n";

static void check_rows(struct reply_reader *r, const struct reply *reply)
{
    struct store_rows rows, *copy;

    assert_int_equal(reply_rows(r, reply, &rows), 0);
    copy = rows_copy(&rows);
    assert_non_null(copy);
    for (int i = 0; i < 2; i++) {
        const struct store_rows *v = i ? copy : &rows;

        assert_int_equal(v->n, 2);
        assert_true(str_is(store_get(v, "a"), "1\r\n"));
        assert_int_equal(store_row_int(&v->row[0], "b", 0), -7);
        assert_int_equal(store_row_int(&v->row[0], "a", 5), 5);
        assert_int_equal(store_row_int(&v->row[0], "none", 6), 6);
        assert_int_equal(store_row_get(&v->row[1], "c").n, 0);
        assert_int_equal(store_get(NULL, "a").n, 0);
    }
    free(copy);
}

static void replies_come_in_any_pieces(void **state)
{
    struct reply_reader *r;
    const struct reply *reply;
    const size_t n = sizeof(wire) - 1;

    (void)state;
    assert_int_equal(reply_reader_new(&r), 0);
    for (size_t piece = 1; piece <= n; piece++) {
        for (size_t at = 0; at < n; at += piece) {
            size_t len = at + piece > n ? n - at : piece;

            assert_int_equal(reply_feed(r, wire + at, len), 0);
            if (at + len < n)
                assert_int_equal(reply_next(r, &reply), 0);
        }
        assert_int_equal(reply_next(r, &reply), 1);
        check_rows(r, reply);
        assert_int_equal(reply_next(r, &reply), 0);
    }
    for (int i = 0; i < 3; i++)
        reply_feed(r, wire, n);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(reply_next(r, &reply), 1);
        check_rows(r, reply);
    }
    assert_int_equal(reply_next(r, &reply), 0);
    reply_reader_free(&r);
    assert_null(r);
}

static void replies_have_bounds(void **state)
{
    static const char *const bad[] = {"*1048577\r\n", "*99999999999999999999\r\n", "HELLO\r\n",
                                      "%1\r\n"};
    struct reply_reader *r;
    const struct reply *reply;
    char *big = malloc(1 << 20);
    int rc = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(reply_reader_new(&r), 0);
        assert_int_equal(reply_feed(r, bad[i], strlen(bad[i])), 0);
        assert_int_equal(reply_next(r, &reply), -EPROTO);
        assert_int_equal(reply_next(r, &reply), -EPROTO);
        reply_reader_free(&r);
    }
    memset(big, 'x', 1 << 20);
    assert_int_equal(reply_reader_new(&r), 0);
    assert_int_equal(reply_feed(r, "$900000000\r\n", 12), 0);
    for (int i = 0; i < 80 && !rc; i++)
        rc = reply_feed(r, big, 1 << 20);
    assert_int_equal(rc, -EPROTO);
    reply_reader_free(&r);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_is_sha1),
        cmocka_unit_test(every_script_is_there),
        cmocka_unit_test(the_manual_names_every_script),
        cmocka_unit_test(lua_and_c_know_the_same_transitions),
        cmocka_unit_test(states_are_words),
        cmocka_unit_test(quadrants),
        cmocka_unit_test(replies_come_in_any_pieces),
        cmocka_unit_test(replies_have_bounds),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
