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
    char *q = arena_fmt(a, "%.*s%s", (int)n, n ? s.p : "", n < s.n ? "..." : "");
    if (!q)
        return "?";
    for (char *c = q; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return q;
}
