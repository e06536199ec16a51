#include "sandbox/sb_vec.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sb_vec_init(struct sb_vec *v, size_t max)
{
    *v = (struct sb_vec){.max = max};
}

int sb_vec_add(struct sb_vec *v, void *item)
{
    assert(item);
    if (v->n >= v->max)
        return -ENOBUFS;
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 16;
        void **p = realloc(v->p, cap * sizeof(*p));
        if (!p)
            return -ENOMEM;
        v->p = p;
        v->cap = cap;
    }
    v->p[v->n++] = item;
    return 0;
}

void sb_vec_del(struct sb_vec *v, size_t i)
{
    assert(i < v->n);
    free(v->p[i]);
    memmove(v->p + i, v->p + i + 1, (v->n - i - 1) * sizeof(*v->p));
    v->n--;
}

void sb_vec_free(struct sb_vec *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->p[i]);
    free(v->p);
    *v = (struct sb_vec){.max = v->max};
}
