/*
 * cfg_errs: every complaint about one configuration file, with its place.
 *
 * Complaints are collected in any order and printed sorted by line and column, one per line:
 * "file:line:column: text". At most CFG_ERRS_MAX are kept; a last line says how many more there
 * were. Memory: the arena given at birth. Never fails: without memory the count still rises.
 */
#ifndef LM_CFG_ERRS_H
#define LM_CFG_ERRS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

#define CFG_ERRS_MAX 200

struct cfg_pos { /* 1-based; column counts characters */
    uint32_t line;
    uint32_t column;
};

struct cfg_err {
    struct cfg_pos at;
    size_t seq;
    const char *text;
};

struct cfg_errs {
    struct arena *arena;
    const char *file;
    struct cfg_err list[CFG_ERRS_MAX];
    size_t n;     /* kept */
    size_t total; /* seen */
};

void cfg_errs_init(struct cfg_errs *e, struct arena *a, const char *file);
void cfg_errs_add(struct cfg_errs *e, struct cfg_pos at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Sorts and appends the lines. */
void cfg_errs_print(struct cfg_errs *e, struct buf *out);
/* User text fit for a message: at most 60 bytes, control characters as '?'. */
const char *cfg_errs_quote(struct arena *a, struct str s);

#endif
