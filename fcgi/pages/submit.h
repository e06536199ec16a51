/*
 * submit: a registration form becomes an order's registration. One flow for the page and the API;
 * how outcomes are shown is a table of functions.
 *
 * Submitting is idempotent by nature: the same registration always gives the same status address,
 * and the store keeps the first form.
 */
#ifndef LM_SUBMIT_H
#define LM_SUBMIT_H

#include "pages/fields.h"
#include "pages/reg.h"

struct submit;

struct submit_answers {
    const char *const *skip; /* names in the form that are not fields */
    void (*unknown)(struct submit *s);
    /* reg may be NULL: not even that could be read. */
    void (*busy)(struct submit *s);
    void (*refused)(struct submit *s, struct str code);
    void (*malformed)(struct submit *s, struct str bad_field);
    void (*invalid)(struct submit *s);
    void (*done)(struct submit *s, const char *capability);
};

struct submit {
    struct req *r;
    const struct submit_answers *answers;
    struct reg_id id;
    struct form form;
    const struct reg *reg;
    struct fields *fields;
    char cap[ID_SECRET], cap_hash[HASH_HEX];
};

/* s: in the request's arena, with r, answers, id and form set. */
void submit_run(struct submit *s);

#endif
