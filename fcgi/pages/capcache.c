#include "pages/capcache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

enum { SETS = CAPCACHE_SLOTS / CAPCACHE_WAYS, SWEEP = 64 };

struct slot {
    uint8_t hash[HASH_LEN];
    uint64_t until; /* 0: free */
    char order[ID_ORDER];
    bool answered;
    struct cap_answer answer;
};

struct capcache {
    struct forms *bodies;
    size_t hand; /* next slot to give its body back when room is wanted */
    struct slot slot[CAPCACHE_SLOTS];
};

int capcache_new(struct capcache **out)
{
    *out = calloc(1, sizeof(**out)); /* untouched pages cost nothing */
    if (*out && forms_new(CAPCACHE_BYTES, &(*out)->bodies))
        capcache_free(out);
    return *out ? 0 : -ENOMEM;
}

static void forget_answer(struct capcache *c, struct slot *s)
{
    forms_drop(c->bodies, &s->answer.body);
    s->answered = false;
}

void capcache_free(struct capcache **c)
{
    size_t i;

    if (!*c)
        return;
    for (i = 0; (*c)->bodies && forms_bytes((*c)->bodies) > 0 && i < CAPCACHE_SLOTS; i++)
        forms_drop((*c)->bodies, &(*c)->slot[i].answer.body);
    forms_free(&(*c)->bodies);
    free(*c);
    *c = NULL;
}

/* First slot of the set; CAPCACHE_SLOTS: no hash. */
static size_t place(const char hash[HASH_HEX], uint8_t raw[HASH_LEN])
{
    if (enc_hex_dec(str_make(hash, HASH_HEX - 1), raw, HASH_LEN) != HASH_LEN)
        return CAPCACHE_SLOTS;
    return ((size_t)raw[0] << 8 | raw[1]) % SETS * CAPCACHE_WAYS;
}

static size_t find(const struct capcache *c, const char hash[HASH_HEX])
{
    uint8_t raw[HASH_LEN];
    size_t first = place(hash, raw), i;

    for (i = first; i < CAPCACHE_SLOTS && i < first + CAPCACHE_WAYS; i++)
        if (c->slot[i].until && memcmp(c->slot[i].hash, raw, HASH_LEN) == 0)
            return i;
    return CAPCACHE_SLOTS;
}

struct str capcache_get(const struct capcache *c, const char hash[HASH_HEX], uint64_t now_ms)
{
    size_t i = find(c, hash);

    if (i == CAPCACHE_SLOTS || c->slot[i].until <= now_ms)
        return str_make(NULL, 0);
    return str_of(c->slot[i].order);
}

/* The capability's own slot, or the one of its set that is free or was put first. */
static struct slot *slot_for(struct capcache *c, const char hash[HASH_HEX], uint8_t raw[HASH_LEN])
{
    size_t first = place(hash, raw), own = find(c, hash), i;
    struct slot *oldest;

    if (own < CAPCACHE_SLOTS || first == CAPCACHE_SLOTS)
        return own < CAPCACHE_SLOTS ? &c->slot[own] : NULL;
    oldest = &c->slot[first];
    for (i = first + 1; i < first + CAPCACHE_WAYS; i++)
        if (c->slot[i].until < oldest->until)
            oldest = &c->slot[i];
    return oldest;
}

void capcache_put(struct capcache *c, const char hash[HASH_HEX], struct str order, uint64_t now_ms)
{
    uint8_t raw[HASH_LEN];
    struct slot *s = slot_for(c, hash, raw);

    if (!s)
        return;
    if (memcmp(s->hash, raw, HASH_LEN) != 0 || !str_is(order, s->order))
        forget_answer(c, s);
    memcpy(s->hash, raw, HASH_LEN);
    s->until = str_copy(order, s->order, sizeof(s->order)) ? 0 : now_ms + CAPCACHE_MS;
}

void capcache_drop(struct capcache *c, const char hash[HASH_HEX])
{
    size_t i = find(c, hash);

    if (i == CAPCACHE_SLOTS)
        return;
    forget_answer(c, &c->slot[i]);
    c->slot[i].until = 0;
}

void capcache_forget(struct capcache *c, const char hash[HASH_HEX])
{
    size_t i = find(c, hash);

    if (i < CAPCACHE_SLOTS)
        forget_answer(c, &c->slot[i]);
}

const struct cap_answer *capcache_answer(const struct capcache *c, const char hash[HASH_HEX],
                                         struct str order)
{
    size_t i = find(c, hash);

    if (i == CAPCACHE_SLOTS || !c->slot[i].answered || !str_is(order, c->slot[i].order))
        return NULL;
    return &c->slot[i].answer;
}

/* Bodies of a few slots go, whose turn it is. */
static void make_room(struct capcache *c)
{
    size_t i;

    for (i = 0; i < SWEEP; i++) {
        forms_drop(c->bodies, &c->slot[c->hand].answer.body);
        c->hand = (c->hand + 1) % CAPCACHE_SLOTS;
    }
}

void capcache_keep(struct capcache *c, const char hash[HASH_HEX], struct str order,
                   const struct cap_answer *a, struct str body)
{
    size_t i = find(c, hash), tries;
    struct slot *s = i < CAPCACHE_SLOTS ? &c->slot[i] : NULL;

    if (!s || !str_is(order, s->order))
        return;
    forget_answer(c, s);
    s->answer = *a;
    s->answer.body = NULL;
    s->answered = true;
    for (tries = 0; body.n > 0 && tries < CAPCACHE_SLOTS / SWEEP; tries++) {
        if (forms_put(c->bodies, body, &s->answer.body) != -ENOSPC)
            return;
        make_room(c);
    }
}
