/* Sign-in attempts: what follows from one, its cookie, and the address of the sign-in page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <uv.h>

#include "base/enc.h"
#include "base/hash.h"
#include "pages/channel.h"
#include "pages/signin.h"
#include "store/store.h"

static const char secret[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static struct config cfg;
static struct front front;
static struct arena *arena;
static struct req req;
static struct reg_id id;
static struct req_param cookie_param;
static struct store *store; /* never connected: only its number of shards is asked for */
static uv_loop_t loop;

static void use(const char *public_url)
{
    cfg.front.public_url = public_url;
    front = (struct front){.cfg = &cfg, .base = "/marketplace", .store = store};
    req = (struct req){.arena = arena, .app = &front};
    snprintf(id.text, sizeof(id.text), "0.%s", secret);
    id.rand = str_of(id.text + 2);
    id_secret_hash(id.rand, id.hash);
}

static void derived(void **state)
{
    struct signin a, b, c;
    struct reg_id other;

    (void)state;
    use("https://buy.example");
    signin_begin(&id, &a);
    assert_int_equal(strlen(a.state), 43);
    assert_int_equal(strlen(a.nonce), 43);
    assert_int_equal(strlen(a.verifier), 43); /* RFC 7636 4.1: 43 to 128 */
    assert_string_not_equal(a.state, a.nonce);
    assert_string_not_equal(a.nonce, a.verifier);
    assert_int_equal(signin_derive(&id, str_of(a.attempt), &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    signin_begin(&id, &c);
    assert_string_not_equal(a.state, c.state);
    other = id;
    other.text[5] = 'B';
    other.rand = str_of(other.text + 2);
    assert_int_equal(signin_derive(&other, str_of(a.attempt), &c), 0);
    assert_string_not_equal(a.state, c.state);
    assert_int_equal(signin_derive(&id, STR(""), &c), -EINVAL);
    assert_int_equal(signin_derive(&id, STR("AAAAAAAAAAAAAAAAAAAAA"), &c), -EINVAL);
    assert_int_equal(signin_derive(&id, STR("AAAAAAAAAAAAAAAAAAAA*A"), &c), -EINVAL);
}

static bool found(const char *header, const char *want)
{
    struct reg_id who;
    struct signin s;

    cookie_param = (struct req_param){STR("HTTP_COOKIE"), str_of(header)};
    req.params = &cookie_param;
    req.nparams = 1;
    return signin_find(&req, str_of(want), &who, &s) == 0 && strcmp(who.text, id.text) == 0;
}

static void cookies(void **state)
{
    char header[512];
    const char *set, *end;
    struct signin s;

    (void)state;
    use("https://buy.example");
    signin_begin(&id, &s);
    set = signin_cookie(&req, &id, &s);
    assert_non_null(strstr(set, "__Secure-lm-signin-"));
    assert_non_null(strstr(
        set, "; Path=/marketplace/signin/azure; Max-Age=900; HttpOnly; SameSite=Lax; Secure"));
    end = strchr(set, ';');
    snprintf(header, sizeof(header), "a=b; %.*s; c=d", (int)(end - set), set);
    assert_true(found(header, s.state));
    assert_false(found("", s.state));
    assert_false(found("a=b", s.state));
    s.state[10] ^= 1;
    assert_false(found(header, s.state));
    set = signin_cookie_gone(&req, str_of(s.state));
    assert_non_null(strstr(set, "=; Path=/marketplace/signin/azure; Max-Age=0;"));
    use("http://127.0.0.1:8080");
    set = signin_cookie(&req, &id, &s);
    assert_int_equal(strncmp(set, "lm-signin-", 10), 0);
    assert_null(strstr(set, "Secure"));
}

static void address(void **state)
{
    struct cfg_market m = {
        .channel = "azure",
        .azure = {.sign_in_client_id = "id&x=1", .login_endpoint = "https://login.example"}};
    char want[64];
    uint8_t hash[HASH_LEN];
    struct signin s;
    const char *url;
    struct buf b;

    (void)state;
    use("https://buy.example");
    assert_true(channel_signs_in(&m));
    signin_begin(&id, &s);
    url = signin_authorize_url(&req, &m, &s);
    assert_int_equal(strncmp(url, "https://login.example/common/oauth2/v2.0/authorize?", 51), 0);
    assert_non_null(strstr(url, "client_id=id%26x%3D1&"));
    assert_non_null(strstr(url, "&scope=openid%20profile%20email&"));
    assert_non_null(
        strstr(url, "&redirect_uri=https%3A%2F%2Fbuy.example%2Fmarketplace%2Fsignin%2Fazure&"));
    assert_null(strstr(url, s.verifier));
    hash_sha256(str_of(s.verifier), hash);
    buf_init(&b, sizeof(want) - 1);
    enc_b64url(&b, hash, sizeof(hash));
    snprintf(want, sizeof(want), "&code_challenge=%s&", buf_cstr(&b));
    buf_free(&b);
    assert_non_null(strstr(url, want));
    m.azure.sign_in_client_id = "";
    assert_false(channel_signs_in(&m));
    assert_false(channel_signs_in(NULL));
}

static void policies(void **state)
{
    static const struct {
        const char *url, *origin;
    } t[] = {
        {"https://login.example", " https://login.example;"},
        {"http://127.0.0.1:80/entra", " http://127.0.0.1:80;"},
        {"https://[::1]:8/x", " https://[::1]:8;"},
        {"https://a b/", NULL},
        {"https://a;script-src *", NULL},
        {"https://", NULL},
        {"ftp://a", NULL},
        {"", NULL},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const char *csp = resp_csp_form(arena, str_of(t[i].url));

        if (!t[i].origin) {
            assert_null(csp);
            continue;
        }
        assert_non_null(strstr(csp, "form-action 'self'"));
        assert_non_null(strstr(csp, t[i].origin));
        assert_non_null(strstr(csp, "frame-ancestors 'none'"));
    }
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096, 1 << 20);
    cfg.redis = (struct cfg_redis){.socket = "/nonexistent/redis.sock",
                                   .host = "",
                                   .front_user = "",
                                   .front_password_file = "",
                                   .shards = 1,
                                   .connect_ms = 1000,
                                   .command_ms = 1000};
    if (!arena || crypto_init() || uv_loop_init(&loop))
        return -1;
    return store_open(&loop, &cfg.redis, STORE_FRONT, &store);
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    uv_run(&loop, UV_RUN_DEFAULT);
    arena_free(&arena);
    return uv_loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived),
        cmocka_unit_test(cookies),
        cmocka_unit_test(address),
        cmocka_unit_test(policies),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
