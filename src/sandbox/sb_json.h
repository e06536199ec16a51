/*
 * sb_json: what the files that keep and show the sandbox's memory share: members with a default,
 * times, lists of records. Thread rule: under the sandbox's lock.
 */
#ifndef LM_SB_JSON_H
#define LM_SB_JSON_H

#include "base/json.h"
#include "sandbox/sb_vec.h"

/* Fills a zeroed record from its object; false: it cannot be used. */
typedef bool (*sb_json_read)(void *from, const cJSON *o, void *item);

/* 0 where it is absent or no integer. */
int64_t sb_json_num(const cJSON *o, const char *key);
/* "" where it is absent; false when it does not fit. */
bool sb_json_text(const cJSON *o, const char *key, char *dst, size_t cap);
/* Nothing for a time of 0. */
void sb_json_time(struct jsonw *w, const char *key, int64_t ms);
/* A record of that size for each member of the list (NULL: none); stops at the first that cannot be
 * read or kept: -EINVAL, -ENOMEM, -ENOBUFS. */
int sb_json_load(struct sb_vec *v, const cJSON *list, size_t size, sb_json_read read, void *from);

#endif
