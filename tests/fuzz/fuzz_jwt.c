/* A token or a key set from a stranger: taken apart, never believed. */
#include <stdlib.h>
#include <string.h>

#include "base/jwt.h"
#include "fuzz/fuzz.h"

enum { MODULUS = 342 };

/* A key of which nobody has the other half. */
static struct jwk_set *nobody(void)
{
    static struct jwk_set *set;
    char n[MODULUS + 1];
    struct buf b;

    if (set)
        return set;
    memset(n, 'v', MODULUS - 1);
    n[MODULUS - 1] = 'w';
    n[MODULUS] = '\0';
    buf_init(&b, 2048);
    buf_fmt(&b, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\"%s\"}]}", n);
    if (jwk_set_parse(buf_view(&b), &set))
        abort();
    buf_free(&b);
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const any[] = {"a", NULL};
    const struct jwt_want want = {.now_ms = 1757000000000, .issuers = any, .audiences = any};
    struct str text = str_make((const char *)data, size);
    struct jwk_set *set = NULL;
    char kid[JWK_KID_MAX];
    cJSON *claims;

    if (jwt_verify(nobody(), text, &want, &claims) == JWT_OK || claims)
        abort();
    if (jwt_kid(text, kid, sizeof(kid)) == 0 && strlen(kid) >= sizeof(kid))
        abort();
    (void)jwt_peek(text, "ver", kid, sizeof(kid));
    if (jwk_set_parse(text, &set) == 0 &&
        (jwk_set_count(set) == 0 || jwk_set_count(set) > JWK_KEYS || jwk_set_has(set, STR(""))))
        abort();
    jwk_set_free(&set);
    return 0;
}
