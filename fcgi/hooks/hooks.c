#include "hooks/hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "hooks/hooks_int.h"

enum { TOKENS = 4096, EVENTS = 16384, MODULUS = 342, WARM_MAX = 2048 };

/* What a verification needs of the crypto library is made when it is first used; some of it wants
 * a file (the library's configuration), which the sandbox does not have. A verification with a key
 * of nobody makes all of it. */
static void warm_up(void)
{
    static const struct jwt_want want = {.now_ms = 0};
    char modulus[MODULUS + 1], sig[MODULUS + 1];
    struct jwk_set *set = NULL;
    struct buf keys, token;
    cJSON *claims = NULL;

    memset(modulus, 'v', MODULUS - 1);
    memset(sig, 'A', MODULUS);
    modulus[MODULUS - 1] = 'w'; /* an odd number of 2048 bits */
    modulus[MODULUS] = sig[MODULUS] = '\0';
    buf_init(&keys, WARM_MAX);
    buf_init(&token, WARM_MAX);
    buf_fmt(&keys, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\",\"n\":\"%s\"}]}",
            modulus);
    enc_b64url(&token, "{\"alg\":\"RS256\",\"kid\":\"k\"}", 25);
    buf_fmt(&token, ".e30.%s", sig);
    if (jwk_set_parse(buf_view(&keys), &set) == 0)
        jwt_verify(set, buf_view(&token), &want, &claims);
    cJSON_Delete(claims);
    jwk_set_free(&set);
    buf_free(&keys);
    buf_free(&token);
}

static size_t inbound(const struct config *cfg)
{
    size_t n = 0;

    for (size_t i = 0; cfg && i < cfg->nmarkets; i++)
        n += hook_trusts(&cfg->markets[i]);
    return n;
}

int hooks_open(struct front *f)
{
    size_t n = inbound(f->cfg);
    struct hooks *h;
    int rc;

    f->hooks = NULL;
    if (n == 0)
        return 0;
    h = calloc(1, sizeof(*h) + n * sizeof(h->ring[0]));
    if (!h)
        return -ENOMEM;
    f->hooks = h;
    for (size_t i = 0; i < f->cfg->nmarkets; i++)
        if (hook_trusts(&f->cfg->markets[i]))
            h->ring[h->n++] = (struct hook_ring){.m = &f->cfg->markets[i], .store = f->store};
    rc = hook_seen_new(TOKENS, &h->tokens);
    if (rc == 0)
        rc = hook_seen_new(EVENTS, &h->events);
    if (rc) {
        hooks_close(f);
        return rc;
    }
    warm_up();
    return 0;
}

void hooks_close(struct front *f)
{
    struct hooks *h = f->hooks;

    if (!h)
        return;
    f->hooks = NULL;
    for (size_t i = 0; i < h->n; i++)
        hook_keys_close(&h->ring[i]);
    hook_seen_free(&h->tokens);
    hook_seen_free(&h->events);
    free(h);
}
