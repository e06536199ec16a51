/* base: encodings, parsers and ids on their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "base/seal.h"

static void buf_is_bounded(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_cat(&b, "abc");
    buf_cat(&b, "de");
    assert_int_equal(buf_err(&b), 0);
    assert_string_equal(buf_cstr(&b), "abcde");
    buf_ch(&b, 'f');
    assert_true(buf_err(&b) < 0);
    buf_reset(&b);
    buf_fmt(&b, "%d", 123456);
    assert_true(buf_err(&b) < 0);
    buf_reset(&b);
    buf_fmt(&b, "%d", 12345);
    assert_string_equal(buf_cstr(&b), "12345");
    buf_drop(&b, 2);
    assert_string_equal(buf_cstr(&b), "345");
    buf_free(&b);
}

static void numbers_are_strict(void **state)
{
    static const char *const bad[] = {"",  "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616",
                                      "1a"};
    uint64_t v;
    int64_t i;

    (void)state;
    for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++)
        assert_true(str_u64(str_of(bad[k]), UINT64_MAX, &v) < 0);
    assert_int_equal(str_u64(STR("18446744073709551615"), UINT64_MAX, &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(str_i64(STR("-9223372036854775808"), &i), 0);
    assert_true(i == INT64_MIN);
    assert_true(str_i64(STR("9223372036854775808"), &i) < 0);
}

static void utf8_follows_rfc3629(void **state)
{
    static const struct {
        const char *s;
        bool utf8, text;
    } rows[] = {
        {"plain", true, true},
        {"caf\xc3\xa9", true, true},
        {"\xf0\x9f\x98\x80", true, true},
        {"\xc0\xaf", false, false},
        {"\xed\xa0\x80", false, false},
        {"\xf4\x90\x80\x80", false, false},
        {"\xe2\x82", false, false},
        {"tab\t", true, false},
        {"\xe2\x80\xae", true, false},
        {"\xc2\x85", true, false},
        {"\xe0\x80\xaf", false, false},
        {"\xff", false, false},
    };

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
        assert_int_equal(str_utf8(str_of(rows[k].s)), rows[k].utf8);
        assert_int_equal(str_text(str_of(rows[k].s)), rows[k].text);
    }
}

static void encodings_round_trip(void **state)
{
    uint8_t raw[40], back[40];
    struct buf b;

    (void)state;
    buf_init(&b, 256);
    for (size_t n = 0; n < sizeof(raw); n++) {
        for (size_t i = 0; i < n; i++)
            raw[i] = (uint8_t)(i * 37 + n);
        buf_reset(&b);
        enc_b64(&b, raw, n);
        assert_int_equal(enc_b64_dec(buf_view(&b), back, sizeof(back)), n);
        assert_memory_equal(raw, back, n);
        buf_reset(&b);
        enc_b64url(&b, raw, n);
        assert_int_equal(enc_b64url_dec(buf_view(&b), back, sizeof(back)), n);
        buf_reset(&b);
        enc_hex(&b, raw, n);
        assert_int_equal(enc_hex_dec(buf_view(&b), back, sizeof(back)), n);
    }
    buf_free(&b);
    assert_int_equal(enc_b64_dec(STR("QQ=="), back, sizeof(back)), 1);
    assert_true(enc_b64_dec(STR("QR=="), back, sizeof(back)) < 0);
    assert_true(enc_b64_dec(STR("Q==="), back, sizeof(back)) < 0);
    assert_true(enc_b64_dec(STR("QQ="), back, sizeof(back)) < 0);
    assert_true(enc_b64_dec(STR("Q Q="), back, sizeof(back)) < 0);
    assert_true(enc_b64url_dec(STR("QQ=="), back, sizeof(back)) < 0);
}

static void form_decodes_once(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 64);
    assert_int_equal(enc_form_dec(&b, STR("opaque%2B%2F%3D+t%252B")), 0);
    assert_string_equal(buf_cstr(&b), "opaque+/= t%2B");
    buf_reset(&b);
    assert_true(enc_form_dec(&b, STR("%4")) < 0);
    assert_true(enc_form_dec(&b, STR("%zz")) < 0);
    buf_free(&b);
}

static void clock_parses(void **state)
{
    char iso[CLOCK_ISO], basic[CLOCK_BASIC];
    int64_t ms;

    (void)state;
    assert_int_equal(clock_parse_iso(STR("2026-06-01T12:00:00Z"), &ms), 0);
    assert_true(ms == 1780315200000);
    clock_iso(ms, iso);
    clock_basic(ms, basic);
    assert_string_equal(iso, "2026-06-01T12:00:00Z");
    assert_string_equal(basic, "20260601T120000Z");
    assert_int_equal(clock_parse_iso(STR("2026-03-06T20:00:26.893Z"), &ms), 0);
    assert_true(ms % 1000 == 893);
    assert_int_equal(clock_parse_iso(STR("2026-06-01T14:00:00+02:00"), &ms), 0);
    assert_true(ms == 1780315200000);
    assert_true(clock_parse_iso(STR("2026-02-30T00:00:00Z"), &ms) < 0);
    assert_true(clock_parse_iso(STR("2026-06-01"), &ms) < 0);
    assert_int_equal(clock_parse_http(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ms), 0);
    assert_true(ms == 784111777000);
    assert_true(clock_parse_http(STR("Sun, 06 Foo 1994 08:49:37 GMT"), &ms) < 0);
}

static void json_gate_refuses(void **state)
{
    static const char *const bad[] = {"",
                                      "{}x",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":1e999}",
                                      "{\"a\":\"\x01\"}",
                                      "\"a\\u0000b\"",
                                      "\"\\ud800\"",
                                      "{\"a\":1,\"a\":2}",
                                      "\xef\xbb\xbf{}",
                                      "\"\xff\"",
                                      "[1,]",
                                      "{\"a\" 1}",
                                      "nul",
                                      "{\"a\":\"\\q\"}",
                                      "]",
                                      "[[",
                                      "\"\\u12\""};
    cJSON *j;
    int64_t v;

    (void)state;
    for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
        int rc = json_parse(str_of(bad[k]), 1000, &j);

        if (rc == 0)
            fail_msg("accepted: %s", bad[k]);
    }
    assert_int_equal(json_parse(STR("{\"a\":9007199254740991,\"b\":1.5,\"Role\":\"x\"}"), 100, &j),
                     0);
    assert_int_equal(json_int(j, "a", &v), 0);
    assert_true(json_int(j, "b", &v) < 0);
    assert_true(json_str(j, "role").n == 0);
    assert_int_equal(json_epoch_ms(j, "b", &v), 0);
    assert_int_equal(v, 1500);
    cJSON_Delete(j);
    assert_int_equal(json_parse(STR("{}"), 1, &j), -EMSGSIZE);
}

static void json_writer_escapes(void **state)
{
    struct jsonw w;
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "s", STR("a\"b\\</script>\n\x01\xff\xe2\x80\xa8"));
    jsonw_kvi(&w, "i", -5);
    jsonw_key(&w, "l");
    jsonw_arr(&w);
    jsonw_int(&w, 1);
    jsonw_bool(&w, true);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    assert_string_equal(buf_cstr(&b),
                        "{\"s\":\"a\\\"b\\\\\\u003c/script\\u003e\\n\\u0001\xef\xbf\xbd"
                        "\\u2028\",\"i\":-5,\"l\":[1,true]}");
    buf_free(&b);
}

static void ids_name_their_shard(void **state)
{
    char order[ID_ORDER], tenant[ID_TENANT], secret[ID_SECRET], cap[ID_SECRET], moved[ID_SECRET];
    struct str part, part2;
    unsigned shard, sh = id_shard_of(STR("aws"), STR("l-1"), 4);

    (void)state;
    id_order(STR("aws"), STR("l-1"), sh, order);
    assert_int_equal(id_shard(str_of(order), 4, &shard), 0);
    assert_int_equal(shard, sh);
    id_tenant(str_of(order), tenant);
    assert_int_equal(id_shard(str_of(tenant), 4, &shard), 0);
    assert_int_equal(shard, sh);
    assert_true(strlen(tenant) < 40);
    id_secret_new(3, secret);
    assert_int_equal(id_secret_parse(str_of(secret), 4, &shard, &part), 0);
    assert_int_equal(shard, 3);
    assert_true(id_secret_parse(str_of(secret), 3, &shard, &part) < 0);
    id_secret_parse(str_of(secret), 4, &shard, &part);
    id_capability(0, part, cap);
    assert_int_equal(id_secret_parse(str_of(cap), 1, &shard, &part2), 0);
    assert_false(str_eq(part, part2));
    id_secret_move(part2, 2, moved);
    assert_int_equal(id_secret_parse(str_of(moved), 4, &shard, &part), 0);
    assert_true(str_eq(part, part2));
    assert_true(id_secret_parse(STR("0.short"), 1, &shard, &part) < 0);
    assert_true(id_shard(STR("o0-UPPER"), 1, &shard) < 0);
}

static void sealed_box_opens_only_with_the_key(void **state)
{
    char dir[] = "/tmp/lastmile-test-XXXXXX", sk[64], pk[64], sk2[64], pk2[64];
    struct seal_key key, other;
    struct seal_pub pub;
    struct buf box, msg;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(sk, sizeof(sk), "%s/sk", dir);
    snprintf(pk, sizeof(pk), "%s/pk", dir);
    snprintf(sk2, sizeof(sk2), "%s/sk2", dir);
    snprintf(pk2, sizeof(pk2), "%s/pk2", dir);
    assert_int_equal(seal_keygen(sk, pk), 0);
    assert_int_equal(seal_keygen(sk2, pk2), 0);
    assert_int_equal(seal_load_key(sk, &key), 0);
    assert_int_equal(seal_load_key(sk2, &other), 0);
    assert_int_equal(seal_load_pub(pk, &pub), 0);
    buf_init(&box, 1000);
    buf_init(&msg, 1000);
    assert_int_equal(seal_box(&pub, STR("token"), &box), 0);
    assert_int_equal(seal_open(&other, buf_view(&box), &msg), -EKEYREJECTED);
    assert_int_equal(seal_open(&key, buf_view(&box), &msg), 0);
    assert_string_equal(buf_cstr(&msg), "token");
    assert_true(seal_open(&key, STR("not base64"), &msg) < 0);
    buf_free(&box);
    buf_free(&msg);
    unlink(sk), unlink(pk), unlink(sk2), unlink(pk2), rmdir(dir);
}

/* Thousands of small ones live at once. */
static void a_secret_is_private(void **state)
{
    static const struct {
        const char *dir, *path;
        mode_t mode;
        bool is;
    } rows[] = {
        {NULL, "/c/x", 0600, true},   {NULL, "/c/x", 0400, true},  {NULL, "/c/x", 0440, false},
        {"/c", "/c/x", 0440, true},   {"/c", "/c/x", 0460, false}, {"/c", "/c/x", 0444, false},
        {"/c", "/c/x", 0404, false},  {"/c", "/cx", 0440, false},  {"/c", "/d/x", 0440, false},
        {"/c", "/d/x", 0400, true},   {"c", "c/x", 0440, false},   {"", "/x", 0440, false},
        {"/", "/etc/x", 0440, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].dir)
            setenv("CREDENTIALS_DIRECTORY", rows[i].dir, 1);
        else
            unsetenv("CREDENTIALS_DIRECTORY");
        if (file_is_private(rows[i].path, S_IFREG | rows[i].mode) != rows[i].is)
            fail_msg("row %zu", i);
    }
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void arena_grows_slowly(void **state)
{
    int64_t before = (int64_t)mallinfo2().uordblks, grown;
    struct arena *a = arena_new(256, 1 << 20);

    (void)state;
    assert_non_null(arena_alloc(a, 200));
    assert_non_null(arena_alloc(a, 200));
    grown = (int64_t)mallinfo2().uordblks - before;
    assert_true(grown < 1200);
    for (size_t n = 1; n < 10000; n *= 3)
        assert_non_null(memset(arena_alloc(a, n), 1, n));
    arena_free(&a);
}

