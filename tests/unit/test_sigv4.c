/* sigv4: AWS's own vectors (aws-c-auth), requests of this project's kind, and a few kept here so
 * that the test never tests nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "net/sigv4.h"

enum { HEADERS = 16, TEXT = 65536 };

static const char *contracts(void)
{
    const char *dir = getenv("LASTMILE_CONTRACTS");

    return dir && *dir ? dir : "../shared/contracts";
}

static int load(const char *path, struct buf *b)
{
    buf_init(b, TEXT * 4);
    return file_read(path, b);
}

/* A raw request in the vectors' format: request line, headers (folded lines allowed), body. */
struct raw {
    struct sigv4_header h[HEADERS];
    char folded[HEADERS][512];
    size_t n;
    char method[16];
    struct str path, query, body;
};

static void parse_raw(struct str text, struct raw *r)
{
    struct str line = str_cut(text, '\n', &text), rest, target;
    ptrdiff_t at;

    memset(r, 0, sizeof(*r));
    assert_int_equal(str_copy(str_cut(line, ' ', &rest), r->method, sizeof(r->method)), 0);
    at = str_rchr(rest, ' ');
    assert_true(at > 0);
    target = str_sub(rest, 0, (size_t)at);
    r->path = str_cut(target, '?', &r->query);
    while (text.n) {
        line = str_cut(text, '\n', &text);
        if (line.n == 0)
            break;
        if (line.p[0] == ' ') {
            size_t len = strlen(r->folded[r->n - 1]);

            snprintf(r->folded[r->n - 1] + len, sizeof(r->folded[0]) - len, "\n%.*s",
                     STR_FMT(line));
            r->h[r->n - 1].value = str_of(r->folded[r->n - 1]);
            continue;
        }
        assert_true(r->n < HEADERS);
        r->h[r->n].name = str_cut(line, ':', &rest);
        assert_int_equal(str_copy(rest, r->folded[r->n], sizeof(r->folded[0])), 0);
        r->h[r->n].value = str_of(r->folded[r->n]);
        r->n++;
    }
    r->body = text;
}

static void same_as_file(const char *dir, const char *name, const char *got)
{
    char path[4096];
    struct buf want;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(load(path, &want), 0);
    assert_string_equal(got, buf_cstr(&want));
    buf_free(&want);
}

static void one_vector(const char *dir)
{
    char path[4096];
    struct buf text, ctx;
    struct raw raw;
    struct sigv4_result res;
    const cJSON *cred;
    cJSON *c;
    int64_t now;

    snprintf(path, sizeof(path), "%s/context.json", dir);
    assert_int_equal(load(path, &ctx), 0);
    assert_int_equal(json_parse(buf_view(&ctx), TEXT, &c), 0);
    snprintf(path, sizeof(path), "%s/request.txt", dir);
    assert_int_equal(load(path, &text), 0);
    parse_raw(buf_view(&text), &raw);
    assert_int_equal(clock_parse_iso(json_str(c, "timestamp"), &now), 0);
    cred = json_obj(c, "credentials");

    struct sigv4_credentials k = {json_str(cred, "access_key_id").p,
                                  json_str(cred, "secret_access_key").p, json_str(cred, "token").p};
    struct sigv4_request rq = {
        .method = raw.method,
        .path = raw.path,
        .query = raw.query,
        .headers = raw.h,
        .nheaders = raw.n,
        .body = raw.body,
        .region = json_str(c, "region").p,
        .service = json_str(c, "service").p,
        .now_ms = now,
        .normalize_path = json_bool(c, "normalize", false),
        .content_sha256 = json_bool(c, "sign_body", false),
        .token_unsigned = json_bool(c, "omit_session_token", false),
    };
    assert_int_equal(sigv4_sign(&rq, &k, &res), 0);
    same_as_file(dir, "header-canonical-request.txt", buf_cstr(&res.canonical));
    same_as_file(dir, "header-string-to-sign.txt", buf_cstr(&res.string_to_sign));
    same_as_file(dir, "header-signature.txt", strstr(buf_cstr(&res.authorization), "ature=") + 6);
    sigv4_free(&res);
    cJSON_Delete(c);
    buf_free(&ctx);
    buf_free(&text);
}

static void aws_vectors(void **state)
{
    char dir[1024], path[2048];
    struct dirent *e;
    unsigned n = 0;
    DIR *d;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/aws/sigv4", contracts());
    d = opendir(dir);
    if (!d) {
        print_message("skipped: no %s (set LASTMILE_CONTRACTS)\n", dir);
        skip();
    }
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.' || strchr(e->d_name, '.'))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        one_vector(path);
        n++;
    }
    closedir(d);
    assert_int_equal(n, 20);
}

