/* What the sources share: one HTTP call, the JSON of credential endpoints, token files. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "market/aws_creds_int.h"

void creds_found_json(struct aws_creds *c, struct str text)
{
    int64_t expires = 0;
    struct str when;
    cJSON *j;

    if (json_parse(text, CREDS_REPLY_MAX, &j)) {
        creds_failed(c, -EAGAIN, "the credential endpoint's answer is not JSON");
        return;
    }
    when = json_str(j, "Expiration");
    if (when.n && clock_parse_iso(when, &expires))
        creds_failed(c, -EAGAIN, "the credential endpoint's Expiration is not a time");
    else
        creds_found(c, json_str(j, "AccessKeyId"), json_str(j, "SecretAccessKey"),
                    json_str(j, "Token"), expires);
    for (const cJSON *v = j->child; v; v = v->next)
        if (cJSON_IsString(v))
            sodium_memzero(v->valuestring, strlen(v->valuestring));
    cJSON_Delete(j);
}

static void on_reply(void *arg, const struct http_reply *r)
{
    struct aws_creds *c = arg;

    c->call = NULL;
    if (!c->closing)
        c->next(c, r);
}

void creds_http(struct aws_creds *c, const struct http_request *rq, http_cb *next)
{
    c->next = next;
    c->call = http_start(c->cfg.http, rq, on_reply, c);
    if (!c->call)
        creds_failed(c, -EAGAIN, "no memory");
}

const char *creds_token_file(struct aws_creds *c, const char *path)
{
    const char *out = NULL;
    struct buf b;

    buf_init(&b, CREDS_FILE_MAX);
    if (file_read(path, &b) == 0)
        out = arena_dup(c->fetch, str_trim(buf_view(&b)));
    if (b.p)
        sodium_memzero(b.p, b.cap);
    buf_free(&b);
    if (!out || !*out) {
        creds_failed(c, -EACCES, "the token file cannot be read or is empty");
        return NULL;
    }
    return out;
}
