#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "records.h"

/* ---- the web server's side, written without the code under test ---- */

static void put(struct buf *b, int type, unsigned id, const void *data, size_t n, unsigned pad)
{
    unsigned char h[8] = {1,
                          (unsigned char)type,
                          (unsigned char)(id >> 8),
                          (unsigned char)id,
                          (unsigned char)(n >> 8),
                          (unsigned char)n,
                          (unsigned char)pad,
                          0};
    char zero[255] = {0};

    buf_add(b, h, 8);
    buf_add(b, data, n);
    buf_add(b, zero, pad);
}

static void begin(struct buf *b, unsigned id, int role, int flags)
{
    unsigned char body[8] = {0, (unsigned char)role, (unsigned char)flags};

    put(b, 1, id, body, 8, 0);
}

static void length(struct buf *b, uint32_t n)
{
    unsigned char d[4] = {(unsigned char)(n >> 24 | 0x80), (unsigned char)(n >> 16),
                          (unsigned char)(n >> 8), (unsigned char)n};

    if (n < 128)
        buf_ch(b, (char)n);
    else
        buf_add(b, d, 4);
}

static void pair(struct buf *b, const char *name, const char *value)
{
    length(b, (uint32_t)strlen(name));
    length(b, (uint32_t)strlen(value));
    buf_cat(b, name);
    buf_cat(b, value);
}

static void params(struct buf *b, unsigned id, const struct buf *pairs)
{
    if (pairs->len)
        put(b, 4, id, pairs->p, pairs->len, 3);
    put(b, 4, id, "", 0, 0);
}

/* A whole request; body NULL: none. */
static void request(struct buf *b, unsigned id, const char *uri, const char *body)
{
    struct buf p;
    char n[24] = "";

    buf_init(&p, 4096);
    begin(b, id, 1, 1);
    pair(&p, "REQUEST_METHOD", body ? "POST" : "GET");
    pair(&p, "SCRIPT_NAME", uri);
    if (body)
        snprintf(n, sizeof(n), "%zu", strlen(body));
    pair(&p, "CONTENT_LENGTH", n);
    params(b, id, &p);
    if (body)
        put(b, 5, id, body, strlen(body), 5);
    put(b, 5, id, "", 0, 0);
    buf_free(&p);
}

/* ---- the harness ---- */

static const struct req_limits small_limits = {.params_max = 5,
                                               .params_bytes = 2000,
                                               .name_max = 40,
                                               .value_max = 1000,
                                               .body_max = 100,
                                               .drain_max = 1000};

struct seen {
    struct rec rec;
    struct buf reply, story; /* story: what happened, as text */
    enum rec_step last;
};

static void open_seen(struct seen *s, const struct req_limits *lim)
{
    rec_init(&s->rec, lim);
    buf_init(&s->reply, 1 << 16);
    buf_init(&s->story, 1 << 16);
    s->last = REC_MORE;
}

static void close_seen(struct seen *s)
{
    rec_free(&s->rec);
    buf_free(&s->reply);
    buf_free(&s->story);
}

static void tell(struct seen *s)
{
    struct rec_request q;
    size_t i;

    rec_take(&s->rec, &q);
    buf_fmt(&s->story, "[%u%s%s", q.id, q.keep ? " keep" : "", q.unread ? " unread" : "");
    if (q.refuse)
        buf_fmt(&s->story, " refuse=%d", q.refuse);
    for (i = 0; i < q.nparams && !q.refuse; i++)
        buf_fmt(&s->story, " %.*s=%.*s", STR_FMT(q.params[i].name), STR_FMT(q.params[i].value));
    buf_fmt(&s->story, " body=%.*s]", STR_FMT(q.body));
    arena_free(&q.arena);
}

