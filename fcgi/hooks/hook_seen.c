#include "hooks/hook_seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    uint8_t hash[HASH_LEN];
    int64_t until;
};

struct hook_seen {
    size_t n;
    struct slot slot[];
};

int hook_seen_new(size_t slots, struct hook_seen **out)
{
    *out = calloc(1, sizeof(**out) + slots * sizeof(struct slot)); /* untouched pages are free */
    if (!*out)
        return -ENOMEM;
    (*out)->n = slots;
    return 0;
}

void hook_seen_free(struct hook_seen **s)
{
    free(*s);
    *s = NULL;
}

static size_t place(const struct hook_seen *s, const uint8_t hash[HASH_LEN])
{
    uint32_t v;

    memcpy(&v, hash, sizeof(v));
    return v % s->n;
}

bool hook_seen_has(const struct hook_seen *s, const uint8_t hash[HASH_LEN], int64_t now_ms)
{
    const struct slot *e = &s->slot[place(s, hash)];

    return now_ms < e->until && memcmp(e->hash, hash, HASH_LEN) == 0;
}

void hook_seen_put(struct hook_seen *s, const uint8_t hash[HASH_LEN], int64_t until_ms)
{
    struct slot *e = &s->slot[place(s, hash)];

    memcpy(e->hash, hash, HASH_LEN);
    e->until = until_ms;
}
