/*
 * forms: texts that differ only in their numbers, kept once. The answers that thousands of buyers
 * poll are one form, and for each of them some hundred bytes of digits.
 *
 * Bounded: everything together takes at most max bytes. Thread rule: the loop's thread only.
 */
#ifndef LM_FORMS_H
#define LM_FORMS_H

#include "base/buf.h"

enum { FORMS_TEXT_MAX = 4096 };

struct forms;
struct forms_text;

/* 0 or -ENOMEM. */
int forms_new(size_t max, struct forms **out);
/* Every text must have been dropped. */
void forms_free(struct forms **f);
/* 0, -ENOSPC: drop something first, -ENOMEM, or -EINVAL: too long, or with the byte 1 in it. */
int forms_put(struct forms *f, struct str text, struct forms_text **out);
void forms_drop(struct forms *f, struct forms_text **t);
/* Appends the text as it was. */
void forms_write(const struct forms_text *t, struct buf *out);
size_t forms_bytes(const struct forms *f);

#endif
