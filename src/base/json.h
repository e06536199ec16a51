/*
 * json: the only door for JSON text, and a writer.
 *
 * Parsing is cJSON behind a gate that refuses what cJSON lets through (reference: RFC 8259 and
 * cJSON 1.7.15 as measured): over-long input, invalid UTF-8, a BOM, raw control characters,
 * \u0000, lone surrogates, bad number forms (01, 1., 1e999), depth over JSON_DEPTH, duplicate
 * keys in one object, trailing text. Member look-up is case-sensitive.
 *
 * The writer builds into a struct buf and keeps commas and nesting itself; strings are escaped
 * so that the text is also safe inside HTML (<, >, &, U+2028/9 become \u escapes).
 */
#ifndef LM_JSON_H
#define LM_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define JSON_DEPTH 32

/* 0 and *out (free with cJSON_Delete), or -EMSGSIZE, -EINVAL, -ENOMEM. */
int json_parse(struct str text, size_t max, cJSON **out);
/* Borrowed views into the tree; absent or of another type: empty slice / NULL / default. */
struct str json_str(const cJSON *obj, const char *key);
const cJSON *json_obj(const cJSON *obj, const char *key);
const cJSON *json_arr(const cJSON *obj, const char *key);
const cJSON *json_get(const cJSON *obj, const char *key);
bool json_bool(const cJSON *obj, const char *key, bool dflt);
/* 0, -ENOENT absent, -EINVAL not an integral number within +-(2^53-1). */
int json_int(const cJSON *obj, const char *key, int64_t *out);
/* Epoch seconds with optional fraction, as the AWS JSON protocols send them; same errors. */
int json_epoch_ms(const cJSON *obj, const char *key, int64_t *out_ms);

struct jsonw {
    struct buf *b;
    unsigned depth;
    bool comma[JSON_DEPTH];
    bool after_key;
};

void jsonw_init(struct jsonw *w, struct buf *b);
void jsonw_obj(struct jsonw *w);
void jsonw_obj_end(struct jsonw *w);
void jsonw_arr(struct jsonw *w);
void jsonw_arr_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_str(struct jsonw *w, struct str s); /* invalid UTF-8 bytes become U+FFFD */
void jsonw_int(struct jsonw *w, int64_t v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
/* A value that is JSON text already (checked by the caller). */
void jsonw_raw(struct jsonw *w, struct str json);
/* key + value in one call; jsonw_kvs_opt writes nothing for an empty slice. */
void jsonw_kvs(struct jsonw *w, const char *key, struct str s);
void jsonw_kvs_opt(struct jsonw *w, const char *key, struct str s);
void jsonw_kvi(struct jsonw *w, const char *key, int64_t v);
void jsonw_kvb(struct jsonw *w, const char *key, bool v);

#endif
