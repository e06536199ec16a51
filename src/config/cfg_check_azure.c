/* What the azure keys of a listing need of each other. */
#include <ctype.h>
#include <string.h>

#include "config/cfg_check.h"

/* Entra's words for "any tenant" are no publisher. */
static bool tenant_ok(const char *t)
{
    static const char *const words[] = {"common", "organizations", "consumers"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_ieq(str_of(t), str_of(words[i])))
            return false;
    for (; *t; t++)
        if (!isascii(*t) || !(isalnum((unsigned char)*t) || *t == '-' || *t == '.'))
            return false;
    return true;
}

static void check_credentials(const struct cfg_azure *z, const struct cfg_node *node,
                              struct cfg_errs *errs)
{
    if (z->client_secret_file[0] && z->certificate_file[0])
        cfg_errs_add(errs, cfg_check_pos(node, "certificate_file"),
                     "azure: client_secret_file and certificate_file; one of them is enough");
    if (z->certificate_file[0] && !z->key_file[0])
        cfg_errs_add(errs, cfg_check_pos(node, "certificate_file"),
                     "azure: certificate_file needs its key_file");
    if (z->key_file[0] && !z->certificate_file[0])
        cfg_errs_add(errs, cfg_check_pos(node, "key_file"),
                     "azure: key_file has a meaning with certificate_file only");
}

static void check_sign_in(const struct cfg_azure *z, const struct cfg_node *node,
                          struct cfg_errs *errs)
{
    static const char *const keys[] = {"sign_in_secret_file", "sign_in_match"};
    for (size_t i = 0; !z->sign_in_client_id[0] && i < sizeof(keys) / sizeof(keys[0]); i++)
        if (cfg_node_get(node, keys[i]))
            cfg_errs_add(errs, cfg_check_pos(node, keys[i]),
                         "azure: %s has a meaning with sign_in_client_id only", keys[i]);
}

void cfg_check_azure(const struct cfg_market *m, const struct cfg_node *market,
                     struct cfg_errs *errs)
{
    const struct cfg_node *node = cfg_node_get(market, "azure");
    const struct cfg_azure *z = &m->azure;
    if (!node || node->kind != CFG_NODE_MAP)
        return;
    if (strcmp(m->cloud, "azure") != 0) {
        cfg_errs_add(errs, cfg_check_pos(market, "azure"),
                     "azure has a meaning with cloud: azure only");
        return;
    }
    if (str_ends(str_of(z->offer_id), STR("-preview")))
        cfg_errs_add(errs, cfg_check_pos(node, "offer_id"),
                     "azure: leave '-preview' out of the offer id; purchases of the preview are "
                     "served as test purchases of the offer");
    if (!tenant_ok(z->tenant_id))
        cfg_errs_add(errs, cfg_check_pos(node, "tenant_id"),
                     "azure: tenant_id '%s' is not one tenant; it looks like "
                     "72f988bf-86f1-41af-91ab-2d7cd011db47",
                     z->tenant_id);
    check_credentials(z, node, errs);
    check_sign_in(z, node, errs);
}

void cfg_check_azure_needs(const struct cfg_market *m, const struct cfg_node *market,
                           struct cfg_errs *errs)
{
    const struct cfg_node *node = cfg_node_get(market, "azure");
    const struct cfg_azure *z = &m->azure;
    const struct {
        const char *key, *value, *why;
    } rows[] = {
        {"offer_id", z->offer_id, "purchases of other offers cannot be told from its own"},
        {"tenant_id", z->tenant_id, "nothing can be asked of Microsoft"},
        {"client_id", z->client_id, "nothing can be asked of Microsoft"},
        {"client_secret_file", z->client_secret_file[0] ? "-" : z->certificate_file,
         "nothing can be asked of Microsoft (certificate_file does as well)"},
    };
    struct cfg_pos at = node ? node->at : cfg_check_pos(market, "azure");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!rows[i].value[0])
            cfg_errs_add(errs, at, "azure: %s is missing; %s", rows[i].key, rows[i].why);
    /* Microsoft's landing page guide: "use two apps". */
    if (z->sign_in_client_id[0] && strcmp(z->sign_in_client_id, z->client_id) == 0)
        cfg_errs_add(errs, cfg_check_pos(node, "sign_in_client_id"),
                     "azure: buyers sign in to the app that may call the fulfilment API; register "
                     "a second, multitenant one for sign_in_client_id");
}
