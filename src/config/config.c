#include "config/config.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "config/cfg_check.h"
#include "config/cfg_fill.h"

#define ARENA_FIRST (64u * 1024u)
#define ARENA_MAX   (32u * 1024u * 1024u)

/* "Acme Search (Pro)" -> "acme-search-pro". */
static const char *slug(struct arena *a, const char *title)
{
    char out[41];
    size_t n = 0;
    for (const char *p = title; *p && n < sizeof(out) - 1; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (word)
            out[n++] = c;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    const char *p = n ? arena_dup(a, str_make(out, n)) : NULL;
    return p ? p : "default";
}

static void derive_plan(struct cfg_plan *p, bool only)
{
    if (!p->title[0])
        p->title = p->name;
    if (!p->dimension[0])
        p->dimension = p->name;
    if (only)
        p->is_default = true;
}

static void derive_market(struct arena *a, const struct cfg_node *node, struct cfg_market *m,
                          struct cfg_plan *plans)
{
    if (!m->name[0])
        m->name = slug(a, m->product);
    m->channel = strcmp(m->provider, "direct") == 0 ? m->cloud : m->provider;
    if (!m->product_code[0])
        m->product_code = strcmp(m->channel, "azure") == 0 ? m->azure.offer_id
                          : strcmp(m->channel, "gcp") == 0 ? m->gcp.product_name
                                                           : "";
    if (strcmp(m->channel, "gcp") == 0 && !m->queue_url[0])
        m->queue_url = m->gcp.subscription;
    /* Their listings are contracts unless they say that usage is charged. */
    if (strcmp(m->channel, "aws") != 0 && !cfg_node_get(node, "pricing"))
        m->pricing = CFG_CONTRACT;
    m->contract = m->pricing != CFG_USAGE;
    m->metered = m->pricing != CFG_CONTRACT;
    for (size_t i = 0; i < m->nplans; i++)
        derive_plan(&plans[i], m->nplans == 1);
}

static void derive_redis(struct cfg_redis *r)
{
    if (!r->socket[0] && !r->host[0])
        r->socket = "/run/lastmile/redis.sock";
    const char **users[] = {&r->front_user, &r->worker_user, &r->cli_user};
    const char **files[] = {&r->front_password_file, &r->worker_password_file,
                            &r->cli_password_file};
    for (size_t i = 0; i < 3; i++) {
        if (!*users[i][0])
            *users[i] = r->user;
        if (!*files[i][0])
            *files[i] = r->password_file;
    }
}

/* Values that follow from others. The arrays were made by cfg_fill in our own arena, so writing
 * to them through their const pointers' addresses is ours to do: hence the copies of pointers. */
static void derive(struct config *c)
{
    for (size_t i = 0; i < c->nmarkets; i++) {
        struct cfg_market *m;
        struct cfg_plan *plans;
        memcpy(&m, &c->markets, sizeof(m));
        memcpy(&plans, &m[i].plans, sizeof(plans));
        derive_market(c->arena, cfg_check_market_node(c->root, i), &m[i], plans);
    }
    for (size_t i = 0; i < c->ntemplates; i++) {
        struct cfg_template *t;
        memcpy(&t, &c->templates, sizeof(t));
        if (!t[i].endpoint[0])
            t[i].endpoint = c->deploy.endpoint;
    }
    for (size_t i = 0; i < c->nfields; i++) {
        struct cfg_field *f;
        memcpy(&f, &c->fields, sizeof(f));
        if (!f[i].plans[0])
            f[i].plans = NULL;
    }
    derive_redis(&c->redis);
}

static int build(struct config *c, struct str text, struct cfg_errs *errs)
{
    struct cfg_node *root = cfg_node_parse(text, c->arena, errs);
    if (root) {
        struct cfg_fill f = {c->arena, errs};
        c->root = root;
        cfg_fill(&f, &cfg_schema_root, root, c, "");
        derive(c);
        cfg_check(c, root, errs);
    }
    return errs->total ? -EINVAL : 0;
}

int config_parse(const char *name, struct str text, struct config **out, struct buf *errors)
{
    *out = NULL;
    struct arena *a = arena_new(ARENA_FIRST, ARENA_MAX);
    struct config *c = a ? arena_alloc(a, sizeof(*c)) : NULL;
    struct cfg_errs *errs = c ? arena_alloc(a, sizeof(*errs)) : NULL;
    const char *file = errs ? arena_dup(a, str_of(name)) : NULL;
    if (!file) {
        arena_free(&a);
        return -ENOMEM;
    }
    c->arena = a;
    c->file = file;
    cfg_errs_init(errs, a, file);
    int rc = build(c, text, errs);
    cfg_errs_print(errs, errors);
    if (rc)
        arena_free(&a);
    else
        *out = c;
    return rc;
}

int config_load(const char *path, struct config **out, struct buf *errors)
{
    *out = NULL;
    struct buf text;
    buf_init(&text, CFG_TEXT_MAX);
    int rc = file_read(path, &text);
    if (rc == 0) {
        rc = config_parse(path, buf_view(&text), out, errors);
    } else {
        char why[64];
        buf_fmt(errors, "%s: cannot be read: %s\n", path, strerror_r(-rc, why, sizeof(why)));
    }
    buf_free(&text);
    return rc;
}

void config_free(struct config **c)
{
    if (!*c)
        return;
    struct arena *a = (*c)->arena;
    *c = NULL;
    arena_free(&a);
}
