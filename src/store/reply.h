/*
 * reply: Redis replies (RESP2) out of a stream of bytes. hiredis' reader parses, the objects lie
 * in memory of ours that is reused for every reply: no allocation per element.
 *
 * A reply lives until the next reply_next(). Bounded: REPLY_MAX bytes of objects and of unparsed
 * input, REPLY_ELEMENTS per array; past that, and for anything that is not RESP2, reply_next()
 * gives -EPROTO and the stream is dead.
 */
#ifndef LM_REPLY_H
#define LM_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "store/store.h"

#define REPLY_MAX      (64u << 20)
#define REPLY_ELEMENTS (1 << 20)

enum reply_type { REPLY_STRING, REPLY_STATUS, REPLY_ERROR, REPLY_INT, REPLY_NIL, REPLY_ARRAY };

struct reply {
    enum reply_type type;
    int64_t i;
    struct str s;
    size_t n;
    struct reply **e;
};

struct reply_reader;

int reply_reader_new(struct reply_reader **out);
void reply_reader_free(struct reply_reader **r);
int reply_feed(struct reply_reader *r, const char *p, size_t n);
/* 1: *out is the next reply. 0: more bytes are needed. -EPROTO, -ENOMEM. */
int reply_next(struct reply_reader *r, const struct reply **out);
/* The answer of a script: array of rows, each a flat array of field and value. -EPROTO: not that
 * form. The rows live as long as the reply. */
int reply_rows(struct reply_reader *r, const struct reply *reply, struct store_rows *out);
/* One row of n pairs out of names and an HMGET reply; nil values become empty. */
int reply_pairs(struct reply_reader *r, const struct reply *reply, const char *const *names,
                size_t n, struct store_rows *out);
/* Memory that lives as long as the current reply; NULL: none left. */
void *reply_alloc(struct reply_reader *r, size_t n);

#endif
