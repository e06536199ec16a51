#include "config/cfg_errs.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024
#define QUOTE_MAX   60

void cfg_errs_init(struct cfg_errs *e, struct arena *a, const char *file)
{
    memset(e, 0, sizeof(*e));
    e->arena = a;
    e->file = file;
}

void cfg_errs_add(struct cfg_errs *e, struct cfg_pos at, const char *fmt, ...)
{
    e->total++;
    if (e->n == CFG_ERRS_MAX)
        return;

    struct buf text;
    buf_init(&text, MESSAGE_MAX);
    va_list ap;
    va_start(ap, fmt);
    buf_vfmt(&text, fmt, ap);
    va_end(ap);
    const char *kept = buf_err(&text) ? NULL : arena_dup(e->arena, buf_view(&text));
    buf_free(&text);

    struct cfg_err *slot = &e->list[e->n];
    slot->at = at;
    slot->seq = e->n++;
    slot->text = kept ? kept : "this is wrong, and there is no memory left to say how";
}

static int compare(const void *pa, const void *pb)
{
    const struct cfg_err *a = pa, *b = pb;
    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    if (a->at.column != b->at.column)
        return a->at.column < b->at.column ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void cfg_errs_print(struct cfg_errs *e, struct buf *out)
{
    qsort(e->list, e->n, sizeof(e->list[0]), compare);
    for (size_t i = 0; i < e->n; i++)
        buf_fmt(out, "%s:%u:%u: %s\n", e->file, e->list[i].at.line, e->list[i].at.column,
                e->list[i].text);
    if (e->total > e->n)
        buf_fmt(out, "%s: and %zu more\n", e->file, e->total - e->n);
}

const char *cfg_errs_quote(struct arena *a, struct str s)
{
    size_t n = s.n;
    if (n > QUOTE_MAX) {
        n = QUOTE_MAX;
        while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--; /* not in the middle of a character */
    }
    struct buf text;
    buf_init(&text, QUOTE_MAX + 3);
    buf_add(&text, s.p, n);
    bool odd = !str_text(buf_view(&text));
    for (size_t i = 0; odd && i < n; i++) {
        bool plain = text.p[i] >= 0x20 && text.p[i] < 0x7f;
        if (!plain)
            text.p[i] = '?'; /* control and bidi characters must not reach a terminal */
    }
    if (n < s.n)
        buf_cat(&text, "...");
    const char *q = buf_err(&text) ? NULL : arena_dup(a, buf_view(&text));
    buf_free(&text);
    return q ? q : "?";
}
