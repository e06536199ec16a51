#include "config/cfg_fill.h"

#include <assert.h>
#include <string.h>

#include "config/cfg_suggest.h"

#define KEYS_MAX 64

void cfg_fill_refuse(struct cfg_fill *f, const struct cfg_node *n, const char *path,
                     const char *why)
{
    cfg_errs_add(f->errs, n->at, "%s: '%s' %s", path, cfg_errs_quote(f->arena, n->text), why);
}

bool cfg_fill_expect(struct cfg_fill *f, const struct cfg_node *n, enum cfg_node_kind kind,
                     const char *path)
{
    static const char *const want[] = {"text", "a map", "a list", ""};
    if (n->kind == CFG_NODE_BAD)
        return false; /* already said */
    if (n->kind == kind && !cfg_node_is_null(n))
        return true;
    cfg_errs_add(f->errs, n->at, "%s: expected %s, found %s", path, want[kind],
                 cfg_node_kind_name(n));
    return false;
}

static void *member(void *base, size_t offset)
{
    return (char *)base + offset;
}

/* A default is written as in the file and goes the same way, so it cannot be of a wrong type. */
static void set_default(struct cfg_fill *f, const struct cfg_key *k, void *base)
{
    static const char *const none[] = {NULL};
    void *dst = member(base, k->offset);
    if (k->type == CT_SECTION) {
        cfg_fill(f, k->sub, NULL, dst, "");
    } else if (k->dflt) {
        struct cfg_node n = {.kind = CFG_NODE_SCALAR, .text = str_of(k->dflt)};
        size_t before = f->errs->total;
        cfg_fill_key(f, k, &n, dst, NULL, k->name);
        assert(f->errs->total == before);
    } else if (k->type <= CT_WORD) {
        const char *empty = "";
        memcpy(dst, &empty, sizeof(empty));
    } else if (k->type >= CT_TEXTS && k->type <= CT_ENV) {
        const char *const *list = none;
        memcpy(dst, &list, sizeof(list));
    }
}

static const struct cfg_key *find_key(const struct cfg_section *s, struct str name)
{
    for (size_t i = 0; i < s->nkeys; i++)
        if (str_is(name, s->keys[i].name))
            return &s->keys[i];
    return NULL;
}

static void unknown_key(struct cfg_fill *f, const struct cfg_section *s, const struct cfg_node *n,
                        const char *path)
{
    const char *words[KEYS_MAX];
    assert(s->nkeys <= KEYS_MAX);
    for (size_t i = 0; i < s->nkeys; i++)
        words[i] = s->keys[i].name;
    cfg_errs_add(f->errs, n->key_at, "%s%sunknown key '%s'%s", path, path[0] ? ": " : "",
                 cfg_errs_quote(f->arena, n->key), cfg_suggest(f->arena, n->key, words, s->nkeys));
}

static void missing_keys(struct cfg_fill *f, const struct cfg_section *s,
                         const struct cfg_node *map, const char *path)
{
    for (size_t i = 0; i < s->nkeys; i++)
        if (s->keys[i].required && !cfg_node_get(map, s->keys[i].name))
            cfg_errs_add(f->errs, map->at, "%s: '%s' is missing", path, s->keys[i].name);
}

void cfg_fill(struct cfg_fill *f, const struct cfg_section *s, const struct cfg_node *map,
              void *base, const char *path)
{
    for (size_t i = 0; i < s->nkeys; i++)
        set_default(f, &s->keys[i], base);
    if (!map || !cfg_fill_expect(f, map, CFG_NODE_MAP, path))
        return;
    for (const struct cfg_node *n = map->first; n; n = n->next) {
        const struct cfg_key *k = find_key(s, n->key);
        if (!k) {
            unknown_key(f, s, n, path);
            continue;
        }
        const char *deeper = arena_fmt(f->arena, "%s%s%s", path, path[0] ? "." : "", k->name);
        cfg_fill_key(f, k, n, member(base, k->offset), member(base, k->count),
                     deeper ? deeper : k->name);
    }
    missing_keys(f, s, map, path);
}