/* Feeds all of it in pieces of `step` bytes, answering at once. */
static void feed(struct seen *s, struct str all, size_t step)
{
    while (all.n > 0 && s->last != REC_BAD) {
        struct str in = str_sub(all, 0, step);

        all = str_from(all, in.n);
        do {
            s->last = rec_feed(&s->rec, &in, &s->reply);
            if (s->last == REC_REQUEST) {
                tell(s);
                rec_answered(&s->rec);
            } else if (s->last == REC_ABORT) {
                buf_cat(&s->story, "[abort]");
            } else if (s->last == REC_BAD) {
                buf_fmt(&s->story, "[bad: %s]", rec_why(&s->rec));
            }
        } while (s->last == REC_REQUEST || s->last == REC_ABORT);
    }
}

/* The story must be the same however the bytes are cut. */
static void expect(const struct buf *bytes, const struct req_limits *lim, const char *story)
{
    static const size_t steps[] = {1, 2, 3, 5, 7, 8, 9, 11, 16, 64, 1 << 20};
    size_t i;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct seen s;

        open_seen(&s, lim);
        feed(&s, buf_view(bytes), steps[i]);
        assert_string_equal(buf_cstr(&s.story), story);
        close_seen(&s);
    }
}

static struct buf fresh(void)
{
    struct buf b;

    buf_init(&b, 4 << 20);
    return b;
}

/* ---- requests ---- */

static void whole_requests(void **state)
{
    struct buf b = fresh();

    (void)state;
    request(&b, 1, "/a", NULL);
    request(&b, 1, "/b", "x=1&y=2");
    request(&b, 500, "/c", "");
    expect(&b, &req_limits_default,
           "[1 keep REQUEST_METHOD=GET SCRIPT_NAME=/a CONTENT_LENGTH= body=]"
           "[1 keep REQUEST_METHOD=POST SCRIPT_NAME=/b CONTENT_LENGTH=7 body=x=1&y=2]"
           "[500 keep REQUEST_METHOD=POST SCRIPT_NAME=/c CONTENT_LENGTH=0 body=]");
    buf_free(&b);
}

static void streams_in_many_records(void **state)
{
    struct buf b = fresh(), p = fresh();
    char name[200], value[300];
    size_t i;

    (void)state;
    memset(name, 'N', 199);
    name[199] = '\0';
    memset(value, 'v', 299);
    value[299] = '\0';
    pair(&p, name, value);
    pair(&p, "EMPTY", "");
    begin(&b, 7, 1, 0);
    for (i = 0; i < p.len; i++) /* one byte of the pairs in each record */
        put(&b, 4, 7, p.p + i, 1, (unsigned)(i % 9));
    put(&b, 4, 7, "", 0, 8);
    for (i = 0; i < 10; i++)
        put(&b, 5, 7, "ab", 2, 1);
    put(&b, 5, 7, "", 0, 255);
    buf_reset(&p);
    buf_fmt(&p, "[7 %s=%s EMPTY= body=abababababababababab]", name, value);
    expect(&b, &req_limits_default, buf_cstr(&p));
    buf_free(&p);
    buf_free(&b);
}

static void empty_pair_and_long_form_of_short_length(void **state)
{
    static const char odd[] = "\x80\0\0\x01\x80\0\0\x02"
                              "Nvv"
                              "\0\0";
    struct buf b = fresh();

    (void)state;
    begin(&b, 1, 1, 1);
    put(&b, 4, 1, odd, sizeof(odd) - 1, 0);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 5, 1, "", 0, 0);
    expect(&b, &req_limits_default, "[1 keep N=vv = body=]");
    buf_free(&b);
}

/* ---- caps: refused, read to the end, connection alive ---- */

static void over_cap(const struct buf *pairs, const char *story)
{
    struct buf b = fresh(), want = fresh();

    begin(&b, 1, 1, 1);
    params(&b, 1, pairs);
    put(&b, 5, 1, "", 0, 0);
    begin(&b, 2, 1, 1);
    put(&b, 4, 2, "", 0, 0);
    put(&b, 5, 2, "", 0, 0);
    buf_fmt(&want, "%s[2 keep body=]", story);
    expect(&b, &small_limits, buf_cstr(&want));
    buf_free(&want);
    buf_free(&b);
}

