#include "base/arena.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    size_t used, cap;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *blocks; /* newest first */
    size_t used, max;
    bool secret;
};

enum { ALIGN = alignof(max_align_t), BLOCK_MAX = 4096, SHORT = 256 };

static struct block *block_new(size_t cap)
{
    struct block *b = malloc(sizeof(*b) + cap);

    if (b)
        *b = (struct block){.cap = cap};
    return b;
}

struct arena *arena_new(size_t first, size_t max)
{
    size_t head = (sizeof(struct arena) + ALIGN - 1) / ALIGN * ALIGN;
    struct block *b = block_new(head + first);
    struct arena *a;

    if (!b)
        return NULL;
    a = (void *)b->data;
    b->used = head;
    *a = (struct arena){.blocks = b, .max = max};
    return a;
}

void arena_secret(struct arena *a)
{
    a->secret = true;
}

void arena_free(struct arena **ap)
{
    struct block *b, *next;
    bool secret;

    if (!*ap)
        return;
    secret = (*ap)->secret;
    for (b = (*ap)->blocks; b; b = next) {
        next = b->next;
        if (secret)
            sodium_memzero(b->data, b->cap);
        free(b);
    }
    *ap = NULL;
}

/* Each block twice the one before, up to a page: an arena that begins small stays small. */
static size_t next_cap(size_t last, size_t n)
{
    size_t cap = last < BLOCK_MAX / 2 ? 2 * last : BLOCK_MAX;

    return n > cap ? n : cap;
}

void *arena_alloc(struct arena *a, size_t n)
{
    struct block *b = a->blocks;
    void *p;

    if (n > SIZE_MAX - ALIGN)
        return NULL;
    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (n > a->max || a->used > a->max - n)
        return NULL;
    if (n > b->cap - b->used) {
        b = block_new(next_cap(b->cap, n));
        if (!b)
            return NULL;
        b->next = a->blocks;
        a->blocks = b;
    }
    p = b->data + b->used;
    b->used += n;
    a->used += n;
    return memset(p, 0, n);
}

char *arena_dup(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

    if (p && s.n)
        memcpy(p, s.p, s.n);
    return p;
}

char *arena_fmt(struct arena *a, const char *fmt, ...)
{
    size_t room = a->secret ? 0 : SHORT; /* secrets are not left on the stack */
    char text[SHORT], *p;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, room, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < room)
        return arena_dup(a, str_make(text, (size_t)n));
    p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p) {
        va_start(ap, fmt);
        vsnprintf(p, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_dup(a, s);

    return p ? str_make(p, s.n) : str_make(NULL, 0);
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
