#include "pages/pages.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "pages/capcache.h"
#include "pages/vars.h"

enum { ARENA_MAX = 4 * 1024 * 1024, ARENA_FIRST = 64 * 1024 };

static const char *const files[PAGE_COUNT] = {
    [PAGE_NOTICE] = "notice.html",     [PAGE_REGISTRATION] = "registration.html",
    [PAGE_CHECKING] = "checking.html", [PAGE_RESUME] = "resume.html",
    [PAGE_STATUS] = "status.html",     [PAGE_SIGNIN] = "signin.html"};

struct sources {
    struct pages *pg;
    const char *dir;
    struct buf seen; /* everything read, for the tag */
};

static int source(void *arg, const char *name, struct str *text, const char **label)
{
    struct sources *s = arg;
    char file[80];
    struct buf b;
    int rc;

    buf_init(&b, sizeof(file) - 1);
    buf_cat(&b, name);
    if (!str_ends(str_of(name), STR(".html")))
        buf_cat(&b, ".html");
    rc = str_copy(buf_view(&b), file, sizeof(file));
    buf_free(&b);
    if (rc || strchr(name, '/'))
        return -ENOENT;
    rc = files_get(s->pg->arena, s->dir, "templates", file, text, label);
    if (rc == 0)
        buf_str(&s->seen, *text);
    return rc;
}

static int load_texts(struct sources *s, struct buf *errors)
{
    struct pages *pg = s->pg;
    struct str text;
    const char *label;
    int rc = files_get(pg->arena, NULL, "catalogue", "en.txt", &text, &label);

    if (rc == 0)
        rc = cat_load(pg->arena, label, text, &pg->cat, errors);
    if (rc)
        return rc;
    buf_str(&s->seen, text);
    rc = files_get(pg->arena, s->dir, "catalogue", "en.txt", &text, &label);
    if (rc == 0 && strcmp(label, "en.txt") != 0) {
        rc = cat_override(&pg->cat, label, text, errors);
        buf_str(&s->seen, text);
    }
    return rc;
}

static int load_templates(struct sources *s, struct buf *errors)
{
    struct tmpl_env env = {page_vars, V_COUNT, &s->pg->cat, source, s};
    int rc = 0;
    size_t i;

    for (i = 0; i < PAGE_COUNT; i++)
        if (tmpl_compile(s->pg->arena, &env, files[i], &s->pg->tmpl[i], errors))
            rc = -EINVAL;
    return rc;
}

/* Pages change with texts, templates, styles, and with what the configuration says of itself. */
static void make_tag(struct sources *s, const struct front *f)
{
    const struct cfg_brand *b = &f->cfg->brand;
    char hex[HASH_HEX];
    size_t i, j;

    for (i = 0; i < s->pg->nassets; i++)
        buf_str(&s->seen, s->pg->asset[i].data);
    for (i = 0; i < f->cfg->nmarkets; i++) {
        buf_cat(&s->seen, f->cfg->markets[i].product);
        for (j = 0; j < f->cfg->markets[i].nplans; j++)
            buf_cat(&s->seen, f->cfg->markets[i].plans[j].title);
    }
    buf_cat(&s->seen, b->seller);
    buf_cat(&s->seen, b->next_steps);
    buf_cat(&s->seen, f->cfg->notify.smtp_url);
    hash_sha256_hex(buf_view(&s->seen), hex);
    memcpy(s->pg->tag, hex, sizeof(s->pg->tag) - 1);
}

int pages_open(struct front *f, struct buf *errors)
{
    struct sources s;
    struct pages *pg;
    struct arena *a;
    int rc;

    if (!f->cfg)
        return 0;
    a = arena_new(ARENA_FIRST, ARENA_MAX);
    pg = a ? arena_alloc(a, sizeof(*pg)) : NULL;
    if (!pg) {
        arena_free(&a);
        return -ENOMEM;
    }
    pg->arena = a;
    s = (struct sources){.pg = pg, .dir = f->cfg->brand.templates_dir};
    buf_init(&s.seen, ARENA_MAX);
    rc = load_texts(&s, errors);
    if (rc == 0)
        rc = load_templates(&s, errors);
    if (rc == 0)
        rc = static_load(pg, f, errors);
    if (rc == 0)
        rc = capcache_new(&pg->caps);
    if (rc == 0)
        make_tag(&s, f);
    buf_free(&s.seen);
    f->pages = pg;
    if (rc)
        pages_close(f);
    return rc;
}

void pages_close(struct front *f)
{
    struct pages *pg = f->pages;
    struct arena *a;

    if (!pg)
        return;
    f->pages = NULL;
    capcache_free(&pg->caps);
    a = pg->arena;
    arena_free(&a);
}