static void one_golden(const cJSON *c)
{
    struct str url = json_str(c, "url"), rest, host;
    struct sigv4_header h[HEADERS];
    struct sigv4_result res;
    size_t n = 0;
    int64_t now;
    const cJSON *hv;
    struct str stamp = json_str(c, "timestamp");
    char iso[64];

    rest = str_from(url, (size_t)(strstr(url.p, "://") - url.p) + 3);
    host = str_cut(rest, '/', &rest);
    h[n++] = (struct sigv4_header){STR("host"), host};
    cJSON_ArrayForEach(hv, json_obj(c, "headers"))
    {
        h[n].name = str_of(hv->string);
        h[n++].value = str_of(hv->valuestring);
    }
    snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", stamp.p, stamp.p + 4, stamp.p + 6,
             stamp.p + 9, stamp.p + 11, stamp.p + 13);
    assert_int_equal(clock_parse_iso(str_of(iso), &now), 0);

    struct sigv4_credentials k = {json_str(c, "access_key_id").p,
                                  json_str(c, "secret_access_key").p,
                                  json_str(c, "session_token").p};
    struct sigv4_request rq = {.method = json_str(c, "method").p,
                               .path = STR("/"),
                               .headers = h,
                               .nheaders = n,
                               .body = json_str(c, "body"),
                               .region = json_str(c, "region").p,
                               .service = json_str(c, "service").p,
                               .now_ms = now,
                               .normalize_path = true};
    assert_int_equal(sigv4_sign(&rq, &k, &res), 0);
    assert_string_equal(buf_cstr(&res.canonical), json_str(c, "canonical_request").p);
    assert_string_equal(buf_cstr(&res.string_to_sign), json_str(c, "string_to_sign").p);
    assert_string_equal(buf_cstr(&res.authorization), json_str(c, "authorization").p);
    sigv4_free(&res);
}

static void golden_requests(void **state)
{
    char path[4096];
    struct buf text;
    const cJSON *one;
    cJSON *all;

    (void)state;
    snprintf(path, sizeof(path), "%s/aws/sigv4/golden-marketplace.json", contracts());
    if (load(path, &text)) {
        print_message("skipped: no %s (set LASTMILE_CONTRACTS)\n", path);
        skip();
    }
    assert_int_equal(json_parse(buf_view(&text), TEXT * 4, &all), 0);
    assert_int_equal(cJSON_GetArraySize(json_arr(all, "cases")), 13);
    cJSON_ArrayForEach(one, json_arr(all, "cases")) one_golden(one);
    cJSON_Delete(all);
    buf_free(&text);
}

static const struct sigv4_credentials example = {"AKIDEXAMPLE",
                                                 "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};

/* get-vanilla of the public suite: "example.amazonaws.com", 2015-08-30T12:36:00Z. */
static void own_vectors(void **state)
{
    static const char canonical[] =
        "GET\n/a/c%20d/\na=~%20x&b=1&b=2&empty=\nhost:example.amazonaws.com\n"
        "my-header1:value1 value2 value3,last\nx-amz-date:20150830T123600Z\n\n"
        "host;my-header1;x-amz-date\n";
    struct sigv4_header h[] = {{STR("Host"), STR("example.amazonaws.com")},
                               {STR("My-Header1"), STR("  value1\n  value2 \t value3 ")},
                               {STR("my-header1"), STR("last")}};
    struct sigv4_request rq = {.method = "GET",
                               .path = STR("/"),
                               .headers = h,
                               .nheaders = 1,
                               .region = "us-east-1",
                               .service = "service",
                               .now_ms = 1440938160000,
                               .normalize_path = true};
    struct sigv4_result r;

    (void)state;
    assert_int_equal(sigv4_sign(&rq, &example, &r), 0);
    assert_string_equal(r.date, "20150830T123600Z");
    assert_non_null(strstr(buf_cstr(&r.authorization), "Signature=5fa00fa31553b73ebf1942676e86291e"
                                                       "8372ff2a2260956d9b8aae1d763fbf31"));
    sigv4_free(&r);
    rq.nheaders = 3;
    rq.path = STR("/a/./b//../c d/");
    rq.query = STR("b=2&a=%7e%20x&b=1&empty");
    assert_int_equal(sigv4_sign(&rq, &example, &r), 0);
    assert_ptr_equal(strstr(buf_cstr(&r.canonical), canonical), buf_cstr(&r.canonical));
    sigv4_free(&r);
}

static void refuses_what_cannot_be_signed(void **state)
{
    struct sigv4_credentials k = example;
    struct sigv4_request rq = {.method = "POST",
                               .path = STR("/"),
                               .region = "us-east-1",
                               .service = "sqs",
                               .now_ms = 1440938160000};
    struct sigv4_result r;

    (void)state;
    k.secret_access_key = "";
    assert_int_equal(sigv4_sign(&rq, &k, &r), -EINVAL);
    sigv4_free(&r);
    k = example;
    k.access_key_id = "AKID\r\nX-Evil: 1";
    assert_int_equal(sigv4_sign(&rq, &k, &r), -EINVAL);
    sigv4_free(&r);
    rq.region = "";
    assert_int_equal(sigv4_sign(&rq, &example, &r), -EINVAL);
    sigv4_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_vectors),
        cmocka_unit_test(golden_requests),
        cmocka_unit_test(own_vectors),
        cmocka_unit_test(refuses_what_cannot_be_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
