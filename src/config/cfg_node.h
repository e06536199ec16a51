/*
 * cfg_node: the text of a YAML file as a tree with places, nothing typed yet.
 *
 * Built from libyaml events. What the configuration language does not have is refused here with
 * its place: anchors, aliases, tags, directives, several documents, keys that are not text,
 * duplicate keys, depth over CFG_NODE_DEPTH. A refused value stays in the tree as CFG_NODE_BAD,
 * so that the rest of the file is still checked. Memory: the arena.
 */
#ifndef LM_CFG_NODE_H
#define LM_CFG_NODE_H

#include <stdbool.h>

#include "config/cfg_errs.h"

#define CFG_NODE_DEPTH 12
#define CFG_NODE_MAX   20000
#define CFG_TEXT_MAX   (1024u * 1024u)

enum cfg_node_kind { CFG_NODE_SCALAR, CFG_NODE_MAP, CFG_NODE_LIST, CFG_NODE_BAD };

struct cfg_node {
    enum cfg_node_kind kind;
    struct cfg_pos at;
    struct str key; /* in a map */
    struct cfg_pos key_at;
    struct str text; /* scalar, NUL-terminated */
    bool quoted;     /* scalar was quoted or a block: never null */
    struct cfg_node *first, *last, *next;
    size_t n; /* children */
};

/* The root map, or NULL when the text cannot be read further; complaints are in errs. */
struct cfg_node *cfg_node_parse(struct str text, struct arena *a, struct cfg_errs *errs);
/* Value of a key in a map; NULL when absent or when map is no map (or NULL). */
const struct cfg_node *cfg_node_get(const struct cfg_node *map, const char *key);
/* n-th child or NULL. */
const struct cfg_node *cfg_node_at(const struct cfg_node *parent, size_t n);
/* "a map", "a list", "text", "nothing". */
const char *cfg_node_kind_name(const struct cfg_node *n);
/* A plain scalar that YAML calls null: empty, ~ or null. */
bool cfg_node_is_null(const struct cfg_node *n);

#endif
