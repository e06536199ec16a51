#include "pages/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { SHORT_TEXT = 200, MAIL = 254, PHONE = 60, KEY = 96 };

static const struct {
    const char *name, *autocomplete;
    enum cfg_field_type type;
    bool required;
    uint32_t max;
} builtin[] = {
    {"email", "email", CFG_FIELD_EMAIL, true, MAIL},
    {"full_name", "name", CFG_FIELD_TEXT, false, SHORT_TEXT},
    {"company", "organization", CFG_FIELD_TEXT, false, SHORT_TEXT},
    {"phone", "tel", CFG_FIELD_TEL, false, PHONE},
};

static struct str text(const struct pages *pg, const char *name, const char *what)
{
    char key[KEY];

    snprintf(key, sizeof(key), "field.%s.%s", name, what);
    return cat_get(&pg->cat, str_of(key));
}

static bool for_plan(const struct cfg_field *c, const struct cfg_plan *plan)
{
    size_t i;

    if (!c->plans || !c->plans[0])
        return true;
    for (i = 0; plan && c->plans[i]; i++)
        if (strcmp(c->plans[i], plan->name) == 0)
            return true;
    return false;
}

static const struct cfg_field *configured(const struct config *cfg, const struct cfg_plan *plan,
                                          const char *name)
{
    size_t i;

    for (i = 0; i < cfg->nfields; i++)
        if (strcmp(cfg->fields[i].name, name) == 0 && for_plan(&cfg->fields[i], plan))
            return &cfg->fields[i];
    return NULL;
}

static struct field *add(struct fields *fs)
{
    return fs->n < FIELDS_MAX ? &fs->f[fs->n++] : NULL;
}

static void add_configured(struct fields *fs, const struct cfg_field *c)
{
    struct field *f = add(fs);

    if (!f)
        return;
    *f = (struct field){.name = c->name,
                        .type = c->type,
                        .label = str_of(c->label),
                        .hint = str_of(c->hint),
                        .autocomplete = c->autocomplete,
                        .required = c->required,
                        .min = c->min,
                        .max = c->max,
                        .options = c->options};
    if (f->max == 0 && f->type != CFG_FIELD_NUMBER)
        f->max = SHORT_TEXT;
    if (f->type != CFG_FIELD_NUMBER && f->max > FIELD_LONGEST)
        f->max = FIELD_LONGEST;
    if (strcmp(f->name, "email") == 0) {
        f->type = CFG_FIELD_EMAIL;
        f->required = true;
        f->max = MAIL;
    }
}

static void add_region(struct fields *fs, const struct cfg_plan *plan)
{
    struct field *f;

    if (!plan || !plan->regions || !plan->regions[0] ||
        strcmp(plan->region_policy, "buyer-selected") != 0)
        return;
    f = add(fs);
    if (f)
        *f = (struct field){.name = "region",
                            .type = CFG_FIELD_SELECT,
                            .label = text(fs->pg, "region", "label"),
                            .hint = text(fs->pg, "region", "hint"),
                            .required = true,
                            .region = true,
                            .max = SHORT_TEXT,
                            .options = plan->regions};
}

int fields_for(struct arena *a, const struct pages *pg, const struct config *cfg,
               const struct cfg_plan *plan, bool made, struct fields **out)
{
    struct fields *fs = arena_alloc(a, sizeof(*fs));
    size_t i;

    if (!fs)
        return -ENOMEM;
    fs->arena = a;
    fs->pg = pg;
    for (i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
        const struct cfg_field *c = configured(cfg, plan, builtin[i].name);

        if (c)
            add_configured(fs, c);
        else
            fs->f[fs->n++] = (struct field){.name = builtin[i].name,
                                            .type = builtin[i].type,
                                            .label = text(pg, builtin[i].name, "label"),
                                            .hint = text(pg, builtin[i].name, "hint"),
                                            .autocomplete = builtin[i].autocomplete,
                                            .required = builtin[i].required,
                                            .max = builtin[i].max};
    }
    if (!made)
        add_region(fs, plan);
    for (i = 0; i < cfg->nfields; i++)
        if (for_plan(&cfg->fields[i], plan) && !fields_find(fs, str_of(cfg->fields[i].name)))
            add_configured(fs, &cfg->fields[i]);
    *out = fs;
    return 0;
}

struct field *fields_find(struct fields *fs, struct str name)
{
    size_t i;

    for (i = 0; i < fs->n; i++)
        if (str_is(name, fs->f[i].name))
            return &fs->f[i];
    return NULL;
}

static bool skipped(struct str name, const char *const *skip)
{
    for (; *skip; skip++)
        if (str_is(name, *skip))
            return true;
    return false;
}

int fields_fill(struct fields *fs, const struct form *form, const char *const *skip,
                struct str *bad)
{
    size_t i;

    *bad = form_twice(form);
    if (bad->n > 0)
        return -EINVAL;
    for (i = 0; i < form->n; i++) {
        struct field *f;

        if (skipped(form->field[i].name, skip))
            continue;
        f = fields_find(fs, form->field[i].name);
        if (!f) {
            *bad = form->field[i].name;
            return -EINVAL;
        }
        f->value = str_trim(form->field[i].value);
    }
    return 0;
}

struct str fields_email(const struct fields *fs)
{
    return fs->f[0].value; /* builtin[0] */
}

struct str fields_option(const struct fields *fs, const struct field *f, const char *option)
{
    char key[KEY];
    struct str name;

    if (!f->region)
        return str_of(option);
    snprintf(key, sizeof(key), "region.%s", option);
    name = cat_get(&fs->pg->cat, str_of(key));
    return name.n ? str_of(arena_fmt(fs->arena, "%.*s (%s)", STR_FMT(name), option))
                  : str_of(option);
}

void fields_json(const struct fields *fs, struct buf *out)
{
    struct jsonw w;
    size_t i;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    for (i = 0; i < fs->n; i++)
        jsonw_kvs_opt(&w, fs->f[i].name, fs->f[i].value);
    jsonw_obj_end(&w);
}
