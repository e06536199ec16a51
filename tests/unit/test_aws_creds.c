/* aws_creds: every source against tests/peer/aws_fake.py and files made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "market/aws_creds.h"
#include "market/aws_creds_int.h"
#include "peer.h"

static uv_loop_t loop;
static struct http *http;
static struct peer peer;
static char origin[64], dir[512];
static struct aws_creds *creds;
static struct aws_creds_config cfg;

/* The environment that the code under test sees. */
static struct {
    const char *name;
    char value[640];
} env[16];

static const char *fake_getenv(const char *name)
{
    for (size_t i = 0; i < 16; i++)
        if (env[i].name && strcmp(env[i].name, name) == 0)
            return env[i].value;
    return NULL;
}

static void put_env(const char *name, const char *value)
{
    for (size_t i = 0; i < 16; i++)
        if (!env[i].name || strcmp(env[i].name, name) == 0) {
            env[i].name = name;
            snprintf(env[i].value, sizeof(env[i].value), "%s", value);
            return;
        }
}

static const char *path_of(const char *name)
{
    static char path[640];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(path_of(name), str_of(text), 0600), 0);
}

static struct {
    unsigned calls;
    int rc;
    char why[128];
} got;

static void on_creds(void *arg, int rc, const char *why)
{
    (void)arg;
    got.calls++;
    got.rc = rc;
    snprintf(got.why, sizeof(got.why), "%s", why);
}

static int wait_creds(void)
{
    struct aws_creds_wait w;

    got.calls = 0;
    aws_creds_wait(creds, &w, on_creds, NULL);
    assert_int_equal(got.calls, 0);
    while (!got.calls)
        uv_run(&loop, UV_RUN_ONCE);
    return got.rc;
}

static void expect(const char *id, const char *secret, const char *token)
{
    struct sigv4_credentials k;
    uint64_t generation;

    assert_true(aws_creds_now(creds, &k, &generation));
    if (id)
        assert_string_equal(k.access_key_id, id);
    if (secret)
        assert_string_equal(k.secret_access_key, secret);
    if (token)
        assert_string_equal(k.session_token, token);
    else
        assert_memory_equal(k.access_key_id, "ASIA", 4);
}

static void reopen(void)
{
    aws_creds_close(&creds);
    assert_int_equal(aws_creds_open(&cfg, &creds), 0);
}

static struct {
    unsigned calls;
    char body[65536];
} side;

static void on_side(void *arg, const struct http_reply *r)
{
    (void)arg;
    side.calls++;
    (void)str_copy(r->body, side.body, sizeof(side.body));
}

static const char *peer_calls(void)
{
    char url[128];
    struct http_request rq = {.method = "GET", .url = url, .allow = HTTP_LOOPBACK};

    snprintf(url, sizeof(url), "%s/state", origin);
    side.calls = 0;
    http_start(http, &rq, on_side, NULL);
    while (!side.calls)
        uv_run(&loop, UV_RUN_ONCE);
    return side.body;
}

