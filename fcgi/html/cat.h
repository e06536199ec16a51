/*
 * cat: the message catalogue. Every word a buyer reads comes from here.
 *
 * A file of lines "key = text"; '#' begins a comment line. {name} in a text is filled in when it
 * is shown; "{{" is not special. The seller's file of the same name in branding.templates_dir
 * replaces single keys; a key that we do not know is an error, as is a {name} that the original
 * text does not have (but {seller}, {product} and {marketplace}, which every page knows), so an
 * override can lose a value but never ask for one that is not there.
 *
 * Ownership: texts are slices of the files, which must outlive the catalogue.
 */
#ifndef LM_CAT_H
#define LM_CAT_H

#include "base/arena.h"
#include "base/buf.h"

struct cat_entry {
    struct str key, text;
};

struct cat {
    struct cat_entry *entry; /* sorted by key */
    size_t n;
};

struct cat_arg {
    const char *name;
    struct str value;
};

/* 0, -ENOMEM, or -EINVAL with "name:line: what" in errors (one per line). */
int cat_load(struct arena *a, const char *name, struct str file, struct cat *out,
             struct buf *errors);
/* Replaces texts by those of the seller's file; same errors. */
int cat_override(struct cat *c, const char *name, struct str file, struct buf *errors);
/* Empty slice when there is no such key. */
struct str cat_get(const struct cat *c, struct str key);
/* The text of key with its {names} filled in, in the arena; empty when the key is unknown. */
struct str cat_fmt(const struct cat *c, struct arena *a, const char *key,
                   const struct cat_arg *args, size_t nargs);
/* Next piece of a text: the literal before the next {name} and that name (empty at the end). */
struct str cat_next(struct str *text, struct str *name);

#endif
