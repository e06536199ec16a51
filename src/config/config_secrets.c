/* config_secrets(): which files hold secrets, and who reads them. */
#include <errno.h>
#include <string.h>

#include "config/cfg_check.h"

const struct cfg_reader_row cfg_reader_table[CFG_READERS] = {{CFG_MARKET, "market"},
                                                             {CFG_DEPLOY, "deploy"},
                                                             {CFG_NOTIFY, "notify"},
                                                             {CFG_FRONT, "lastmile-front"},
                                                             {CFG_CLI, "lastmile"}};

struct walk {
    config_secret_fn *each;
    void *arg;
};

static void tell(const struct walk *w, const struct cfg_node *map, const char *key,
                 struct cfg_secret s)
{
    const struct cfg_node *value = cfg_node_get(map, key);
    struct cfg_pos at = cfg_check_pos(map, key);

    if (!s.path[0])
        return;
    if (!s.key)
        s.key = key;
    s.line = at.line;
    s.column = at.column;
    s.credential = value && value->text.n && value->text.p[0] != '/' ? value->text.p : "";
    w->each(w->arg, &s);
}

static void of_market(const struct walk *w, const struct config *c, size_t i)
{
    const struct cfg_market *m = &c->markets[i];
    const struct cfg_node *node = cfg_check_market_node(c->root, i),
                          *azure = cfg_node_get(node, "azure"), *gcp = cfg_node_get(node, "gcp");
    const struct {
        const struct cfg_node *map;
        const char *key, *called, *path;
        bool is_public;
    } rows[] = {
        {node, "credentials_file", NULL, m->credentials_file, false},
        {azure, "client_secret_file", NULL, m->azure.client_secret_file, false},
        {azure, "certificate_file", NULL, m->azure.certificate_file, true},
        {azure, "key_file", NULL, m->azure.key_file, false},
        {azure, "sign_in_secret_file", NULL, m->azure.sign_in_secret_file, false},
        {gcp, "credentials_file", "gcp.credentials_file", m->gcp.credentials_file, false},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++)
        tell(w, rows[k].map, rows[k].key,
             (struct cfg_secret){.key = rows[k].called,
                                 .path = rows[k].path,
                                 .readers = CFG_MARKET,
                                 .market = i,
                                 .is_public = rows[k].is_public,
                                 .is_live = true});
}

static void of_install(const struct walk *w, const struct config *c)
{
    const struct {
        const char *section, *key, *path;
        unsigned readers;
        bool is_live;
    } rows[] = {
        {"redis", "front_password_file", c->redis.front_password_file, CFG_FRONT, false},
        {"redis", "worker_password_file", c->redis.worker_password_file, CFG_ANY_ROLE, false},
        {"redis", "cli_password_file", c->redis.cli_password_file, CFG_CLI, false},
        {"secrets", "seal_secret_file", c->seal_secret_file, CFG_MARKET, false},
        {"notifications", "smtp_password_file", c->notify.smtp_password_file, CFG_NOTIFY, true},
    };
    unsigned share = 0; /* readers of redis.password_file: who has none of his own */

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct cfg_node *map = cfg_node_get(c->root, rows[i].section);

        if (strcmp(rows[i].section, "redis") == 0 && !cfg_node_get(map, rows[i].key)) {
            share |= rows[i].readers;
            continue;
        }
        tell(w, map, rows[i].key,
             (struct cfg_secret){.path = rows[i].path,
                                 .readers = rows[i].readers,
                                 .market = CFG_NO_MARKET,
                                 .is_live = rows[i].is_live});
    }
    if (share)
        tell(w, cfg_node_get(c->root, "redis"), "password_file",
             (struct cfg_secret){
                 .path = c->redis.password_file, .readers = share, .market = CFG_NO_MARKET});
}

void config_secrets(const struct config *c, config_secret_fn *each, void *arg)
{
    const struct walk w = {each, arg};

    for (size_t i = 0; i < c->nmarkets; i++)
        of_market(&w, c, i);
    of_install(&w, c);
}

int config_roles(struct str list, unsigned *readers)
{
    *readers = 0;
    while (list.n) {
        struct str one = str_trim(str_cut(list, ',', &list));
        bool known = false;

        for (size_t i = 0; i < CFG_ROLES; i++)
            if (str_is(one, cfg_reader_table[i].name)) {
                *readers |= cfg_reader_table[i].bit;
                known = true;
            }
        if (!known)
            return -EINVAL;
    }
    return *readers ? 0 : -EINVAL;
}

void config_readers(unsigned readers, struct buf *out)
{
    const char *between = "";

    for (size_t i = 0; i < CFG_READERS; i++)
        if (readers & cfg_reader_table[i].bit) {
            buf_fmt(out, "%s%s", between, cfg_reader_table[i].name);
            between = ", ";
        }
}