static int start(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    snprintf(dir, sizeof(dir), "%s/test_creds.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    if (!peer_start(&peer, "tests/peer/aws_fake.py", NULL, NULL))
        fprintf(stderr, "skipped: no /usr/bin/python3 or tests/peer/aws_fake.py\n");
    snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", peer.port);
    return 0;
}

static int stop(void **state)
{
    static const char *const files[] = {"jwt", "credentials", "config", "auth"};

    (void)state;
    if (peer.port)
        peer_stop(&peer);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        unlink(path_of(files[i]));
    rmdir(dir);
    return uv_loop_close(&loop);
}

static int open_all(void **state)
{
    (void)state;
    memset(env, 0, sizeof(env));
    put_env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    put_env("AWS_CONFIG_FILE", "/nonexistent");
    put_env("AWS_EC2_METADATA_DISABLED", "true");
    if (http_open(&loop, 8, 8, &http))
        return -1;
    cfg = (struct aws_creds_config){.loop = &loop,
                                    .http = http,
                                    .getenv = fake_getenv,
                                    .credentials_file = "",
                                    .profile = "",
                                    .role_arn = "",
                                    .external_id = "",
                                    .region = "us-east-1",
                                    .sts_endpoint = origin};
    return aws_creds_open(&cfg, &creds);
}

static int close_all(void **state)
{
    (void)state;
    aws_creds_close(&creds);
    http_close(&http);
    uv_run(&loop, UV_RUN_DEFAULT);
    clock_set_offset_ms(0);
    return 0;
}

static void need_peer(void)
{
    if (!peer.port)
        skip();
}

static void environment(void **state)
{
    (void)state;
    assert_int_equal(wait_creds(), -ENOENT);
    put_env("AWS_ACCESS_KEY_ID", "AKIDENV");
    put_env("AWS_SECRET_ACCESS_KEY", "s");
    put_env("AWS_SESSION_TOKEN", "t");
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect("AKIDENV", "s", "t");
}

static void web_identity_reads_its_file_again(void **state)
{
    struct sigv4_credentials k;
    uint64_t generation;

    (void)state;
    need_peer();
    write_file("jwt", "jwt-one\n");
    put_env("AWS_WEB_IDENTITY_TOKEN_FILE", path_of("jwt"));
    put_env("AWS_ROLE_ARN", "arn:aws:iam::1:role/web");
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect(NULL, NULL, NULL);
    assert_non_null(strstr(peer_calls(), "jwt jwt-one"));
    /* The session is over: the file holds another token by now. */
    write_file("jwt", "jwt-two\n");
    assert_true(aws_creds_now(creds, &k, &generation));
    assert_true(aws_creds_expire(creds, generation));
    assert_false(aws_creds_now(creds, &k, &generation));
    assert_int_equal(wait_creds(), 0);
    assert_non_null(strstr(peer_calls(), "jwt jwt-two"));
    assert_true(aws_creds_now(creds, &k, &generation));
    write_file("jwt", "forged");
    assert_true(aws_creds_expire(creds, generation));
    assert_int_equal(wait_creds(), -EACCES);
    assert_null(strstr(got.why, "forged"));
}

static void shared_files(void **state)
{
    (void)state;
    need_peer();
    write_file("credentials", "# comment\n[default]\naws_access_key_id = AKIDDEFAULT\n"
                              "aws_secret_access_key=sss\n\n[work]\n"
                              "aws_access_key_id=AKIDSTATIC ; inline\n"
                              "aws_secret_access_key = static-secret\n");
    write_file("config", "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\n"
                         "external_id = x-1\n[profile b]\nrole_arn=arn:aws:iam::1:role/b\n"
                         "source_profile=work\n[profile loop]\nrole_arn=r\nsource_profile=loop2\n"
                         "[profile loop2]\nrole_arn=r\nsource_profile=loop\n"
                         "[profile sso]\nsso_start_url=https://x\n"
                         "[profile env]\nrole_arn=arn:aws:iam::1:role/env\n"
                         "credential_source=Environment\n[profile self]\n"
                         "role_arn=arn:aws:iam::1:role/self\nsource_profile=self\n"
                         "s3 =\n  aws_access_key_id = nested\n"
                         "aws_access_key_id=AKIDSTATIC\naws_secret_access_key=static-secret\n");
    put_env("AWS_SHARED_CREDENTIALS_FILE", path_of("credentials"));
    put_env("AWS_CONFIG_FILE", path_of("config"));
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect("AKIDDEFAULT", "sss", "");
    put_env("AWS_PROFILE", "work");
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect("AKIDSTATIC", "static-secret", "");

    put_env("AWS_PROFILE", "a");
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect(NULL, NULL, NULL);
    const char *b = strstr(peer_calls(), "AssumeRole arn:aws:iam::1:role/b ");
    assert_non_null(b);
    assert_non_null(strstr(b, "AssumeRole arn:aws:iam::1:role/a x-1"));

    cfg.profile = "self";
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect(NULL, NULL, NULL);
    static const char *const bad[] = {"loop", "sso", "env", "missing"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cfg.profile = bad[i];
        reopen();
        assert_int_equal(wait_creds(), -EACCES);
    }
}

static void a_configured_role_comes_on_top(void **state)
{
    (void)state;
    need_peer();
    put_env("AWS_ACCESS_KEY_ID", "AKIDSTATIC");
    put_env("AWS_SECRET_ACCESS_KEY", "static-secret");
    cfg.role_arn = "arn:aws:iam::2:role/seller";
    cfg.external_id = "ext/1 &";
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect(NULL, NULL, NULL);
    assert_non_null(strstr(peer_calls(), "AssumeRole arn:aws:iam::2:role/seller ext/1 &"));
    put_env("AWS_SECRET_ACCESS_KEY", "wrong");
    reopen();
    assert_int_equal(wait_creds(), -EACCES);
}

static void containers(void **state)
{
    char url[128];

    (void)state;
    need_peer();
    snprintf(url, sizeof(url), "%s/flaky", origin);
    write_file("auth", "let me in 1\n");
    put_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    put_env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one");
    put_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path_of("auth"));
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect(NULL, NULL, NULL);
    assert_non_null(strstr(peer_calls(), "GET /flaky let me in 1"));
    put_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.7/creds");
    reopen();
    assert_int_equal(wait_creds(), -EACCES);
    snprintf(url, sizeof(url), "%s/nothing", origin);
    put_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    reopen();
    assert_int_equal(wait_creds(), -EACCES);
}