static void params_over_caps(void **state)
{
    struct buf p = fresh();
    char text[1200];
    int i;

    (void)state;
    for (i = 0; i < 5; i++)
        pair(&p, "A", "b");
    over_cap(&p, "[1 keep A=b A=b A=b A=b A=b body=]");
    pair(&p, "A", "b");
    over_cap(&p, "[1 keep refuse=431 body=]");
    buf_reset(&p);
    memset(text, 'x', sizeof(text));
    text[1001] = '\0';
    pair(&p, "A", text);
    over_cap(&p, "[1 keep refuse=431 body=]");
    buf_reset(&p);
    text[41] = '\0';
    pair(&p, text, "v");
    over_cap(&p, "[1 keep refuse=431 body=]");
    buf_reset(&p);
    memset(text, 'x', sizeof(text));
    text[900] = '\0';
    for (i = 0; i < 3; i++)
        pair(&p, "A", text);
    over_cap(&p, "[1 keep refuse=431 body=]");
    buf_free(&p);
}

/* A length of 2 GiB costs nothing; the stream that ends inside the pair is malformed. */
static void two_gigabytes_claimed(void **state)
{
    static const char lie[] = "\xff\xff\xff\xff\xff\xff\xff\xffyou wish";
    struct buf b = fresh();
    struct seen s;

    (void)state;
    begin(&b, 1, 1, 1);
    put(&b, 4, 1, lie, sizeof(lie) - 1, 0);
    open_seen(&s, &req_limits_default);
    feed(&s, buf_view(&b), 1);
    assert_int_equal(s.last, REC_MORE);
    assert_true(arena_used(s.rec.cur.arena) < 64);
    close_seen(&s);
    put(&b, 4, 1, "", 0, 0);
    expect(&b, &req_limits_default, "[bad: params cut within a pair]");
    buf_free(&b);
}

static void flood_of_params(void **state)
{
    static char zeros[60000];
    struct buf b = fresh();
    int i;

    (void)state;
    begin(&b, 1, 1, 1);
    for (i = 0; i < 20; i++)
        put(&b, 4, 1, zeros, sizeof(zeros), 0);
    expect(&b, &req_limits_default, "[bad: flood of params]");
    buf_free(&b);
}

static void body_case(const char *content_length, size_t body, const char *story)
{
    struct buf b = fresh(), p = fresh();
    char text[4000];
    size_t n;

    memset(text, 'x', sizeof(text));
    if (content_length)
        pair(&p, "CONTENT_LENGTH", content_length);
    begin(&b, 1, 1, 1);
    params(&b, 1, &p);
    for (n = body; n > 0; n -= n > 90 ? 90 : n)
        put(&b, 5, 1, text, n > 90 ? 90 : n, 0);
    put(&b, 5, 1, "", 0, 0);
    expect(&b, &small_limits, story);
    buf_free(&p);
    buf_free(&b);
}

static void bodies_and_their_length(void **state)
{
    (void)state;
    body_case(NULL, 3, "[1 keep body=xxx]");
    body_case("", 3, "[1 keep CONTENT_LENGTH= body=xxx]");
    body_case("3", 3, "[1 keep CONTENT_LENGTH=3 body=xxx]");
    body_case("2", 3, "[1 keep refuse=400 body=]");
    body_case("100", 95, "[1 keep refuse=400 body=]");
    body_case("-1", 0, "[1 keep refuse=400 body=]");
    body_case("3 ", 3, "[1 keep refuse=400 body=]");
    body_case("0x3", 3, "[1 keep refuse=400 body=]");
    body_case("99999999999999999999", 3, "[1 keep refuse=400 body=]");
    body_case("101", 101, "[1 keep refuse=413 body=]");
    body_case("1000", 1000, "[1 keep refuse=413 body=]");
}

