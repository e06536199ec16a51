#include "pages/channel.h"

#include <stdio.h>
#include <string.h>

enum { KEY = 96 };

/* Sources: AWS SaaS guidelines; partner-center "pc-saas-fulfillment-life-cycle"; Google Cloud
 * "integrated-saas/frontend-integration". */
static const struct channel channels[] = {
    {.name = "aws", .field = "x-amzn-marketplace-token"},
    {.name = "azure", .field = "token", .in_address = true, .direct = true, .holds = true},
    {.name = "gcp",
     .field = "x-gcp-marketplace-token",
     .login = true,
     .direct = true,
     .holds = true},
};

const struct channel *channel_find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (strcmp(channels[i].name, name) == 0)
            return &channels[i];
    return NULL;
}

bool channel_signs_in(const struct cfg_market *m)
{
    return m && strcmp(m->channel, "azure") == 0 && m->azure.sign_in_client_id[0] != '\0';
}

const char *channel_key(const struct cat *cat, const struct cfg_market *m, const char *key,
                        char *out, size_t cap)
{
    int n = m ? snprintf(out, cap, "%s.%s", key, m->channel) : -1;

    return n > 0 && (size_t)n < cap && cat_get(cat, str_of(out)).n > 0 ? out : key;
}

struct str channel_title(const struct cat *cat, const struct cfg_market *m)
{
    char key[KEY];
    struct str s;

    snprintf(key, sizeof(key), "channel.%s", m ? m->channel : "none");
    s = cat_get(cat, str_of(key));
    return s.n ? s : cat_get(cat, STR("channel.none"));
}

struct str channel_way(const struct cat *cat, struct arena *a, const struct cfg_market *m,
                       const char *which)
{
    struct cat_arg args[] = {{"marketplace", channel_title(cat, m)}};
    char base[KEY], key[KEY];

    snprintf(base, sizeof(base), "way.%s", which);
    return cat_fmt(cat, a, channel_key(cat, m, base, key, sizeof(key)), args, 1);
}
