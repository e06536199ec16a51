#include "pages/capcache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

struct slot {
    uint8_t hash[HASH_LEN];
    uint64_t until;
    char order[ID_ORDER];
};

struct capcache {
    struct slot slot[CAPCACHE_SLOTS];
};

int capcache_new(struct capcache **out)
{
    *out = calloc(1, sizeof(**out)); /* untouched pages cost nothing */
    return *out ? 0 : -ENOMEM;
}

void capcache_free(struct capcache **c)
{
    free(*c);
    *c = NULL;
}

static size_t place(const char hash[HASH_HEX], uint8_t raw[HASH_LEN])
{
    if (enc_hex_dec(str_make(hash, HASH_HEX - 1), raw, HASH_LEN) != HASH_LEN)
        return CAPCACHE_SLOTS;
    return ((size_t)raw[0] << 8 | raw[1]) % CAPCACHE_SLOTS;
}

struct str capcache_get(const struct capcache *c, const char hash[HASH_HEX], uint64_t now_ms)
{
    uint8_t raw[HASH_LEN];
    size_t i = place(hash, raw);
    const struct slot *s = i < CAPCACHE_SLOTS ? &c->slot[i] : NULL;

    if (!s || s->until <= now_ms || memcmp(s->hash, raw, HASH_LEN) != 0)
        return str_make(NULL, 0);
    return str_of(s->order);
}

void capcache_put(struct capcache *c, const char hash[HASH_HEX], struct str order, uint64_t now_ms)
{
    uint8_t raw[HASH_LEN];
    size_t i = place(hash, raw);
    struct slot *s;

    if (i == CAPCACHE_SLOTS)
        return;
    s = &c->slot[i];
    if (str_copy(order, s->order, sizeof(s->order))) {
        s->until = 0;
        return;
    }
    memcpy(s->hash, raw, HASH_LEN);
    s->until = now_ms + CAPCACHE_MS;
}

void capcache_drop(struct capcache *c, const char hash[HASH_HEX])
{
    uint8_t raw[HASH_LEN];
    size_t i = place(hash, raw);

    if (i < CAPCACHE_SLOTS && memcmp(c->slot[i].hash, raw, HASH_LEN) == 0)
        c->slot[i].until = 0;
}
