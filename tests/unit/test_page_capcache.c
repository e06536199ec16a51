/* What a process remembers between two polls: pages/capcache.h, pages/forms.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "pages/capcache.h"

static char text[FORMS_TEXT_MAX + 2];

static struct str number(const char *fmt, unsigned n)
{
    int len = snprintf(text, sizeof(text), "%s%u}", fmt, n);

    return str_make(text, (size_t)len);
}

static void is(const struct forms_text *t, struct str want)
{
    struct buf b;

    buf_init(&b, FORMS_TEXT_MAX);
    forms_write(t, &b);
    assert_true(str_eq(buf_view(&b), want));
    buf_free(&b);
}

static void texts(void **state)
{
    static const char *const t[] = {"",   "7",         "007", "no number", "a1b22c333", "1a",
                                    "a1", "{\"n\":0}", "\n",  "é 5 é",     "1 2",       "12"};
    enum { N = sizeof(t) / sizeof(t[0]) };
    struct forms_text *kept[N];
    struct forms *f;
    size_t i;

    (void)state;
    assert_int_equal(forms_new(4096, &f), 0);
    for (i = 0; i < N; i++)
        assert_int_equal(forms_put(f, str_of(t[i]), &kept[i]), 0);
    for (i = 0; i < N; i++)
        is(kept[i], str_of(t[i]));
    for (i = 0; i < N; i++)
        forms_drop(f, &kept[i]);
    assert_null(kept[0]);
    forms_drop(f, &kept[0]);
    assert_int_equal(forms_bytes(f), 0);
    forms_free(&f);
    assert_null(f);
}

static void one_form_many_numbers(void **state)
{
    struct forms_text *kept[100], *other;
    size_t i, one;
    struct forms *f;

    (void)state;
    assert_int_equal(forms_new(8192, &f), 0);
    memset(text, 'x', 2000);
    assert_int_equal(forms_put(f, str_make(text, 2000), &other), 0);
    one = forms_bytes(f);
    forms_drop(f, &other);
    for (i = 0; i < 100; i++) {
        memset(text, 'x', 2000);
        text[2000] = (char)('0' + i / 10);
        text[2001] = (char)('0' + i % 10);
        assert_int_equal(forms_put(f, str_make(text, 2002), &kept[i]), 0);
    }
    assert_true(forms_bytes(f) < one + 100 * 64);
    memset(text, 'y', 3000);
    assert_int_equal(forms_put(f, str_make(text, 3000), &other), -ENOSPC);
    assert_null(other);
    for (i = 0; i < 100; i++)
        forms_drop(f, &kept[i]);
    assert_int_equal(forms_put(f, str_make(text, 3000), &other), 0);
    forms_drop(f, &other);
    assert_int_equal(forms_put(f, STR("a\001b"), &other), -EINVAL);
    assert_int_equal(forms_put(f, str_make(text, FORMS_TEXT_MAX + 1), &other), -EINVAL);
    assert_int_equal(forms_bytes(f), 0);
    forms_free(&f);
}

static void key_of(const struct capcache *c, unsigned n, struct cap_key *key)
{
    char name[16];

    snprintf(name, sizeof(name), "%u", n);
    capcache_key(c, str_of(name), key);
}

#define ORDER STR("o0-abc")

static void answers(void **state)
{
    const struct cap_answer in = {
        .ver = 3, .updated = 50, .until = 99, .retry_after = 2, .etag = "\"o3-x\""};
    const struct cap_answer *out;
    struct capcache *c;
    struct cap_key k, *a = &k;

    (void)state;
    assert_int_equal(capcache_new(&c), 0);
    key_of(c, 1, a);
    capcache_keep(c, a, ORDER, &in, STR("body 1")); /* nobody asked for that one */
    assert_null(capcache_answer(c, a, ORDER));
    capcache_put(c, a, ORDER, 1);
    assert_null(capcache_answer(c, a, ORDER));
    capcache_keep(c, a, STR("o0-other"), &in, STR("body 1"));
    assert_null(capcache_answer(c, a, ORDER));
    capcache_keep(c, a, ORDER, &in, STR("body 1"));
    out = capcache_answer(c, a, ORDER);
    assert_non_null(out);
    assert_true(out->ver == 3 && out->updated == 50 && out->until == 99 && out->retry_after == 2);
    assert_string_equal(out->etag, in.etag);
    is(out->body, STR("body 1"));
    assert_null(capcache_answer(c, a, STR("o0-other")));

    /* Asked for anew after its time: the same order keeps its answer, another one does not. */
    assert_int_equal(capcache_get(c, a, CAPCACHE_MS + 1).n, 0);
    capcache_put(c, a, ORDER, CAPCACHE_MS + 1);
    assert_non_null(capcache_answer(c, a, ORDER));
    capcache_put(c, a, STR("o0-other"), CAPCACHE_MS + 1);
    assert_null(capcache_answer(c, a, STR("o0-other")));

    capcache_keep(c, a, STR("o0-other"), &in, STR(""));
    out = capcache_answer(c, a, STR("o0-other"));
    assert_true(out && !out->body);
    capcache_forget(c, a);
    assert_null(capcache_answer(c, a, STR("o0-other")));
    assert_true(str_is(capcache_get(c, a, CAPCACHE_MS + 2), "o0-other"));
    capcache_keep(c, a, STR("o0-other"), &in, STR("body 2"));
    capcache_drop(c, a);
    assert_int_equal(capcache_get(c, a, CAPCACHE_MS + 2).n, 0);
    assert_null(capcache_answer(c, a, STR("o0-other")));
    capcache_free(&c);
}

