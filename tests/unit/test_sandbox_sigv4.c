/* The sandbox's SigV4 verifier against AWS's signing test suite (aws-c-auth) and against requests
 * that botocore signed. The vectors are found through LASTMILE_CONTRACTS or beside the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "sandbox/sb_auth.h"
#include "sandbox/sb_canon.h"
#include "sandbox/sb_session.h"

static const char *contracts(void)
{
    const char *dir = getenv("LASTMILE_CONTRACTS");

    return dir ? dir : "../shared/contracts";
}

/* The file's content, or an empty buffer when it is absent. */
static void slurp(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void slurp(struct buf *b, const char *fmt, ...)
{
    char path[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    buf_init(b, 1u << 20);
    if (file_read(path, b))
        buf_reset(b);
}

/* A request as text: head lines, folded lines joined, empty line, body. Edits the text. */
static void read_request(char *text, struct sb_req *req)
{
    char *end = strstr(text, "\n\n"), *line, *next;

    *req = (struct sb_req){.nh = 0};
    if (end) {
        req->body = str_of(end + 2);
        end[1] = '\0';
    }
    for (char *p = text; (p = strstr(p, "\n ")); *p = ' ')
        ;
    line = strchr(text, '\n');
    assert_non_null(line);
    *line++ = '\0';
    char *sp = strchr(text, ' '), *last = strrchr(text, ' ');
    req->method = str_make(text, (size_t)(sp - text));
    req->path = str_cut(str_make(sp + 1, (size_t)(last - sp - 1)), '?', &req->query);
    for (; *line; line = next) {
        next = strchr(line, '\n');
        size_t n = next ? (size_t)(next - line) : strlen(line);
        next = next ? next + 1 : line + n;
        struct str value, name = str_cut(str_make(line, n), ':', &value);
        req->h[req->nh++] = (struct sb_hdr){name, str_trim(value)};
    }
}

static bool has_file(const char *dir, const char *name)
{
    struct buf b;

    slurp(&b, "%s/aws/sigv4/%s/header-signed-request.txt", dir, name);
    bool yes = b.len > 0;
    buf_free(&b);
    return yes;
}

static void one_vector(const char *name)
{
    struct buf text, canon, want, context;
    struct sb_auth_parts a;
    struct sb_req req;
    cJSON *doc = NULL;
    char hex[65];

    slurp(&text, "%s/aws/sigv4/%s/header-signed-request.txt", contracts(), name);
    slurp(&want, "%s/aws/sigv4/%s/header-canonical-request.txt", contracts(), name);
    slurp(&context, "%s/aws/sigv4/%s/context.json", contracts(), name);
    buf_init(&canon, 1u << 16);
    assert_int_equal(json_parse(buf_view(&context), 1u << 16, &doc), 0);
    read_request(text.p, &req);
    assert_int_equal(sb_auth_parse(&req, &a), SB_AUTH_OK);
    assert_int_equal(sb_canon_request(&req, a.signed_headers, &canon), 0);
    assert_string_equal(buf_cstr(&canon), buf_cstr(&want));
    struct str secret = json_str(json_obj(doc, "credentials"), "secret_access_key");
    assert_int_equal(sb_auth_sign(&req, &a, secret, hex), 0);
    assert_memory_equal(hex, a.signature.p, 64);
    cJSON_Delete(doc);
    buf_free(&text);
    buf_free(&canon);
    buf_free(&want);
    buf_free(&context);
}

static void aws_vectors(void **state)
{
    char dir[512];
    size_t n = 0;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/aws/sigv4", contracts());
    DIR *d = opendir(dir);
    if (!d) {
        print_message("skipped: no SigV4 vectors at %s\n", dir);
        skip();
    }
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.' || !has_file(contracts(), e->d_name))
            continue;
        one_vector(e->d_name);
        n++;
    }
    closedir(d);
    assert_true(n >= 20);
}

static void golden_request(const cJSON *c, struct sb_req *req)
{
    struct str url = json_str(c, "url"), rest, token = json_str(c, "session_token");
    const cJSON *h;

    *req = (struct sb_req){.method = json_str(c, "method"), .body = json_str(c, "body")};
    rest = str_from(url, (size_t)(strstr(url.p, "://") - url.p) + 3);
    ptrdiff_t slash = str_chr(rest, '/');
    req->path = str_cut(str_from(rest, (size_t)slash), '?', &req->query);
    req->h[req->nh++] = (struct sb_hdr){STR("Host"), str_sub(rest, 0, (size_t)slash)};
    req->h[req->nh++] = (struct sb_hdr){STR("X-Amz-Date"), json_str(c, "timestamp")};
    req->h[req->nh++] = (struct sb_hdr){STR("Authorization"), json_str(c, "authorization")};
    if (token.n)
        req->h[req->nh++] = (struct sb_hdr){STR("X-Amz-Security-Token"), token};
    cJSON_ArrayForEach(h, json_obj(c, "headers"))
    {
        req->h[req->nh++] = (struct sb_hdr){str_of(h->string), str_of(h->valuestring)};
    }
}

static int make_sandbox(struct sb *s, const cJSON *c)
{
    struct sb_conf conf = {.seller = "123456512334"};
    char iso[24];
    int64_t at;

    str_copy(json_str(c, "access_key_id"), conf.access_key, sizeof(conf.access_key));
    str_copy(json_str(c, "secret_access_key"), conf.secret, sizeof(conf.secret));
    str_copy(json_str(c, "session_token"), conf.session_token, sizeof(conf.session_token));
    const char *t = json_str(c, "timestamp").p;
    snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4, t + 6, t + 9, t + 11,
             t + 13);
    int rc = sb_core_init(s, &conf);
    if (rc == 0)
        rc = clock_parse_iso(str_of(iso), &at);
    s->offset_ms = at - clock_wall_ms();
    return rc;
}

