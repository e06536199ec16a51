#include <errno.h>

#include "deploy/exec_int.h"

#define PART_MAX 262144u

/* JSON text that must be an object; "" is none. */
static int put_object(struct jsonw *w, const char *key, const char *text)
{
    cJSON *o = NULL;
    char *plain;
    int rc = 0;

    if (text[0] == '\0')
        return 0;
    if (json_parse(str_of(text), PART_MAX, &o) || !cJSON_IsObject(o))
        rc = -EINVAL;
    plain = rc ? NULL : cJSON_PrintUnformatted(o);
    if (rc == 0 && plain == NULL)
        rc = -ENOMEM;
    if (rc == 0) {
        jsonw_key(w, key);
        jsonw_raw(w, str_of(plain));
    }
    cJSON_free(plain);
    cJSON_Delete(o);
    return rc;
}

static void put_template(struct jsonw *w, const struct cfg_template *t)
{
    jsonw_kvs(w, "template", str_of(t->name));
    jsonw_key(w, "template_parameters");
    jsonw_obj(w);
    for (size_t i = 0; i < t->nparameters; i++)
        jsonw_kvs(w, t->parameters[i].key, str_of(t->parameters[i].value));
    jsonw_obj_end(w);
    jsonw_key(w, "template_limits");
    jsonw_obj(w);
    jsonw_kvi(w, "memory", (int64_t)t->limits.memory);
    jsonw_kvi(w, "cpu_pct", t->limits.cpu_pct);
    jsonw_kvi(w, "pids", t->limits.pids);
    jsonw_kvi(w, "disk", (int64_t)t->limits.disk);
    jsonw_obj_end(w);
}

int exec_request(const struct engine_call *call, const struct cfg_template *t, const char *endpoint,
                 struct buf *out)
{
    struct jsonw w;
    int rc;

    jsonw_init(&w, out);
    jsonw_obj(&w);
    jsonw_kvi(&w, "version", 1);
    jsonw_kvs(&w, "verb", str_of(engine_verb_name(call->verb)));
    jsonw_kvs(&w, "tenant", str_of(call->tenant));
    jsonw_kvs(&w, "order", str_of(call->order));
    jsonw_kvs(&w, "channel", str_of(call->channel));
    jsonw_kvs(&w, "plan", str_of(call->plan));
    jsonw_kvs(&w, "region", str_of(call->region));
    jsonw_kvi(&w, "generation", (int64_t)call->generation);
    jsonw_kvs(&w, "spec_sha256", str_of(call->spec_sha256));
    jsonw_kvs(&w, "op_id", str_of(call->op_id));
    jsonw_kvi(&w, "fence", (int64_t)call->fence);
    jsonw_kvi(&w, "deadline_ms", (int64_t)call->deadline_ms);
    jsonw_kvi(&w, "slot", call->slot);
    jsonw_kvs(&w, "external_id", str_of(call->external_id));
    jsonw_kvs_opt(&w, "endpoint", str_of(endpoint));
    put_template(&w, t);
    rc = put_object(&w, "spec", call->spec);
    if (rc == 0)
        rc = put_object(&w, "outputs", call->outputs);
    jsonw_obj_end(&w);
    buf_ch(out, '\n');
    return rc ? rc : buf_err(out);
}
