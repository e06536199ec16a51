#include "record.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define RECORD_MAX (2 * SPEC_MAX + 4096)

static const char *const desired_names[] = {"running", "suspended", "deleted"};

const char *record_desired_name(enum keeper_desired d)
{
    return desired_names[d];
}

static void put_spec(struct jsonw *w, const char *key, const struct spec *s)
{
    if (s == NULL)
        return;
    jsonw_key(w, key);
    jsonw_raw(w, s->json);
}

int record_write(const struct keeper *k)
{
    struct buf b;
    struct jsonw w;
    int rc;

    buf_init(&b, RECORD_MAX);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "tenant", str_of(k->o.tenant));
    jsonw_kvs(&w, "desired", str_of(desired_names[k->desired]));
    jsonw_kvi(&w, "fence", (int64_t)k->fence);
    put_spec(&w, "want", k->want);
    put_spec(&w, "good", k->good);
    jsonw_kvs_opt(&w, "failed", str_of(k->failed));
    jsonw_kvs_opt(&w, "archive", str_of(k->archive));
    jsonw_obj_end(&w);
    rc = buf_err(&b);
    if (rc == 0)
        rc = file_write_atomic(k->o.record, buf_view(&b), 0600);
    buf_free(&b);
    return rc;
}

static int read_spec(const cJSON *root, const char *key, struct spec **out)
{
    const cJSON *obj = json_obj(root, key);
    const char *why;

    return obj ? spec_parse(obj, out, &why) : 0;
}

static int take(struct keeper *k, const cJSON *root)
{
    struct str desired = json_str(root, "desired");
    int64_t fence;
    int rc = -EBADMSG;

    for (size_t i = 0; i < sizeof(desired_names) / sizeof(desired_names[0]); i++)
        if (str_is(desired, desired_names[i])) {
            k->desired = (enum keeper_desired)i;
            rc = 0;
        }
    if (rc || !str_is(json_str(root, "tenant"), k->o.tenant) || json_int(root, "fence", &fence) ||
        fence < 0)
        return -EBADMSG;
    k->fence = (uint64_t)fence;
    rc = read_spec(root, "want", &k->want);
    if (rc == 0)
        rc = read_spec(root, "good", &k->good);
    if (rc == 0)
        rc = str_copy(json_str(root, "failed"), k->failed, sizeof(k->failed));
    if (rc == 0)
        rc = str_copy(json_str(root, "archive"), k->archive, sizeof(k->archive));
    /* The name is joined to a path: ours never has a slash. */
    return rc == 0 && strchr(k->archive, '/') ? -EBADMSG : rc;
}

int record_read(struct keeper *k)
{
    struct buf b;
    cJSON *root = NULL;
    int rc;

    buf_init(&b, RECORD_MAX);
    rc = file_read(k->o.record, &b);
    if (rc == 0)
        rc = json_parse(buf_view(&b), RECORD_MAX, &root);
    if (rc == 0)
        rc = take(k, root);
    cJSON_Delete(root);
    buf_free(&b);
    return rc;
}
