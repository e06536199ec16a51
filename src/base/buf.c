#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 256 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->bad = false;
    if (b->p)
        b->p[0] = '\0';
}

static bool grow(struct buf *b, size_t n)
{
    size_t need, cap = b->cap ? b->cap : FIRST;
    char *p;

    if (b->bad || n > b->max || b->len > b->max - n) {
        b->bad = true;
        return false;
    }
    need = b->len + n + 1;
    if (need <= b->cap)
        return true;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    p = realloc(b->p, cap);
    if (!p) {
        b->bad = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (!grow(b, n))
        return;
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
    char *p;

    if (!grow(b, n))
        return NULL;
    p = b->p + b->len;
    b->len += n;
    b->p[b->len] = '\0';
    return p;
}

void buf_ch(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_cat(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
    size_t room = b->p ? b->cap - b->len : 0;
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
    if (n < 0)
        b->bad = true;
    else if (grow(b, (size_t)n)) {
        if ((size_t)n >= room)
            vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    if (b->p)
        b->p[b->len] = '\0'; /* of what did not fit nothing stays */
    va_end(again);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vfmt(b, fmt, ap);
    va_end(ap);
}

void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
    } else {
        memmove(b->p, b->p + n, b->len - n);
        b->len -= n;
    }
    if (b->p)
        b->p[b->len] = '\0';
}

int buf_err(const struct buf *b)
{
    return b->bad ? -ENOBUFS : 0;
}

const char *buf_cstr(const struct buf *b)
{
    return b->p && !b->bad ? b->p : "";
}

struct str buf_view(const struct buf *b)
{
    return str_make(b->p, b->bad ? 0 : b->len);
}
