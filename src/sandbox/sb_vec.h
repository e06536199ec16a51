/*
 * sb_vec: a bounded list of heap objects. The list owns its items and frees them with free().
 * Thread rule: under the sandbox's lock.
 */
#ifndef LM_SB_VEC_H
#define LM_SB_VEC_H

#include <stddef.h>

struct sb_vec {
    void **p;
    size_t n;
    size_t cap;
    size_t max;
};

void sb_vec_init(struct sb_vec *v, size_t max);
/* 0; -ENOBUFS at the maximum, -ENOMEM: the item is still the caller's. */
int sb_vec_add(struct sb_vec *v, void *item);
/* Frees item i and closes the gap; the order of the rest stays. */
void sb_vec_del(struct sb_vec *v, size_t i);
void sb_vec_free(struct sb_vec *v);

#endif
