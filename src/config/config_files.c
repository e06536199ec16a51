/* config_check_files(): what can be judged on the machine only, and what this version lacks. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/cfg_check.h"

enum want { WANT_FILE, WANT_DIR, WANT_PROGRAM, WANT_IMAGE };

static void refuse(struct cfg_errs *e, struct cfg_pos at, const char *key, const char *path,
                   const char *why)
{
    cfg_errs_add(e, at, "%s: '%s' %s", key, path, why);
}

static bool image_name(const char *path)
{
    struct str s = str_of(path);
    return str_ends(s, STR(".svg")) || str_ends(s, STR(".png"));
}

static void check_path(struct cfg_errs *e, struct cfg_pos at, const char *key, const char *path,
                       enum want want)
{
    struct stat st;
    if (!path[0])
        return;
    if (stat(path, &st)) {
        refuse(e, at, key, path, errno == EACCES ? "is out of reach" : "is not there");
        return;
    }
    if (want == WANT_DIR) {
        if (!S_ISDIR(st.st_mode))
            refuse(e, at, key, path, "is not a directory");
        return;
    }
    if (!S_ISREG(st.st_mode))
        refuse(e, at, key, path, "is not a file");
    else if (want == WANT_PROGRAM && access(path, X_OK))
        refuse(e, at, key, path, "cannot be executed");
    else if (want == WANT_IMAGE && !image_name(path))
        refuse(e, at, key, path, "is neither .svg nor .png");
}

static void check_provider(const struct cfg_market *m, const struct cfg_node *node,
                           struct cfg_errs *e)
{
    if (strcmp(m->provider, "direct") != 0)
        cfg_errs_add(e, cfg_check_pos(node, "provider"),
                     "provider %s: this version speaks to marketplaces directly only; orders of "
                     "this product are not accepted",
                     m->provider);
    else if (strcmp(m->cloud, "azure") == 0)
        cfg_check_azure_needs(m, node, e);
    else if (strcmp(m->cloud, "gcp") == 0)
        cfg_check_gcp_needs(m, node, e);
    else if (strcmp(m->cloud, "aws") == 0 && !m->product_code[0])
        cfg_errs_add(e, cfg_check_pos(node, "product_code"),
                     "product_code is missing; purchases of %s cannot be told from others",
                     m->name);
}

static void check_markets(const struct config *c, struct cfg_errs *e)
{
    for (size_t i = 0; i < c->nmarkets; i++) {
        const struct cfg_market *m = &c->markets[i];
        const struct cfg_node *node = cfg_check_market_node(c->root, i);
        check_provider(m, node, e);
        check_path(e, cfg_check_pos(node, "sns_cert_file"), "sns_cert_file", m->sns_cert_file,
                   WANT_FILE);
    }
}

static void check_templates(const struct config *c, struct cfg_errs *e)
{
    const struct cfg_node *map = cfg_node_get(c->root, "deployment_templates");
    for (size_t i = 0; i < c->ntemplates; i++)
        check_path(e, cfg_check_pos(cfg_node_at(map, i), "command"), "command",
                   c->templates[i].command[0], WANT_PROGRAM);
}

static void check_install(const struct config *c, struct cfg_errs *e)
{
    const struct {
        const char *section, *key, *path;
        enum want want;
    } rows[] = {
        {"secrets", "seal_public_file", c->seal_public_file, WANT_FILE},
        {"branding", "logo_file", c->brand.logo_file, WANT_IMAGE},
        {"branding", "templates_dir", c->brand.templates_dir, WANT_DIR},
        {"deploy", "keeper", c->deploy.keeper, WANT_PROGRAM},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cfg_node *node = cfg_node_get(c->root, rows[i].section);
        check_path(e, cfg_check_pos(node, rows[i].key), rows[i].key, rows[i].path, rows[i].want);
    }
    if (!c->front.public_url[0])
        cfg_errs_add(e, cfg_check_pos(cfg_node_get(c->root, "front"), "public_url"),
                     "front.public_url is missing; links in mails and the origin check are made "
                     "of it");
}

int config_check_files(const struct config *c, unsigned readers, struct buf *errors)
{
    struct arena *a = arena_new(64u * 1024u, 1024u * 1024u);
    struct cfg_errs *e = a ? arena_alloc(a, sizeof(*e)) : NULL;
    if (!e) {
        arena_free(&a);
        return -ENOMEM;
    }
    cfg_errs_init(e, a, c->file);
    check_markets(c, e);
    check_templates(c, e);
    check_install(c, e);
    cfg_check_secrets(c, readers, e);
    cfg_errs_print(e, errors);
    int rc = e->total ? -EINVAL : 0;
    arena_free(&a);
    return rc;
}