static void instance_metadata(void **state)
{
    (void)state;
    need_peer();
    put_env("AWS_EC2_METADATA_DISABLED", "false");
    put_env("AWS_EC2_METADATA_SERVICE_ENDPOINT", origin);
    reopen();
    assert_int_equal(wait_creds(), 0);
    expect(NULL, NULL, NULL);
    assert_non_null(strstr(peer_calls(), "PUT /latest/api/token"));
}

/* Renewal begins before the end, in the background; failures do not take the old ones away. */
static void renews_before_the_end(void **state)
{
    struct sigv4_credentials k;
    uint64_t first, now;
    char url[128];

    (void)state;
    need_peer();
    snprintf(url, sizeof(url), "%s/creds", origin);
    put_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    reopen();
    assert_int_equal(wait_creds(), 0);
    assert_true(aws_creds_now(creds, &k, &first));
    clock_set_offset_ms((7200 - 240) * 1000); /* four minutes are left */
    assert_true(aws_creds_now(creds, &k, &now));
    assert_int_equal(now, first);
    for (int i = 0; i < 60000 && now == first; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
        assert_true(aws_creds_now(creds, &k, &now));
    }
    assert_int_equal(now, first + 1);
}

static void keeps_old_ones_while_the_source_is_down(void **state)
{
    struct sigv4_credentials k;
    uint64_t g;
    char url[128];
    int64_t spare;

    (void)state;
    need_peer();
    snprintf(url, sizeof(url), "%s/creds", origin);
    put_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    reopen();
    assert_int_equal(wait_creds(), 0);
    /* The source is gone when the renewal is due. */
    creds->env[ENV_ECS_FULL] = "http://127.0.0.1:1/creds";
    spare = (7200 - 240) * 1000;
    clock_set_offset_ms(spare);
    assert_int_equal(wait_creds(), 0);
    assert_true(aws_creds_now(creds, &k, &g));
    clock_set_offset_ms(7300 * 1000);
    assert_false(aws_creds_now(creds, &k, &g));
    assert_int_equal(wait_creds(), -EAGAIN);
}

static void waiting_can_be_given_up(void **state)
{
    struct aws_creds_wait w[2];

    (void)state;
    got.calls = 0;
    aws_creds_wait(creds, &w[0], on_creds, NULL);
    aws_creds_wait(creds, &w[1], on_creds, NULL);
    aws_creds_unwait(creds, &w[0]);
    while (!got.calls)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(got.calls, 1);
    aws_creds_unwait(creds, &w[1]);
    aws_creds_wait(creds, &w[0], on_creds, NULL);
    aws_creds_close(&creds);
    assert_int_equal(got.calls, 1);
}

#define CREDS_TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREDS_TEST(environment),
        CREDS_TEST(web_identity_reads_its_file_again),
        CREDS_TEST(shared_files),
        CREDS_TEST(a_configured_role_comes_on_top),
        CREDS_TEST(containers),
        CREDS_TEST(instance_metadata),
        CREDS_TEST(renews_before_the_end),
        CREDS_TEST(keeps_old_ones_while_the_source_is_down),
        CREDS_TEST(waiting_can_be_given_up),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
