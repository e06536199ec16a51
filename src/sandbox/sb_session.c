#include "sandbox/sb_session.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/rand.h"
#include "sandbox/sb_id.h"

static void random_b64(size_t bytes, char *out, size_t cap)
{
    uint8_t raw[160];
    struct buf b;

    rand_bytes(raw, bytes);
    buf_init(&b, cap - 1);
    enc_b64(&b, raw, bytes);
    str_copy(buf_view(&b), out, cap);
    buf_free(&b);
}

const struct sb_session *sb_session_new(struct sb *s, const char *arn, int64_t seconds)
{
    struct sb_session *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    sb_id_digits("ASIASANDBOX", 9, n->key, sizeof(n->key));
    random_b64(30, n->secret, sizeof(n->secret));
    random_b64(160, n->token, sizeof(n->token));
    snprintf(n->arn, sizeof(n->arn), "%s", arn);
    n->expires_ms = sb_core_now(s) + seconds * 1000;
    if (sb_vec_add(&s->sessions, n)) {
        free(n);
        return NULL;
    }
    s->dirty = true;
    return n;
}

const struct sb_session *sb_session_find(const struct sb *s, struct str key)
{
    for (size_t i = 0; i < s->sessions.n; i++) {
        const struct sb_session *n = s->sessions.p[i];
        if (str_is(key, n->key))
            return n;
    }
    return NULL;
}