static void length_given_twice(void **state)
{
    struct buf b = fresh(), p = fresh();

    (void)state;
    pair(&p, "CONTENT_LENGTH", "1");
    pair(&p, "CONTENT_LENGTH", "1");
    begin(&b, 1, 1, 1);
    params(&b, 1, &p);
    put(&b, 5, 1, "x", 1, 0);
    put(&b, 5, 1, "", 0, 0);
    buf_reset(&p);
    pair(&p, "CONTENT_LENGTH", "1");
    pair(&p, "CONTENT_LENGTH", "2");
    begin(&b, 1, 1, 1);
    params(&b, 1, &p);
    put(&b, 5, 1, "x", 1, 0);
    put(&b, 5, 1, "", 0, 0);
    expect(&b, &small_limits,
           "[1 keep CONTENT_LENGTH=1 CONTENT_LENGTH=1 body=x][1 keep refuse=400 body=]");
    buf_free(&p);
    buf_free(&b);
}

/* More than we are willing to throw away: the answer comes before the end. */
static void drains_no_further_than_its_limit(void **state)
{
    struct buf b = fresh(), p = fresh();
    char text[1200];
    struct seen s;

    (void)state;
    memset(text, 'x', sizeof(text));
    begin(&b, 1, 1, 1);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 5, 1, text, 90, 0);
    put(&b, 5, 1, text, 1200, 0);
    open_seen(&s, &small_limits);
    feed(&s, buf_view(&b), 1 << 20);
    assert_non_null(strstr(buf_cstr(&s.story), "[1 keep unread refuse=413"));
    close_seen(&s);
    buf_reset(&b);
    pair(&p, "CONTENT_LENGTH", "5000000000");
    begin(&b, 1, 1, 1);
    params(&b, 1, &p);
    open_seen(&s, &small_limits);
    feed(&s, buf_view(&b), 1);
    assert_string_equal(buf_cstr(&s.story), "[1 keep unread refuse=413 body=]");
    close_seen(&s);
    buf_free(&p);
    buf_free(&b);
}

/* ---- the rest of the protocol ---- */

static void malformed(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *story;
    } t[] = {
        {"\x02\x01\0\x01\0\x08\0\0", 8, "[bad: wrong version]"},
        {"\0\0\0\0\0\0\0\0", 8, "[bad: wrong version]"},
        {"GET / HTTP/1.1\r\n\r\n", 18, "[bad: wrong version]"},
        {"\x01\x01\0\x01\0\x07\0\0", 8, "[bad: BEGIN_REQUEST of a wrong length]"},
        {"\x01\x01\0\x01\xff\xff\0\0", 8, "[bad: BEGIN_REQUEST of a wrong length]"},
        {"\x01\x03\0\x01\0\0\0\0", 8, "[bad: record type that only an application sends]"},
        {"\x01\x06\0\x01\0\0\0\0", 8, "[bad: record type that only an application sends]"},
        {"\x01\x09\0\x01\0\0\0\0", 8, "[bad: record type that only an application sends]"},
        {"\x01\x09\0\0\xff\0\0\0", 8, "[bad: over-long GET_VALUES]"},
        {"\x01\x09\0\0\0\x02\0\0\x05\x05", 10, "[bad: malformed GET_VALUES]"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct buf b = fresh();

        buf_add(&b, t[i].bytes, t[i].n);
        expect(&b, &req_limits_default, t[i].story);
        buf_free(&b);
    }
}

static void streams_out_of_order(void **state)
{
    struct buf b = fresh();

    (void)state;
    begin(&b, 1, 1, 1);
    put(&b, 5, 1, "x", 1, 0);
    expect(&b, &req_limits_default, "[bad: streams out of order]");
    buf_reset(&b);
    begin(&b, 1, 1, 1);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 4, 1, "", 0, 0);
    expect(&b, &req_limits_default, "[bad: streams out of order]");
    buf_reset(&b);
    begin(&b, 1, 1, 1);
    begin(&b, 1, 1, 1);
    expect(&b, &req_limits_default, "[bad: second BEGIN_REQUEST of one id]");
    buf_free(&b);
}

