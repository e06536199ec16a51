/* mail_text: hostile values stay values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "worker/mail_coming.h"
#include "worker/mail_money.h"
#include "worker/mail_text.h"

static const struct mail_value values[] = {
    {"product", {"Acme \xc3\x9c\x62\x65r {link}", 17}},
    {"bought", {"Acme {link}, plan Starter", 25}},
    {"endpoint", {"https://t.example/", 18}},
    {"link", {"https://s.example/x", 19}},
    {"contact", {"Bcc: evil@x.example\n.\nQUIT", 26}},
};

static struct mail_in input(const char *kind, const char *to)
{
    return (struct mail_in){.kind = kind,
                            .from = "Acme <marketplace@acme.example>",
                            .to = str_of(to),
                            .message_id = "1@acme.example",
                            .date_ms = 1780315200000,
                            .values = values,
                            .nvalues = sizeof(values) / sizeof(*values)};
}

static void decode_body(struct str mail, struct buf *out)
{
    const char *at = memmem(mail.p, mail.n, "\r\n\r\n", 4);
    struct str rest = str_from(mail, (size_t)(at - mail.p) + 4), line;
    char piece[64];

    while (rest.n) {
        ssize_t n;

        line = str_trim(str_cut(rest, '\n', &rest));
        n = enc_b64_dec(line, piece, sizeof(piece));
        assert_true(n >= 0);
        buf_add(out, piece, (size_t)n);
    }
}

static void composes(void **state)
{
    struct mail_in in = input("ready", "buyer@example.org");
    struct buf b, body;

    (void)state;
    buf_init(&b, 65536);
    buf_init(&body, 65536);
    assert_int_equal(mail_text(&in, &b), 0);
    assert_non_null(strstr(buf_cstr(&b), "To: buyer@example.org\r\n"));
    assert_non_null(strstr(buf_cstr(&b), "Subject: =?UTF-8?B?"));
    assert_non_null(strstr(buf_cstr(&b), "Date: Mon, 01 Jun 2026 12:00:00 +0000\r\n"));
    decode_body(buf_view(&b), &body);
    assert_non_null(strstr(buf_cstr(&body), "https://t.example/"));
    /* A value that looks like a placeholder is not expanded again. */
    assert_non_null(strstr(buf_cstr(&body), "{link}"));
    /* Header-like text of a value never becomes a header. */
    assert_null(strstr(buf_cstr(&b), "Bcc:"));
    buf_free(&b);
    buf_free(&body);
}

static void money(void **state)
{
    static const struct {
        const char *kind, *channel, *contract, *commit, *want;
        bool early;
    } t[] = {
        {"registered", "azure", "PENDING", "held", "You are not charged yet.", false},
        {"registered", "aws", "ACTIVE", "", "", false},
        {"delayed", "gcp", "PENDING", "held", "You are not charged yet.", false},
        {"failed", "azure", "PENDING", "held", "You have not been charged.", false},
        {"failed", "azure", "ACTIVE", "done", "", false},
        {"failed", "azure", "ACTIVE", "", "", false},
        {"ready", "gcp", "PENDING", "asked", "when Google Cloud Marketplace confirms.\n\n", false},
        {"ready", "gcp", "ACTIVE", "done", "", false},
        {"suspended", "azure", "SUSPENDED", "done", "Microsoft Marketplace has suspended", false},
        {"suspended", "azure", "ACTIVE", "done", "", false},
        {"suspended", "azure", "PENDING", "held", "You have not been charged.", false},
        {"suspended", "azure", "PENDING", "asked", "", false},
        {"closed", "azure", "CANCELLED", "held", "You have not been charged.\n\n", false},
        {"suspended", "azure", "CANCELLED", "done", "Your subscription has ended.", false},
        {"suspended", "azure", "CANCELLED", "held", "Your subscription has ended.", false},
        {"closed", "azure", "CANCELLED", "done", "Your subscription has ended.\n\n", false},
        {"closed", "aws", "ACTIVE", "", "has not ended by that. You can end it in AWS", false},
        {"closed", "azure", "SUSPENDED", "done", "has not ended by that.", false},
        {"closed", "gcp", "CANCELLED", "rejected", "You have not been charged.\n\n", false},
        {"registered", "azure", "PENDING", "held", "when Microsoft Marketplace confirms.", true},
        {"failed", "azure", "PENDING", "asked", "", false},
        {"failed", "azure", "PENDING", "held", "", true},
        {"delayed", "azure", "PENDING", "asked", "", true},
        {"alert-stuck", "azure", "PENDING", "held", "", false},
    };
    struct arena *a = arena_new(1024, 65536);

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
        const struct mail_money m = {t[i].kind, str_of(t[i].channel), str_of(t[i].contract),
                                     str_of(t[i].commit), t[i].early};
        struct str s = mail_money_text(a, &m);

        assert_int_equal(s.n == 0, t[i].want[0] == '\0');
        assert_non_null(strstr(s.n ? s.p : "", t[i].want));
    }
    arena_free(&a);
}

static void refuses_bad_addresses(void **state)
{
    static const char *const bad[] = {
        "",        "a",         "a@",           "@b",     "a@b@c", "a b@c.d", "a@b\r\nBcc:x",
        "<a@b.c>", "a@b.c,d@e", "\xc3\xa9@b.c", "a\"@b.c"};
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct mail_in in = input("ready", bad[i]);

        buf_reset(&b);
        assert_int_equal(mail_text(&in, &b), -EINVAL);
    }
    struct mail_in in = input("no such kind", "a@b.c");

    assert_int_equal(mail_text(&in, &b), -ENOENT);
    buf_free(&b);
}

static void finds_the_address(void **state)
{
    (void)state;
    assert_true(str_is(mail_address(STR("Acme <a@b.c>")), "a@b.c"));
    assert_true(str_is(mail_address(STR("a@b.c")), "a@b.c"));
}

static void changes_that_come_later(void **state)
{
    static const struct cfg_plan plans[] = {{.name = "a", .title = "Alpha"},
                                            {.name = "b", .title = "Beta"}};
    static const struct cfg_market market = {.plans = plans, .nplans = 2};
    static const struct {
        struct coming c;
        const char *text;
    } rows[] = {
        {{{"", 0}, 0, 0, {"a", 1}}, ""},
        {{{"b", 1}, 0, 1803988800000, {"a", 1}},
         "Your plan changes to Beta on 2 March 2027. Until then you keep plan Alpha.\n\n"},
        {{{"odd", 3}, 0, 0, {"a", 1}},
         "Your plan changes to odd at the end of your current billing period. Until then you keep "
         "plan Alpha.\n\n"},
        {{{"", 0}, 7, 1803988800000, {"a", 1}},
         "Your quantity changes to 7 on 2 March 2027. Until then nothing changes.\n\n"},
        {{{"b", 1}, 7, 1803988800000, {"a", 1}},
         "Your subscription changes to plan Beta with a quantity of 7 on 2 March 2027. Until then "
         "you keep plan Alpha.\n\n"},
    };
    struct arena *a = arena_new(1024, 65536);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_true(str_is(mail_coming_text(a, &market, &rows[i].c), rows[i].text));
    assert_true(mail_coming_text(a, NULL, &rows[1].c).n > 0); /* no longer configured */
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composes),
        cmocka_unit_test(changes_that_come_later),
        cmocka_unit_test(money),
        cmocka_unit_test(refuses_bad_addresses),
        cmocka_unit_test(finds_the_address),
    };

    return cmocka_run_group_tests_name("mail text", tests, NULL, NULL);
}
