/* The sandbox's tokens: what it signs verifies, what it signs wrongly does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "sandbox/sb_jws.h"

static struct buf token, claims;

static int sign(struct sb_jws *ring, enum sb_jws_how how)
{
    buf_reset(&token);
    buf_reset(&claims);
    assert_int_equal(sb_jws_sign(ring, how, true, STR("{\"a\":1}"), &token), 0);
    return sb_jws_verify(ring, buf_view(&token), &claims);
}

static void test_ring(void **state)
{
    struct sb_jws *ring = sb_jws_new("test", SB_JWS_KID_ENTRA);
    char first[SB_JWS_KID];

    (void)state;
    assert_int_equal(sign(ring, SB_JWS_GOOD), 0);
    assert_string_equal(buf_cstr(&claims), "{\"a\":1}");
    for (enum sb_jws_how how = SB_JWS_NONE; how <= SB_JWS_WRONG_KEY; how++)
        assert_int_equal(sign(ring, how), -EBADMSG);

    assert_int_equal(str_copy(str_of(sb_jws_current(ring)), first, sizeof(first)), 0);
    assert_int_equal(strlen(first), 27);
    assert_int_equal(sign(ring, SB_JWS_GOOD), 0);
    buf_reset(&claims);
    assert_int_equal(sb_jws_rotate(ring, true), 0);
    assert_string_not_equal(sb_jws_current(ring), first);
    assert_int_equal(sb_jws_verify(ring, buf_view(&token), &claims), 0);
    assert_int_equal(sb_jws_rotate(ring, false), 0);
    assert_int_equal(sb_jws_verify(ring, buf_view(&token), &claims), -EBADMSG);
    for (int i = 0; i < 6; i++)
        assert_int_equal(sb_jws_rotate(ring, true), 0);
    sb_jws_free(&ring);
}

static void test_forms(void **state)
{
    struct sb_jws *ring = sb_jws_new("test", SB_JWS_KID_GOOGLE);
    struct buf header, all;
    cJSON *json;

    (void)state;
    buf_init(&header, 4096);
    buf_init(&all, 65536);
    assert_int_equal(strlen(sb_jws_current(ring)), 40);
    assert_int_equal(sb_jws_certs(ring, &all), 0);
    assert_non_null(strstr(buf_cstr(&all), "-----BEGIN CERTIFICATE-----\\n"));
    json = cJSON_Parse(buf_cstr(&all));
    const cJSON *pem = cJSON_GetObjectItem(json, sb_jws_current(ring));
    assert_true(cJSON_IsString(pem));
    assert_int_equal(sign(ring, SB_JWS_GOOD), 0);
    buf_reset(&claims);
    assert_int_equal(
        sb_jws_verify_pem(buf_view(&token), str_of(pem->valuestring), &header, &claims), 0);
    assert_non_null(strstr(buf_cstr(&header), "\"alg\":\"RS256\""));
    assert_int_equal(sb_jws_verify_pem(buf_view(&token), STR("no pem"), &header, &claims), -EINVAL);
    assert_int_equal(sb_jws_verify_pem(STR("a.b"), str_of(pem->valuestring), &header, &claims),
                     -EBADMSG);
    cJSON_Delete(json);
    buf_reset(&all);
    assert_int_equal(sb_jws_jwks(ring, STR(""), &all), 0);
    json = cJSON_Parse(buf_cstr(&all));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "keys")), 1);
    cJSON_Delete(json);
    buf_free(&header);
    buf_free(&all);
    sb_jws_free(&ring);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_ring),
                                              cmocka_unit_test(test_forms)};

    assert_int_equal(crypto_init(), 0);
    buf_init(&token, 65536);
    buf_init(&claims, 65536);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    buf_free(&token);
    buf_free(&claims);
    return rc;
}