/* Feeds once and compares the records that go back. */
static void expect_reply(const struct buf *bytes, const void *reply, size_t n, const char *story)
{
    struct seen s;

    open_seen(&s, &req_limits_default);
    feed(&s, buf_view(bytes), 3);
    assert_int_equal(s.reply.len, n);
    assert_memory_equal(s.reply.p, reply, n);
    assert_string_equal(buf_cstr(&s.story), story);
    close_seen(&s);
}

static void second_request_while_one_is_read(void **state)
{
    struct buf b = fresh();

    (void)state;
    begin(&b, 1, 1, 1);
    begin(&b, 2, 1, 1);
    put(&b, 4, 2, "", 0, 0);
    put(&b, 5, 2, "", 0, 0);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 5, 1, "", 0, 0);
    expect_reply(&b, "\x01\x03\0\x02\0\x08\0\0\0\0\0\0\x01\0\0\0", 16, "[1 keep body=]");
    buf_free(&b);
}

static void other_roles(void **state)
{
    struct buf b = fresh();

    (void)state;
    begin(&b, 1, 2, 1);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 5, 1, "", 0, 0);
    expect_reply(&b, "\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x03\0\0\0", 16, "");
    buf_reset(&b);
    begin(&b, 1, 3, 0);
    expect_reply(&b, "\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x03\0\0\0", 16, "[abort]");
    buf_free(&b);
}

static void unknown_types(void **state)
{
    struct buf b = fresh();

    (void)state;
    put(&b, 77, 0, "whatever", 8, 2);
    put(&b, 1, 0, "", 0, 0);
    put(&b, 12, 9, "", 0, 0);
    expect_reply(&b,
                 "\x01\x0b\0\0\0\x08\0\0\x4d\0\0\0\0\0\0\0"
                 "\x01\x0b\0\0\0\x08\0\0\x01\0\0\0\0\0\0\0"
                 "\x01\x0b\0\0\0\x08\0\0\x0c\0\0\0\0\0\0\0",
                 48, "");
    buf_free(&b);
}

static void get_values(void **state)
{
    struct buf b = fresh(), p = fresh();

    (void)state;
    pair(&p, "FCGI_MPXS_CONNS", "");
    pair(&p, "FCGI_NO_SUCH", "");
    pair(&p, "FCGI_MAX_REQS", "");
    put(&b, 9, 0, p.p, p.len, 0);
    expect_reply(&b,
                 "\x01\x0a\0\0\0\x25\0\0"
                 "\x0f\x01"
                 "FCGI_MPXS_CONNS0"
                 "\x0d\x04"
                 "FCGI_MAX_REQS4096",
                 45, "");
    buf_free(&p);
    buf_free(&b);
}

static void abort_while_reading(void **state)
{
    struct buf b = fresh();

    (void)state;
    put(&b, 2, 5, "", 0, 0); /* of nothing: ignored */
    begin(&b, 1, 1, 1);
    put(&b, 2, 1, "", 0, 0);
    put(&b, 5, 1, "late", 4, 0); /* of a request that is over: ignored */
    begin(&b, 1, 1, 1);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 5, 1, "", 0, 0);
    expect_reply(&b, "\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0", 16, "[abort][1 keep body=]");
    buf_free(&b);
}

/* While a handler works: ABORT is seen, the next BEGIN is held. */
static void busy(void **state)
{
    struct buf b = fresh();
    struct seen s;
    struct str in;

    (void)state;
    open_seen(&s, &req_limits_default);
    request(&b, 1, "/a", NULL);
    put(&b, 2, 1, "", 0, 0);
    request(&b, 1, "/b", NULL);
    in = buf_view(&b);
    assert_int_equal(rec_feed(&s.rec, &in, &s.reply), REC_REQUEST);
    tell(&s);
    assert_int_equal(rec_feed(&s.rec, &in, &s.reply), REC_ABORT);
    assert_int_equal(rec_feed(&s.rec, &in, &s.reply), REC_HOLD);
    assert_false(rec_idle(&s.rec));
    rec_answered(&s.rec);
    assert_false(rec_idle(&s.rec));
    assert_int_equal(rec_feed(&s.rec, &in, &s.reply), REC_REQUEST);
    assert_int_equal(in.n, 0);
    tell(&s);
    rec_answered(&s.rec);
    assert_true(rec_idle(&s.rec));
    assert_int_equal(s.reply.len, 0);
    close_seen(&s);
    buf_free(&b);
}

