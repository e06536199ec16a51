#include "config/cfg_node.h"

#include <string.h>
#include <yaml.h>

struct builder {
    yaml_parser_t parser;
    struct arena *arena;
    struct cfg_errs *errs;
    struct cfg_node *stack[CFG_NODE_DEPTH];
    size_t depth;
    struct cfg_node *root;
    struct str key; /* of the map on top, waiting for its value */
    struct cfg_pos key_at;
    bool have_key;
    size_t nodes;
    unsigned documents;
    bool done;
};

static struct cfg_pos pos_of(yaml_mark_t m)
{
    return (struct cfg_pos){(uint32_t)m.line + 1, (uint32_t)m.column + 1};
}

static struct cfg_node *stop(struct builder *b, struct cfg_pos at, const char *why)
{
    cfg_errs_add(b->errs, at, "%s", why);
    b->done = true;
    b->root = NULL;
    return NULL;
}

/* Hangs a new node below the open container; NULL when building must stop. */
static struct cfg_node *attach(struct builder *b, enum cfg_node_kind kind, struct cfg_pos at)
{
    if (++b->nodes > CFG_NODE_MAX)
        return stop(b, at, "the file has too many values");
    struct cfg_node *n = arena_alloc(b->arena, sizeof(*n));
    if (!n)
        return stop(b, at, "the file is too large");
    n->kind = kind;
    n->at = at;
    if (b->depth == 0) {
        b->root = n;
        return n;
    }
    struct cfg_node *up = b->stack[b->depth - 1];
    if (up->kind == CFG_NODE_MAP) {
        n->key = b->key;
        n->key_at = b->key_at;
        b->have_key = false;
        for (const struct cfg_node *o = up->first; o; o = o->next) {
            if (str_eq(o->key, n->key)) {
                cfg_errs_add(b->errs, n->key_at, "duplicate key '%s'; first given in line %u",
                             cfg_errs_quote(b->arena, n->key), o->key_at.line);
                return n; /* checked no further: not in the tree */
            }
        }
    }
    if (up->last)
        up->last->next = n;
    else
        up->first = n;
    up->last = n;
    up->n++;
    return n;
}

static bool wants_key(const struct builder *b)
{
    return b->depth > 0 && b->stack[b->depth - 1]->kind == CFG_NODE_MAP && !b->have_key;
}

static void refuse_extras(struct builder *b, const yaml_char_t *anchor, const yaml_char_t *tag,
                          struct cfg_pos at)
{
    if (anchor)
        cfg_errs_add(b->errs, at, "anchors (&%s) are not supported; write the value out",
                     cfg_errs_quote(b->arena, str_of((const char *)anchor)));
    if (tag)
        cfg_errs_add(b->errs, at, "tags (%s) are not supported; the key decides the type",
                     cfg_errs_quote(b->arena, str_of((const char *)tag)));
}

