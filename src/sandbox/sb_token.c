#include "sandbox/sb_token.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/rand.h"

const struct sb_token *sb_token_new(struct sb *s, struct sb_purchase *p)
{
    struct sb_token *t = calloc(1, sizeof(*t));
    uint8_t raw[190];
    struct buf b;

    if (!t)
        return NULL;
    rand_bytes(raw, sizeof(raw));
    buf_init(&b, sizeof(t->value) - 1);
    buf_cat(&b, "s+/");
    enc_b64(&b, raw, sizeof(raw));
    int rc = str_copy(buf_view(&b), t->value, sizeof(t->value));
    buf_free(&b);
    t->purchase = p;
    t->expires_ms = sb_core_now(s) + SB_TOKEN_LIFE_MS;
    if (rc || sb_vec_add(&s->tokens, t)) {
        free(t);
        return NULL;
    }
    s->dirty = true;
    return t;
}

const struct sb_token *sb_token_find(const struct sb *s, struct str value)
{
    for (size_t i = 0; i < s->tokens.n; i++) {
        const struct sb_token *t = s->tokens.p[i];
        if (str_is(value, t->value))
            return t;
    }
    return NULL;
}

size_t sb_token_expire(struct sb *s, const struct sb_purchase *p)
{
    int64_t now = sb_core_now(s);
    size_t n = 0;

    for (size_t i = 0; i < s->tokens.n; i++) {
        struct sb_token *t = s->tokens.p[i];
        if (t->purchase != p || t->expires_ms <= now)
            continue;
        t->expires_ms = now;
        n++;
    }
    s->dirty = true;
    return n;
}
