#include "sandbox/sb_json.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

int64_t sb_json_num(const cJSON *o, const char *key)
{
    int64_t v = 0;

    return json_int(o, key, &v) ? 0 : v;
}

bool sb_json_text(const cJSON *o, const char *key, char *dst, size_t cap)
{
    return str_copy(json_str(o, key), dst, cap) == 0;
}

void sb_json_time(struct jsonw *w, const char *key, int64_t ms)
{
    char iso[CLOCK_ISO];

    if (ms == 0)
        return;
    clock_iso(ms, iso);
    jsonw_kvs(w, key, str_of(iso));
}

int sb_json_load(struct sb_vec *v, const cJSON *list, size_t size, sb_json_read read, void *from)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        void *item = calloc(1, size);
        int rc = -ENOMEM;

        if (item)
            rc = read(from, o, item) ? sb_vec_add(v, item) : -EINVAL;
        if (rc) {
            free(item);
            return rc;
        }
    }
    return 0;
}