static void on_scalar(struct builder *b, const yaml_event_t *ev)
{
    struct cfg_pos at = pos_of(ev->start_mark);
    refuse_extras(b, ev->data.scalar.anchor, ev->data.scalar.tag, at);
    struct str raw = str_make((const char *)ev->data.scalar.value, ev->data.scalar.length);
    char *copy = arena_dup(b->arena, raw);
    if (!copy) {
        stop(b, at, "the file is too large");
        return;
    }
    struct str text = str_make(copy, raw.n);
    if (wants_key(b)) {
        b->key = text;
        b->key_at = at;
        b->have_key = true;
        return;
    }
    struct cfg_node *n = attach(b, CFG_NODE_SCALAR, at);
    if (n) {
        n->text = text;
        n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
}

static void on_open(struct builder *b, enum cfg_node_kind kind, struct cfg_pos at)
{
    if (wants_key(b)) {
        stop(b, at, "a key must be text");
        return;
    }
    if (b->depth == CFG_NODE_DEPTH) {
        stop(b, at, "nested too deeply");
        return;
    }
    struct cfg_node *n = attach(b, kind, at);
    if (n)
        b->stack[b->depth++] = n;
}

static void on_alias(struct builder *b, const yaml_event_t *ev)
{
    struct cfg_pos at = pos_of(ev->start_mark);
    if (wants_key(b)) {
        stop(b, at, "a key must be text");
        return;
    }
    cfg_errs_add(b->errs, at, "aliases (*%s) are not supported; write the value out",
                 cfg_errs_quote(b->arena, str_of((const char *)ev->data.alias.anchor)));
    attach(b, CFG_NODE_BAD, at);
}

static void on_document(struct builder *b, const yaml_event_t *ev)
{
    struct cfg_pos at = pos_of(ev->start_mark);
    if (b->documents++ > 0) {
        cfg_errs_add(b->errs, at, "a second document begins here; a configuration is one");
        b->done = true;
        return;
    }
    if (ev->data.document_start.version_directive ||
        ev->data.document_start.tag_directives.start != ev->data.document_start.tag_directives.end)
        cfg_errs_add(b->errs, at, "%% directives are not supported");
}

static void on_event(struct builder *b, const yaml_event_t *ev)
{
    struct cfg_pos at = pos_of(ev->start_mark);
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document(b, ev);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(b, ev);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(b, ev);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_extras(b, ev->data.mapping_start.anchor, ev->data.mapping_start.tag, at);
        on_open(b, CFG_NODE_MAP, at);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(b, ev->data.sequence_start.anchor, ev->data.sequence_start.tag, at);
        on_open(b, CFG_NODE_LIST, at);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        break;
    case YAML_STREAM_END_EVENT:
        b->done = true;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

static void syntax_error(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    struct cfg_pos at = pos_of(p->problem_mark);
    if (p->error == YAML_READER_ERROR)
        at = (struct cfg_pos){(uint32_t)p->mark.line + 1, (uint32_t)p->mark.column + 1};
    cfg_errs_add(b->errs, at, "not YAML: %s%s%s", p->problem ? p->problem : "cannot be read",
                 p->context ? " " : "", p->context ? p->context : "");
    b->root = NULL;
    b->done = true;
}

struct cfg_node *cfg_node_parse(struct str text, struct arena *a, struct cfg_errs *errs)
{
    struct builder b = {.arena = a, .errs = errs};
    struct cfg_pos start = {1, 1};
    if (text.n > CFG_TEXT_MAX)
        return stop(&b, start, "the file is too large");
    if (!yaml_parser_initialize(&b.parser))
        return stop(&b, start, "no memory");
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    while (!b.done) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&b.parser, &ev)) {
            syntax_error(&b);
            break;
        }
        on_event(&b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&b.parser);

    if (!b.root && errs->total == 0)
        return stop(&b, start, "the file is empty");
    if (b.root && b.root->kind != CFG_NODE_MAP) {
        cfg_errs_add(errs, b.root->at, "a configuration is a map of keys, found %s",
                     cfg_node_kind_name(b.root));
        return NULL;
    }
    return b.root;
}

const struct cfg_node *cfg_node_get(const struct cfg_node *map, const char *key)
{
    if (!map || map->kind != CFG_NODE_MAP)
        return NULL;
    for (const struct cfg_node *n = map->first; n; n = n->next)
        if (str_is(n->key, key))
            return n;
    return NULL;
}

const struct cfg_node *cfg_node_at(const struct cfg_node *parent, size_t i)
{
    if (!parent || (parent->kind != CFG_NODE_MAP && parent->kind != CFG_NODE_LIST))
        return NULL;
    const struct cfg_node *n = parent->first;
    while (n && i-- > 0)
        n = n->next;
    return n;
}

bool cfg_node_is_null(const struct cfg_node *n)
{
    return n->kind == CFG_NODE_SCALAR && !n->quoted &&
           (n->text.n == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

const char *cfg_node_kind_name(const struct cfg_node *n)
{
    switch (n->kind) {
    case CFG_NODE_MAP:
        return "a map";
    case CFG_NODE_LIST:
        return "a list";
    case CFG_NODE_SCALAR:
        return cfg_node_is_null(n) ? "nothing" : "text";
    case CFG_NODE_BAD:
        break;
    }
    return "something else";
}