/* Right as it is; wrong in every way that an attacker or a bug would make it wrong. */
static void check_golden(const cJSON *c)
{
    const char *service = json_str(c, "service").p, *region = json_str(c, "region").p;
    struct sb_auth_parts a;
    struct sb_req req;
    struct sb s;
    char body[8];

    golden_request(c, &req);
    assert_int_equal(make_sandbox(&s, c), 0);
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_OK);
    assert_int_equal(sb_auth_check(&s, &req, "other", region, &a), SB_AUTH_SCOPE);
    assert_int_equal(sb_auth_check(&s, &req, service, "mars-1", &a), SB_AUTH_SCOPE);
    s.offset_ms += 6 * 60000;
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_TOO_OLD);
    s.offset_ms += 10 * 60000;
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_EXPIRED);
    s.offset_ms -= 22 * 60000;
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_TOO_NEW);
    s.offset_ms += 6 * 60000;
    s.conf.secret[0] ^= 1;
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_MISMATCH);
    s.conf.secret[0] ^= 1;
    struct str good = req.body;
    snprintf(body, sizeof(body), "{}x");
    req.body = str_of(body);
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_MISMATCH);
    req.body = good;
    req.h[req.nh++] = (struct sb_hdr){STR("X-Amz-Added"), STR("later")};
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_INCOMPLETE);
    req.nh--;
    s.conf.session_token[0] ^= 1;
    assert_int_equal(sb_auth_check(&s, &req, service, region, &a), SB_AUTH_UNKNOWN_KEY);
    sb_core_free(&s);
}

static void golden(void **state)
{
    const cJSON *c;
    cJSON *doc = NULL;
    struct buf b;
    size_t n = 0;

    (void)state;
    slurp(&b, "%s/aws/sigv4/golden-marketplace.json", contracts());
    if (b.len == 0) {
        print_message("skipped: no golden-marketplace.json under %s\n", contracts());
        skip();
    }
    assert_int_equal(json_parse(buf_view(&b), 1u << 20, &doc), 0);
    cJSON_ArrayForEach(c, json_arr(doc, "cases"))
    {
        check_golden(c);
        n++;
    }
    assert_true(n >= 10);
    cJSON_Delete(doc);
    buf_free(&b);
}

static enum sb_auth parse(const char *authorization, const char *date)
{
    struct sb_req req = {.nh = 2};
    struct sb_auth_parts a;

    req.h[0] = (struct sb_hdr){STR("Authorization"), str_of(authorization)};
    req.h[1] = (struct sb_hdr){STR("x-amz-date"), str_of(date)};
    return sb_auth_parse(&req, &a);
}

#define SIG  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CRED "Credential=K/20260601/us-east-1/sqs/aws4_request"

static void malformed(void **state)
{
    static const char *const bad[] = {
        "Basic Zm9vOmJhcg==",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 " CRED,
        "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host, Signature=abc",
        "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=, Signature=" SIG,
        "AWS4-HMAC-SHA256 Credential=K/2026/us-east-1/sqs/aws4_request, SignedHeaders=host, "
        "Signature=" SIG,
        "AWS4-HMAC-SHA256 Credential=K/20260601/us-east-1/sqs/other, SignedHeaders=host, "
        "Signature=" SIG,
        "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host, Signature=" SIG ", More=x",
    };

    (void)state;
    assert_int_equal(parse("", "20260601T120000Z"), SB_AUTH_MISSING);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(bad[i], "20260601T120000Z"), SB_AUTH_INCOMPLETE);
    const char *good = "AWS4-HMAC-SHA256 " CRED ",SignedHeaders=host,Signature=" SIG;
    assert_int_equal(parse(good, "20260601T120000Z"), SB_AUTH_OK);
    assert_int_equal(parse(good, "2026-06-01T12:00:00Z"), SB_AUTH_INCOMPLETE);
    assert_int_equal(parse(good, ""), SB_AUTH_INCOMPLETE);
}

static void canonical_form(void **state)
{
    struct sb_req req = {.method = STR("GET"),
                         .path = STR("/a/../b//c%20d/"),
                         .query = STR("b=2&a=%7e&a=+&c"),
                         .nh = 1};
    struct buf b;

    (void)state;
    req.h[0] = (struct sb_hdr){STR("Host"), STR("h")};
    buf_init(&b, 4096);
    assert_int_equal(sb_canon_request(&req, STR("host"), &b), 0);
    assert_non_null(strstr(buf_cstr(&b), "GET\n/b/c%2520d/\na=%2B&a=~&b=2&c=\nhost:h\n\nhost\n"));
    buf_reset(&b);
    assert_int_not_equal(sb_canon_request(&req, STR("host;x-amz-date"), &b), 0);
    assert_int_not_equal(sb_canon_request(&req, STR("Host"), &b), 0);
    assert_int_not_equal(sb_canon_request(&req, STR("host;host"), &b), 0);
    req.h[req.nh++] = (struct sb_hdr){STR("X-Amz-Content-Sha256"), STR("UNSIGNED-PAYLOAD")};
    assert_int_not_equal(sb_canon_request(&req, STR("host"), &b), 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_vectors),
        cmocka_unit_test(golden),
        cmocka_unit_test(malformed),
        cmocka_unit_test(canonical_form),
    };

    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
