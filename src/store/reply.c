#include "store/reply.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, ALIGN = 16 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t data[];
};

struct reply_reader {
    redisReader *redis;
    struct chunk *first, *current;
    size_t total;   /* bytes of objects of this reply */
    size_t unknown; /* bytes fed since the last whole reply */
};

static struct chunk *chunk_new(size_t size)
{
    struct chunk *c = malloc(sizeof(*c) + size);

    if (!c)
        return NULL;
    c->next = NULL;
    c->used = 0;
    c->size = size;
    return c;
}

void *reply_alloc(struct reply_reader *r, size_t n)
{
    struct chunk *c = r->current;
    char *p;

    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (n > REPLY_MAX || r->total + n > REPLY_MAX)
        return NULL;
    if (c->size - c->used < n) {
        c = chunk_new(n > CHUNK ? n : CHUNK);
        if (!c)
            return NULL;
        r->current->next = c;
        r->current = c;
    }
    p = (char *)c->data + c->used;
    c->used += n;
    r->total += n;
    return p;
}

static void forget(struct reply_reader *r)
{
    struct chunk *c = r->first->next;

    while (c) {
        struct chunk *next = c->next;

        free(c);
        c = next;
    }
    r->first->next = NULL;
    r->first->used = 0;
    r->current = r->first;
    r->total = 0;
}

static struct reply *make(const redisReadTask *task, enum reply_type type)
{
    struct reply *r = reply_alloc(task->privdata, sizeof(*r));

    if (!r)
        return NULL;
    memset(r, 0, sizeof(*r));
    r->type = type;
    if (task->parent) {
        struct reply *up = task->parent->obj;

        up->e[task->idx] = r;
    }
    return r;
}

static void *make_string(const redisReadTask *task, char *p, size_t n)
{
    enum reply_type type = task->type == REDIS_REPLY_ERROR    ? REPLY_ERROR
                           : task->type == REDIS_REPLY_STATUS ? REPLY_STATUS
                                                              : REPLY_STRING;
    struct reply *r = make(task, type);
    char *copy = reply_alloc(task->privdata, n + 1);

    if (!r || !copy)
        return NULL;
    memcpy(copy, p, n);
    copy[n] = '\0';
    r->s = str_make(copy, n);
    return r;
}

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count; /* never negative here: a nil array is make_nil() */
#endif

static void *make_array(const redisReadTask *task, element_count n)
{
    struct reply *r;

    if (n > REPLY_ELEMENTS)
        return NULL;
    r = make(task, REPLY_ARRAY);
    if (!r || n == 0)
        return r;
    r->e = reply_alloc(task->privdata, (size_t)n * sizeof(struct reply *));
    if (!r->e)
        return NULL;
    memset(r->e, 0, (size_t)n * sizeof(struct reply *));
    r->n = (size_t)n;
    return r;
}

static void *make_int(const redisReadTask *task, long long v)
{
    struct reply *r = make(task, REPLY_INT);

    if (r)
        r->i = v;
    return r;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, REPLY_NIL);
}

static void free_nothing(void *obj)
{
    (void)obj;
}

int reply_reader_new(struct reply_reader **out)
{
    static redisReplyObjectFunctions functions = {.createString = make_string,
                                                  .createArray = make_array,
                                                  .createInteger = make_int,
                                                  .createNil = make_nil,
                                                  .freeObject = free_nothing};
    struct reply_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->redis = redisReaderCreateWithFunctions(&functions);
    r->first = r->current = chunk_new(CHUNK);
    if (!r->redis || !r->first) {
        reply_reader_free(&r);
        return -ENOMEM;
    }
    r->redis->privdata = r;
    *out = r;
    return 0;
}

void reply_reader_free(struct reply_reader **r)
{
    if (!*r)
        return;
    if ((*r)->redis)
        redisReaderFree((*r)->redis);
    if ((*r)->first) {
        forget(*r);
        free((*r)->first);
    }
    free(*r);
    *r = NULL;
}

int reply_feed(struct reply_reader *r, const char *p, size_t n)
{
    r->unknown += n;
    if (r->unknown > REPLY_MAX)
        return -EPROTO;
    return redisReaderFeed(r->redis, p, n) == REDIS_OK ? 0 : -ENOMEM;
}

int reply_next(struct reply_reader *r, const struct reply **out)
{
    void *reply = NULL;

    if (r->redis->ridx == -1)
        forget(r);
    if (redisReaderGetReply(r->redis, &reply) != REDIS_OK)
        return -EPROTO;
    if (!reply)
        return 0;
    r->unknown = 0;
    *out = reply;
    return 1;
}

static struct str text_of(struct reply_reader *r, const struct reply *v)
{
    char *p, digits[24];
    size_t i = sizeof(digits);
    uint64_t u;

    if (v->type == REPLY_STRING || v->type == REPLY_STATUS)
        return v->s;
    if (v->type != REPLY_INT)
        return str_of("");
    u = v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i;
    do
        digits[--i] = (char)('0' + u % 10);
    while (u /= 10);
    if (v->i < 0)
        digits[--i] = '-';
    p = reply_alloc(r, sizeof(digits));
    if (!p)
        return str_of("");
    memcpy(p, digits + i, sizeof(digits) - i);
    return str_make(p, sizeof(digits) - i);
}

static int one_row(struct reply_reader *r, const struct reply *v, struct store_row *out)
{
    struct store_field *f;

    if (!v || v->type != REPLY_ARRAY || v->n % 2 != 0)
        return -EPROTO;
    f = reply_alloc(r, (v->n / 2 + 1) * sizeof(*f));
    if (!f)
        return -EPROTO;
    for (size_t i = 0; i < v->n / 2; i++) {
        f[i].k = text_of(r, v->e[2 * i]);
        f[i].v = text_of(r, v->e[2 * i + 1]);
    }
    *out = (struct store_row){f, v->n / 2};
    return 0;
}

int reply_rows(struct reply_reader *r, const struct reply *reply, struct store_rows *out)
{
    struct store_row *rows;

    if (reply->type != REPLY_ARRAY)
        return -EPROTO;
    rows = reply_alloc(r, (reply->n + 1) * sizeof(*rows));
    if (!rows)
        return -EPROTO;
    for (size_t i = 0; i < reply->n; i++)
        if (one_row(r, reply->e[i], &rows[i]))
            return -EPROTO;
    *out = (struct store_rows){rows, reply->n};
    return 0;
}

int reply_pairs(struct reply_reader *r, const struct reply *reply, const char *const *names,
                size_t n, struct store_rows *out)
{
    struct store_row *row = reply_alloc(r, sizeof(*row));
    struct store_field *f = reply_alloc(r, (n + 1) * sizeof(*f));

    if (reply->type != REPLY_ARRAY || reply->n < n || !row || !f)
        return -EPROTO;
    for (size_t i = 0; i < n; i++) {
        f[i].k = str_of(names[i]);
        f[i].v = text_of(r, reply->e[i]);
    }
    *row = (struct store_row){f, n};
    *out = (struct store_rows){row, 1};
    return 0;
}
