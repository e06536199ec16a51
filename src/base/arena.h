/*
 * arena: memory with one lifetime, for one request or one task.
 *
 * All blocks die together in arena_free(). An arena has a maximum; past it allocations return
 * NULL. Secret arenas are wiped before the memory is given back. Not for two threads at once.
 */
#ifndef LM_ARENA_H
#define LM_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;

/* first: bytes of the first block, made together with the arena (one malloc). NULL: no memory. */
struct arena *arena_new(size_t first, size_t max);
void arena_secret(struct arena *a);
void arena_free(struct arena **a);
/* Zeroed, aligned for any type. NULL when the maximum is reached or memory ran out. */
void *arena_alloc(struct arena *a, size_t n);
/* NUL-terminated copies. NULL on no memory. */
char *arena_dup(struct arena *a, struct str s);
char *arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str arena_str(struct arena *a, struct str s); /* copy as slice; empty when out of memory */
size_t arena_used(const struct arena *a);

#endif
