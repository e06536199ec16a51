/*
 * form: a posted form as a list of fields. application/x-www-form-urlencoded (WHATWG URL
 * standard) and multipart/form-data (RFC 7578); nothing is interpreted beyond names and values.
 *
 * Limits: FORM_FIELDS fields, names of FORM_NAME bytes; the body's size is the route's business.
 * Names and values are valid UTF-8 without NUL; everything else about them is the handler's.
 */
#ifndef LM_FORM_H
#define LM_FORM_H

#include "base/arena.h"
#include "base/buf.h"

enum { FORM_FIELDS = 64, FORM_NAME = 128 };

struct form_field {
    struct str name, value;
};

struct form {
    struct form_field field[FORM_FIELDS];
    size_t n;
};

/* 0, -EMEDIUMTYPE: neither of the two types, -E2BIG: too many fields or a name too long, -EINVAL:
 * malformed, -ENOMEM. Values are copied into the arena. */
int form_parse(struct arena *a, struct str content_type, struct str body, struct form *out);
/* Number of fields of that name; *value is the first one's, empty when there is none. */
size_t form_count(const struct form *f, const char *name, struct str *value);
/* First field whose name comes twice; empty slice when none does. */
struct str form_twice(const struct form *f);

/* form_multipart.c */
int form_multipart(struct arena *a, struct str content_type, struct str body, struct form *out);
int form_add(struct form *f, struct str name, struct str value);

#endif
