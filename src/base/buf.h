/*
 * buf: the one growable byte builder of the program.
 *
 * The maximum is given at birth, so no unbounded buffer can exist. An append that does not fit
 * (or a failed allocation) makes the error sticky and frees nothing: append freely, test once
 * with buf_err() at the end. The content is always NUL-terminated for buf_cstr().
 *
 * Ownership: the struct lives where the caller puts it; the bytes belong to it until buf_free()
 * or buf_take(). Thread rule: one thread at a time.
 */
#ifndef LM_BUF_H
#define LM_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t len;
    size_t cap;
    size_t max; /* bytes of content allowed, without the final NUL */
    bool bad;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
/* Forgets content and error, keeps the memory. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
/* Room for n more bytes of content, which the caller fills at once; NULL when they do not fit. */
char *buf_room(struct buf *b, size_t n);
void buf_ch(struct buf *b, char c);
void buf_cat(struct buf *b, const char *s);
void buf_str(struct buf *b, struct str s);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Removes n bytes from the front. n <= len. */
void buf_drop(struct buf *b, size_t n);
/* 0, or -ENOBUFS when something did not fit or memory ran out. */
int buf_err(const struct buf *b);
/* Never NULL; "" for an empty or broken buffer. Valid until the next append. */
const char *buf_cstr(const struct buf *b);
struct str buf_view(const struct buf *b);

#endif
