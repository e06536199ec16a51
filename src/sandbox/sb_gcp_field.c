#include "sandbox/sb_gcp_field.h"

#include <errno.h>

void sb_gcp_fields_write(struct jsonw *w, const struct sb_gcp_field *f, const void *from)
{
    for (; f->key; f++) {
        const void *p = (const char *)from + f->off;
        switch (f->kind) {
        case SB_GCP_F_TEXT:
            jsonw_kvs_opt(w, f->key, str_of(p));
            break;
        case SB_GCP_F_INT:
            jsonw_kvi(w, f->key, *(const int64_t *)p);
            break;
        case SB_GCP_F_BOOL:
            jsonw_kvb(w, f->key, *(const bool *)p);
            break;
        case SB_GCP_F_ENUM:
            jsonw_kvs(w, f->key, str_of(f->names[*(const int *)p]));
            break;
        }
    }
}

static int read_enum(const cJSON *item, const struct sb_gcp_field *f, int *to)
{
    struct str v = str_of(cJSON_GetStringValue(item));

    for (int i = 0; f->names[i]; i++) {
        if (str_is(v, f->names[i])) {
            *to = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_one(const cJSON *o, const cJSON *item, const struct sb_gcp_field *f, void *p)
{
    switch (f->kind) {
    case SB_GCP_F_TEXT:
        return cJSON_IsString(item) ? str_copy(str_of(item->valuestring), p, f->size) : -EINVAL;
    case SB_GCP_F_INT:
        return json_int(o, f->key, p);
    case SB_GCP_F_BOOL:
        *(bool *)p = cJSON_IsTrue(item);
        return cJSON_IsBool(item) ? 0 : -EINVAL;
    case SB_GCP_F_ENUM:
        return read_enum(item, f, p);
    }
    return -EINVAL;
}

int sb_gcp_fields_read(const cJSON *o, const struct sb_gcp_field *f, void *to, const char **bad)
{
    for (; f->key; f++) {
        const cJSON *item = json_get(o, f->key);
        *bad = f->key;
        if (item && read_one(o, item, f, (char *)to + f->off))
            return -EINVAL;
    }
    *bad = "";
    return 0;
}
