#include "pages/forms.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256, MARK = 1, OVERHEAD = 16 /* of malloc */ };

struct form {
    struct form *next;
    uint64_t hash;
    size_t users, n;
    char text[]; /* MARK where a number stood */
};

struct forms_text {
    struct form *form;
    size_t n;
    char numbers[]; /* each with a NUL behind it */
};

struct forms {
    size_t max, bytes;
    struct form *bucket[BUCKETS];
};

struct parts {
    size_t nform, nnumbers;
    char form[FORMS_TEXT_MAX], numbers[2 * FORMS_TEXT_MAX];
};

int forms_new(size_t max, struct forms **out)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->max = max;
    return 0;
}

void forms_free(struct forms **f)
{
    assert(!*f || (*f)->bytes == 0);
    free(*f);
    *f = NULL;
}

size_t forms_bytes(const struct forms *f)
{
    return f->bytes;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static int split(struct str text, struct parts *p)
{
    size_t i = 0;

    p->nform = p->nnumbers = 0;
    if (text.n > FORMS_TEXT_MAX || str_chr(text, MARK) >= 0)
        return -EINVAL;
    while (i < text.n) {
        if (!digit(text.p[i])) {
            p->form[p->nform++] = text.p[i++];
            continue;
        }
        p->form[p->nform++] = MARK;
        while (i < text.n && digit(text.p[i]))
            p->numbers[p->nnumbers++] = text.p[i++];
        p->numbers[p->nnumbers++] = '\0';
    }
    return 0;
}

static uint64_t hash_of(const char *p, size_t n) /* FNV-1a; the texts are our own */
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
    return h;
}

static size_t form_size(size_t n)
{
    return sizeof(struct form) + n + OVERHEAD;
}

static size_t text_size(size_t n)
{
    return sizeof(struct forms_text) + n + OVERHEAD;
}

static struct form *find(const struct forms *f, const struct parts *p, uint64_t hash)
{
    struct form *x = f->bucket[hash % BUCKETS];

    while (x && (x->hash != hash || x->n != p->nform || memcmp(x->text, p->form, x->n) != 0))
        x = x->next;
    return x;
}

static struct form *add(struct forms *f, const struct parts *p, uint64_t hash)
{
    struct form *x = malloc(sizeof(*x) + p->nform);

    if (!x)
        return NULL;
    *x = (struct form){.next = f->bucket[hash % BUCKETS], .hash = hash, .n = p->nform};
    memcpy(x->text, p->form, p->nform);
    f->bucket[hash % BUCKETS] = x;
    f->bytes += form_size(x->n);
    return x;
}

static void leave(struct forms *f, struct form *x)
{
    struct form **at = &f->bucket[x->hash % BUCKETS];

    if (x->users > 0)
        return;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    f->bytes -= form_size(x->n);
    free(x);
}

int forms_put(struct forms *f, struct str text, struct forms_text **out)
{
    struct forms_text *t;
    struct parts p;
    struct form *x;
    uint64_t hash;
    size_t need;

    *out = NULL;
    if (split(text, &p))
        return -EINVAL;
    hash = hash_of(p.form, p.nform);
    x = find(f, &p, hash);
    need = text_size(p.nnumbers) + (x ? 0 : form_size(p.nform));
    if (need > f->max - f->bytes)
        return -ENOSPC;
    if (!x)
        x = add(f, &p, hash);
    if (!x)
        return -ENOMEM;
    t = malloc(sizeof(*t) + p.nnumbers);
    if (!t) {
        leave(f, x);
        return -ENOMEM;
    }
    *t = (struct forms_text){x, p.nnumbers};
    memcpy(t->numbers, p.numbers, p.nnumbers);
    x->users++;
    f->bytes += text_size(t->n);
    *out = t;
    return 0;
}

void forms_drop(struct forms *f, struct forms_text **t)
{
    if (!*t)
        return;
    f->bytes -= text_size((*t)->n);
    (*t)->form->users--;
    leave(f, (*t)->form);
    free(*t);
    *t = NULL;
}

void forms_write(const struct forms_text *t, struct buf *out)
{
    const char *p = t->form->text, *end = p + t->form->n, *number = t->numbers, *mark;

    while ((mark = memchr(p, MARK, (size_t)(end - p))) != NULL) {
        size_t n = strlen(number);

        buf_add(out, p, (size_t)(mark - p));
        buf_add(out, number, n);
        number += n + 1;
        p = mark + 1;
    }
    buf_add(out, p, (size_t)(end - p));
}
