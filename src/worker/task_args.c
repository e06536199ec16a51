#include "worker/task.h"

#include <assert.h>

void args_init(struct args *a, struct task *t)
{
    a->t = t;
    a->n = 0;
}

void args_add(struct args *a, struct str s)
{
    assert(a->n < sizeof(a->v) / sizeof(a->v[0]));
    a->v[a->n++] = s;
}

void args_cstr(struct args *a, const char *s)
{
    args_add(a, str_of(s));
}

void args_int(struct args *a, int64_t v)
{
    args_add(a, str_of(arena_fmt(a->t->arena, "%lld", (long long)v)));
}

void args_kv(struct args *a, const char *k, struct str v)
{
    args_cstr(a, k);
    args_add(a, v);
}

void args_kvi(struct args *a, const char *k, int64_t v)
{
    args_cstr(a, k);
    args_int(a, v);
}

void args_kv_opt(struct args *a, const char *k, const char *v)
{
    if (v && v[0])
        args_kv(a, k, str_of(v));
}
