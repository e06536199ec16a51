/* Keys that hold more than one value: lists, maps, sections. */
#include <string.h>

#include "config/cfg_fill.h"
#include "config/cfg_setting.h"
#include "config/cfg_value.h"
#include "config/config.h"

#define ITEMS_MAX 1000

/* n + 1 pointers, or NULL after a complaint. */
static const char **new_list(struct cfg_setting *s)
{
    if (s->n->n > ITEMS_MAX) {
        cfg_errs_add(s->f->errs, s->n->at, "%s: more than %d entries", s->path, ITEMS_MAX);
        return NULL;
    }
    return arena_alloc(s->f->arena, (s->n->n + 1) * sizeof(char *));
}

static void check_duplicates(struct cfg_setting *s)
{
    for (const struct cfg_node *a = s->n->first; a; a = a->next)
        for (const struct cfg_node *b = a->next; b; b = b->next)
            if (a->kind == CFG_NODE_SCALAR && b->kind == CFG_NODE_SCALAR &&
                str_eq(a->text, b->text))
                cfg_fill_refuse(s->f, b, s->path, "is listed twice");
}

void cfg_set_list(struct cfg_setting *s)
{
    const char **list = NULL;
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_LIST, s->path) || !(list = new_list(s)))
        return;
    size_t i = 0;
    for (const struct cfg_node *n = s->n->first; n; n = n->next) {
        if (!cfg_fill_expect(s->f, n, CFG_NODE_SCALAR, s->path))
            continue;
        const char *why = cfg_setting_checks[s->k->type](n->text);
        if (!why && s->k->type == CT_ARGV && i == 0 && cfg_value_path(n->text))
            why = "is not an absolute path; the program is named in full";
        if (why)
            cfg_fill_refuse(s->f, n, s->path, why);
        else
            list[i++] = cfg_setting_keep(s, n->text);
    }
    if (s->k->type != CT_ARGV)
        check_duplicates(s);
    else if (s->n->n == 0)
        cfg_errs_add(s->f->errs, s->n->at, "%s: the list is empty", s->path);
    memcpy(s->dst, &list, sizeof(list));
}

static bool pair_ok(struct cfg_setting *s, const struct cfg_node *n, cfg_check_fn name_check)
{
    const char *why = name_check(n->key);
    if (why)
        cfg_errs_add(s->f->errs, n->key_at, "%s: '%s' %s", s->path,
                     cfg_errs_quote(s->f->arena, n->key), why);
    const char *deeper =
        arena_fmt(s->f->arena, "%s.%s", s->path, cfg_errs_quote(s->f->arena, n->key));
    if (!cfg_fill_expect(s->f, n, CFG_NODE_SCALAR, deeper ? deeper : s->path))
        return false;
    const char *bad = cfg_value_text(n->text);
    if (bad)
        cfg_fill_refuse(s->f, n, deeper ? deeper : s->path, bad);
    return !why && !bad;
}

void cfg_set_env(struct cfg_setting *s)
{
    const char **list = NULL;
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_MAP, s->path) || !(list = new_list(s)))
        return;
    size_t i = 0;
    for (const struct cfg_node *n = s->n->first; n; n = n->next)
        if (pair_ok(s, n, cfg_value_envname) &&
            (list[i] = arena_fmt(s->f->arena, "%s=%s", n->key.p, n->text.p)))
            i++;
    memcpy(s->dst, &list, sizeof(list));
}

void cfg_set_kv(struct cfg_setting *s)
{
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_MAP, s->path))
        return;
    struct cfg_kv *kv = arena_alloc(s->f->arena, (s->n->n + 1) * sizeof(*kv));
    size_t i = 0;
    for (const struct cfg_node *n = s->n->first; n && kv; n = n->next)
        if (pair_ok(s, n, cfg_value_name))
            kv[i++] = (struct cfg_kv){cfg_setting_keep(s, n->key), cfg_setting_keep(s, n->text)};
    memcpy(s->dst, &kv, sizeof(kv));
    memcpy(s->count, &i, sizeof(i));
}

void cfg_set_section(struct cfg_setting *s)
{
    cfg_fill(s->f, s->k->sub, s->n, s->dst, s->path);
}

/* count structs of the sub-section, hung into dst and count; NULL when there is no memory. */
static char *new_array(struct cfg_setting *s, size_t count)
{
    char *array = arena_alloc(s->f->arena, count * s->k->sub->size + 1);
    if (!array) {
        cfg_errs_add(s->f->errs, s->n->at, "%s: too many entries", s->path);
        return NULL;
    }
    memcpy(s->dst, &array, sizeof(array));
    memcpy(s->count, &count, sizeof(count));
    return array;
}

void cfg_set_single(struct cfg_setting *s)
{
    char *array = new_array(s, 1);
    if (array)
        cfg_fill(s->f, s->k->sub, s->n, array, s->path);
}

void cfg_set_array(struct cfg_setting *s)
{
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_LIST, s->path))
        return;
    char *array = new_array(s, s->n->n);
    size_t i = 0;
    for (const struct cfg_node *n = s->n->first; n && array; n = n->next, i++) {
        const char *deeper = arena_fmt(s->f->arena, "%s[%zu]", s->path, i);
        cfg_fill(s->f, s->k->sub, n, array + i * s->k->sub->size, deeper ? deeper : s->path);
    }
}

/* The struct of a map begins with its name. */
void cfg_set_map(struct cfg_setting *s)
{
    if (!cfg_fill_expect(s->f, s->n, CFG_NODE_MAP, s->path))
        return;
    char *array = new_array(s, s->n->n);
    size_t i = 0;
    for (const struct cfg_node *n = s->n->first; n && array; n = n->next, i++) {
        const char *why = cfg_setting_checks[s->k->sub->naming](n->key);
        if (why)
            cfg_errs_add(s->f->errs, n->key_at, "%s: '%s' %s", s->path,
                         cfg_errs_quote(s->f->arena, n->key), why);
        const char *name = cfg_setting_keep(s, n->key);
        const char *deeper =
            arena_fmt(s->f->arena, "%s.%s", s->path, cfg_errs_quote(s->f->arena, n->key));
        char *element = array + i * s->k->sub->size;
        memcpy(element, &name, sizeof(name));
        cfg_fill(s->f, s->k->sub, n, element, deeper ? deeper : s->path);
    }
}