static void arena_has_a_maximum(void **state)
{
    struct arena *a = arena_new(128, 1000);

    (void)state;
    assert_non_null(arena_alloc(a, 500));
    assert_null(arena_alloc(a, 600));
    assert_string_equal(arena_fmt(a, "%s-%d", "x", 3), "x-3");
    arena_free(&a);
    assert_null(a);
}

/* SipHash-2-4 with 128 bits of output: the first vectors of its reference implementation. */
static void tags(void **state)
{
    static const char *const want[] = {"a3817f04ba25a8e66df67214c7550293",
                                       "da87c1d86b99af44347659119b22fc45"};
    uint8_t key[HASH_TAG], tag[HASH_TAG];
    struct buf b;

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    buf_init(&b, 64);
    for (size_t n = 0; n < 2; n++) {
        buf_reset(&b);
        hash_tag(key, str_make("", n), tag);
        enc_hex(&b, tag, sizeof(tag));
        assert_string_equal(buf_cstr(&b), want[n]);
    }
    buf_free(&b);
}

/* Short and long ones, in the first room and in a grown one, and one too many. */
static void formatted(void **state)
{
    char text[600];
    struct arena *a = arena_new(64, 4096);
    struct buf b;

    (void)state;
    memset(text, 'x', sizeof(text));
    buf_init(&b, 600);
    for (int n = 250; n <= 260; n++) {
        char *p = arena_fmt(a, "%.*s", n, text);

        buf_reset(&b);
        buf_fmt(&b, "%d:", n);
        buf_fmt(&b, "%.*s", n, text);
        assert_int_equal(b.len, (size_t)n + 4);
        assert_int_equal(strlen(buf_cstr(&b)), b.len);
        assert_int_equal(strlen(p), (size_t)n);
    }
    buf_fmt(&b, "%.*s", 400, text);
    assert_true(buf_err(&b) < 0);
    assert_int_equal(b.len, 264);
    assert_int_equal(strlen(b.p), 264);
    arena_secret(a);
    assert_string_equal(arena_fmt(a, "%d", 7), "7");
    arena_free(&a);
    buf_free(&b);
}

static void room(void **state)
{
    struct buf b;
    char *p;

    (void)state;
    buf_init(&b, 8);
    buf_cat(&b, "abc");
    p = buf_room(&b, 5);
    assert_non_null(p);
    memcpy(p, "defgh", 5);
    assert_string_equal(buf_cstr(&b), "abcdefgh");
    assert_int_equal(b.len, 8);
    assert_null(buf_room(&b, 1));
    assert_true(buf_err(&b) < 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_is_bounded),
        cmocka_unit_test(formatted),
        cmocka_unit_test(room),
        cmocka_unit_test(tags),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(utf8_follows_rfc3629),
        cmocka_unit_test(encodings_round_trip),
        cmocka_unit_test(form_decodes_once),
        cmocka_unit_test(clock_parses),
        cmocka_unit_test(json_gate_refuses),
        cmocka_unit_test(json_writer_escapes),
        cmocka_unit_test(ids_name_their_shard),
        cmocka_unit_test(sealed_box_opens_only_with_the_key),
        cmocka_unit_test(a_secret_is_private),
        cmocka_unit_test(arena_grows_slowly),
        cmocka_unit_test(arena_has_a_maximum),
    };

    return crypto_init() ? 1 : cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
