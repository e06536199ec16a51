/*
 * fields: the registration form as data: which fields a plan asks for, what was typed, what is
 * wrong with it. The HTML form and the JSON API fill and check the same structure.
 *
 * Always: e-mail, required. Optional, unless the seller's `fields:` redefine one by name: full
 * name, company, phone. Region where the plan lets the buyer choose. Then the seller's own.
 * Checks happen on submit only; texts come from the catalogue ("field.<name>.<what>").
 */
#ifndef LM_FIELDS_H
#define LM_FIELDS_H

#include "html/form.h"
#include "pages/pages.h"

enum { FIELDS_MAX = 48, FIELD_LONGEST = 4000 };

struct field {
    const char *name;
    enum cfg_field_type type;
    struct str label, hint;
    const char *autocomplete;
    bool required, region;
    uint32_t min, max;          /* characters, or value of a number */
    const char *const *options; /* select: NULL-terminated */
    struct str value;           /* as typed, trimmed */
    struct str error;           /* what to show beside the field; empty: fine */
};

struct fields {
    struct arena *arena;
    const struct pages *pg;
    size_t n;
    struct field f[FIELDS_MAX];
};

/* What is asked for a plan. plan NULL: the purchase is not known yet: what is asked for every
 * plan. made: the environment is being made, so no region is asked for. 0, or -ENOMEM. */
int fields_for(struct arena *a, const struct pages *pg, const struct config *cfg,
               const struct cfg_plan *plan, bool made, struct fields **out);
struct field *fields_find(struct fields *fs, struct str name);
/* Takes over what was typed. Names in skip (NULL-terminated) are not fields. 0, or -EINVAL when
 * the form has a field that was not asked for or one twice; *bad names it. */
int fields_fill(struct fields *fs, const struct form *form, const char *const *skip,
                struct str *bad);
/* Sets errors; returns how many fields have one. */
unsigned fields_check(struct fields *fs);
/* The JSON object that is stored; empty values are left out. */
void fields_json(const struct fields *fs, struct buf *out);
struct str fields_email(const struct fields *fs);
/* Shown name of an option: regions have one in the catalogue, others are what they are. */
struct str fields_option(const struct fields *fs, const struct field *f, const char *option);

#endif