/* Twice as many as there is room for: the older half goes, nobody gets somebody else's. */
static void full(void **state)
{
    enum { ALL = 2 * CAPCACHE_SLOTS };
    struct cap_answer in = {.until = 99};
    unsigned i, known = 0, right = 0, late = 0;
    struct capcache *c;
    struct cap_key key;
    char order[ID_ORDER];

    (void)state;
    assert_int_equal(capcache_new(&c), 0);
    for (i = 0; i < ALL; i++) {
        key_of(c, i, &key);
        snprintf(order, sizeof(order), "o0-%u", i);
        capcache_put(c, &key, str_of(order), 1 + i / 8);
        in.ver = i;
        capcache_keep(c, &key, str_of(order), &in, number("{\"ver\":", i));
    }
    for (i = 0; i < ALL; i++) {
        const struct cap_answer *a;
        struct str got;

        key_of(c, i, &key);
        got = capcache_get(c, &key, 1 + i / 8);
        snprintf(order, sizeof(order), "o0-%u", i);
        if (got.n == 0)
            continue;
        known++;
        late += i >= ALL / 2;
        right += str_is(got, order);
        a = capcache_answer(c, &key, got);
        assert_true(a && a->ver == i && a->body);
        is(a->body, number("{\"ver\":", i));
    }
    assert_int_equal(right, known);
    assert_true(known <= CAPCACHE_SLOTS && known > CAPCACHE_SLOTS * 9 / 10);
    assert_true(late > known * 8 / 10);
    capcache_free(&c);
}

/* Well below its size next to nothing gives way: a poll that is not remembered costs several times
 * as much. Everything is asked for once more, as open pages do. */
static void ten_thousand(void **state)
{
    enum { ALL = 10000 };
    unsigned i, known = 0;
    struct capcache *c;
    struct cap_key key;

    (void)state;
    assert_int_equal(capcache_new(&c), 0);
    for (i = 0; i < ALL; i++) {
        key_of(c, i, &key);
        capcache_put(c, &key, ORDER, 1);
    }
    for (i = 0; i < ALL; i++) {
        key_of(c, i, &key);
        known += capcache_get(c, &key, 2).n > 0;
    }
    assert_true(known > ALL / 1000 * 989);
    capcache_free(&c);
}

/* No two alike and long: bodies give way to newer ones, what is needed for a 304 stays. */
static void bytes(void **state)
{
    enum { ALL = 4000, LONG = 3000 };
    struct cap_answer in = {.ver = 1};
    unsigned i, with = 0, without = 0;
    struct capcache *c;
    struct cap_key key;

    (void)state;
    assert_int_equal(capcache_new(&c), 0);
    for (i = 0; i < ALL; i++) {
        key_of(c, i, &key);
        memset(text, 'a', LONG);
        text[i % LONG] = (char)('b' + i / LONG);
        capcache_put(c, &key, ORDER, 1);
        capcache_keep(c, &key, ORDER, &in, str_make(text, LONG));
    }
    assert_true(capcache_answer(c, &key, ORDER)->body != NULL);
    for (i = 0; i < ALL; i++) {
        const struct cap_answer *a;

        key_of(c, i, &key);
        a = capcache_answer(c, &key, ORDER);
        with += a && a->body;
        without += a && !a->body;
    }
    assert_int_equal(with + without, ALL);
    assert_true(with <= CAPCACHE_BYTES / LONG && with > CAPCACHE_BYTES / LONG / 2);
    capcache_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts), cmocka_unit_test(one_form_many_numbers), cmocka_unit_test(answers),
        cmocka_unit_test(full),  cmocka_unit_test(ten_thousand),          cmocka_unit_test(bytes)};

    return crypto_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
