/*
 * channel: what is particular to a marketplace on our pages: how its buyers arrive, and its words.
 *
 * Words: a text "<key>.<channel>" of the catalogue takes the place of "<key>" on pages of that
 * channel, so that no page names another marketplace than the one the purchase came from.
 */
#ifndef LM_CHANNEL_H
#define LM_CHANNEL_H

#include "config/config.h"
#include "html/cat.h"

struct channel {
    const char *name;
    const char *field; /* that carries the purchase token */
    bool in_address;   /* GET with the token in the query (azure), else a POST form */
    bool login;        /* has a login address below the landing (gcp) */
    bool direct;       /* who comes again is led on to the status page without a question */
    bool holds;        /* the charge can wait for our word */
};

/* NULL: not one that sends buyers here. */
const struct channel *channel_find(const char *name);
/* Buyers of this product prove who they are before the purchase is shown. */
bool channel_signs_in(const struct cfg_market *m);
/* "<key>.<channel>" when the catalogue has it, else key; out is used for the former. */
const char *channel_key(const struct cat *cat, const struct cfg_market *m, const char *key,
                        char *out, size_t cap);
/* The marketplace's name; m may be NULL. */
struct str channel_title(const struct cat *cat, const struct cfg_market *m);
/* A way through the marketplace's own pages, as a sentence: which is "back" (to get here again
 * with a fresh token) or "manage" (to change or cancel). m may be NULL. */
struct str channel_way(const struct cat *cat, struct arena *a, const struct cfg_market *m,
                       const char *which);

#endif
