/*
 * cfg_fill: a tree of nodes -> typed structs, by the tables of cfg_schema.
 *
 * Every key gets its default first, so a struct is whole even where its node was wrong. Arrays
 * keep one element per node, in order, so that element i of an array belongs to child i of its
 * node: the cross checks rely on it to say where.
 */
#ifndef LM_CFG_FILL_H
#define LM_CFG_FILL_H

#include "config/cfg_node.h"
#include "config/cfg_schema.h"

struct cfg_fill {
    struct arena *arena;
    struct cfg_errs *errs;
};

/* path: dotted name of the map for messages, "" for the top level. map NULL: defaults only. */
void cfg_fill(struct cfg_fill *f, const struct cfg_section *s, const struct cfg_node *map,
              void *base, const char *path);
/* Sets one key from its node. */
void cfg_fill_key(struct cfg_fill *f, const struct cfg_key *k, const struct cfg_node *n, void *dst,
                  void *count, const char *path);
/* "what: 'text' why" at the node. */
void cfg_fill_refuse(struct cfg_fill *f, const struct cfg_node *n, const char *path,
                     const char *why);
/* True when n has that kind; else complains. */
bool cfg_fill_expect(struct cfg_fill *f, const struct cfg_node *n, enum cfg_node_kind kind,
                     const char *path);

#endif
