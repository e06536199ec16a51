#include "pages/capcache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

enum { SETS = CAPCACHE_SLOTS / CAPCACHE_WAYS, SWEEP = 64 };

struct slot {
    struct cap_key key;
    uint64_t until; /* 0: free */
    char order[ID_ORDER];
    bool answered;
    struct cap_answer answer;
};

struct capcache {
    uint8_t secret[HASH_TAG]; /* key of the keys */
    struct forms *bodies;
    size_t hand; /* next slot to give its body back when room is wanted */
    struct slot slot[CAPCACHE_SLOTS];
};

int capcache_new(struct capcache **out)
{
    *out = calloc(1, sizeof(**out)); /* untouched pages cost nothing */
    if (*out && forms_new(CAPCACHE_BYTES, &(*out)->bodies))
        capcache_free(out);
    if (!*out)
        return -ENOMEM;
    rand_bytes((*out)->secret, sizeof((*out)->secret));
    return 0;
}

void capcache_key(const struct capcache *c, struct str capability, struct cap_key *out)
{
    hash_tag(c->secret, capability, out->tag);
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

/* First slot of the set. */
static size_t place(const struct cap_key *key)
{
    return ((size_t)key->tag[0] << 8 | key->tag[1]) % SETS * CAPCACHE_WAYS;
}

static size_t find(const struct capcache *c, const struct cap_key *key)
{
    size_t first = place(key), i;

    for (i = first; i < first + CAPCACHE_WAYS; i++)
        if (c->slot[i].until && memcmp(&c->slot[i].key, key, sizeof(*key)) == 0)
            return i;
    return CAPCACHE_SLOTS;
}

struct str capcache_get(const struct capcache *c, const struct cap_key *key, uint64_t now_ms)
{
    size_t i = find(c, key);

    if (i == CAPCACHE_SLOTS || c->slot[i].until <= now_ms)
        return str_make(NULL, 0);
    return str_of(c->slot[i].order);
}

/* The capability's own slot, or the one of its set that is free or was put first. */
static struct slot *slot_for(struct capcache *c, const struct cap_key *key)
{
    size_t first = place(key), own = find(c, key), i;
    struct slot *oldest = &c->slot[first];

    if (own < CAPCACHE_SLOTS)
        return &c->slot[own];
    for (i = first + 1; i < first + CAPCACHE_WAYS; i++)
        if (c->slot[i].until < oldest->until)
            oldest = &c->slot[i];
    return oldest;
}

void capcache_put(struct capcache *c, const struct cap_key *key, struct str order, uint64_t now_ms)
{
    struct slot *s = slot_for(c, key);

    if (memcmp(&s->key, key, sizeof(*key)) != 0 || !str_is(order, s->order))
        forget_answer(c, s);
    s->key = *key;
    s->until = str_copy(order, s->order, sizeof(s->order)) ? 0 : now_ms + CAPCACHE_MS;
}

void capcache_drop(struct capcache *c, const struct cap_key *key)
{
    size_t i = find(c, key);

    if (i == CAPCACHE_SLOTS)
        return;
    forget_answer(c, &c->slot[i]);
    c->slot[i].until = 0;
}

void capcache_forget(struct capcache *c, const struct cap_key *key)
{
    size_t i = find(c, key);

    if (i < CAPCACHE_SLOTS)
        forget_answer(c, &c->slot[i]);
}

const struct cap_answer *capcache_answer(const struct capcache *c, const struct cap_key *key,
                                         struct str order)
{
    size_t i = find(c, key);

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

void capcache_keep(struct capcache *c, const struct cap_key *key, struct str order,
                   const struct cap_answer *a, struct str body)
{
    size_t i = find(c, key), tries;
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