static void body_that_does_not_come(void **state)
{
    struct buf b = fresh();
    struct seen s;
    struct str in;

    (void)state;
    open_seen(&s, &req_limits_default);
    begin(&b, 1, 1, 1);
    put(&b, 4, 1, "", 0, 0);
    put(&b, 5, 1, "half", 4, 0);
    in = buf_view(&b);
    assert_int_equal(rec_feed(&s.rec, &in, &s.reply), REC_MORE);
    rec_give_up(&s.rec, 408);
    tell(&s);
    assert_string_equal(buf_cstr(&s.story), "[1 keep unread refuse=408 body=]");
    rec_answered(&s.rec);
    close_seen(&s);
    buf_free(&b);
}

/* Any bytes: no crash, no runaway, and always an end. */
static void noise(void **state)
{
    uint32_t x = 12345;
    int round;

    (void)state;
    for (round = 0; round < 3000; round++) {
        struct buf b = fresh();
        struct seen s;
        size_t i;

        request(&b, 1, "/a", "body");
        request(&b, 2, "/b", NULL);
        for (i = 0; i < 3; i++) {
            x = x * 1664525 + 1013904223;
            b.p[(x >> 8) % b.len] = (char)(x >> 24);
        }
        open_seen(&s, &small_limits);
        feed(&s, buf_view(&b), 1 + x % 40);
        close_seen(&s);
        buf_free(&b);
    }
}

/* ---- output ---- */

static void sealed(size_t n)
{
    struct buf out = fresh(), back = fresh();
    size_t at = 5, i;
    int end = 0;

    buf_cat(&out, "12345");
    buf_add(&out, "\0\0\0\0\0\0\0\0", 8);
    for (i = 0; i < n; i++)
        buf_ch(&out, (char)('a' + i % 23));
    rec_seal(&out, 5, 0x0102);
    while (at < out.len) {
        const unsigned char *h = (const unsigned char *)out.p + at;
        size_t len = (size_t)h[4] << 8 | h[5];

        assert_int_equal(h[0], 1);
        assert_int_equal(h[2] << 8 | h[3], 0x0102);
        if (h[1] == 3)
            end++;
        else
            buf_add(&back, h + 8, len);
        at += 8 + len + h[6];
    }
    assert_int_equal(at, out.len);
    assert_int_equal(end, 1);
    assert_int_equal(back.len, n);
    for (i = 0; i < n; i++)
        assert_int_equal(back.p[i], 'a' + i % 23);
    buf_free(&out);
    buf_free(&back);
}

static void answers_of_all_sizes(void **state)
{
    static const size_t sizes[] = {1, 65534, 65535, 65536, 131070, 131071, 300000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        sealed(sizes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_requests),
        cmocka_unit_test(streams_in_many_records),
        cmocka_unit_test(empty_pair_and_long_form_of_short_length),
        cmocka_unit_test(params_over_caps),
        cmocka_unit_test(two_gigabytes_claimed),
        cmocka_unit_test(flood_of_params),
        cmocka_unit_test(bodies_and_their_length),
        cmocka_unit_test(length_given_twice),
        cmocka_unit_test(drains_no_further_than_its_limit),
        cmocka_unit_test(malformed),
        cmocka_unit_test(streams_out_of_order),
        cmocka_unit_test(second_request_while_one_is_read),
        cmocka_unit_test(other_roles),
        cmocka_unit_test(unknown_types),
        cmocka_unit_test(get_values),
        cmocka_unit_test(abort_while_reading),
        cmocka_unit_test(busy),
        cmocka_unit_test(body_that_does_not_come),
        cmocka_unit_test(noise),
        cmocka_unit_test(answers_of_all_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
