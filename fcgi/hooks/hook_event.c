#include "hooks/hook_event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "hooks/hooks.h"

static void set_type(struct str word, char out[HOOK_TYPE])
{
    if (!str_text(word) || str_copy(word, out, HOOK_TYPE))
        out[0] = '\0';
}

static int by_hash(struct str body, char text[EVENT_TEXT])
{
    char hex[HASH_HEX];

    hash_sha256_hex(body, hex);
    snprintf(text, EVENT_TEXT, "body\n%s", hex);
    return 0;
}

static int name_azure(const cJSON *doc, struct str body, char text[EVENT_TEXT], char *type)
{
    set_type(json_str(doc, "action"), type);
    return event_text_azure(doc, text) == 0 ? 0 : by_hash(body, text);
}

/* message.data: base64 of the notification. NULL: not one that can be read. */
static cJSON *notification(const cJSON *message)
{
    struct str data = json_str(message, "data");
    char *text = data.n ? malloc(data.n) : NULL;
    ssize_t n = text ? enc_b64_dec(data, text, data.n) : -1;
    cJSON *v = NULL;

    if (n > 0 && json_parse(str_make(text, (size_t)n), HOOK_BODY, &v) != 0)
        v = NULL;
    free(text);
    return v;
}

/* Publisher's duplicates have another messageId (gcp.md 3), so it names only what nothing else
 * does. */
static int name_gcp(const cJSON *doc, struct str body, char text[EVENT_TEXT], char *type)
{
    const cJSON *message = json_obj(doc, "message");
    cJSON *v = message ? notification(message) : NULL;
    struct str camel = json_str(message, "messageId");
    struct str id = camel.n ? camel : json_str(message, "message_id");
    int rc = 0;

    if (!message)
        return -EBADMSG;
    set_type(json_str(v, "eventType"), type);
    if (event_text_gcp(v, text) != 0) {
        if (id.n == 0 || !str_text(id) || str_copy(id, text, EVENT_TEXT))
            rc = by_hash(body, text);
    }
    cJSON_Delete(v);
    return rc;
}

int hook_event_read(const struct cfg_market *m, struct str body, unsigned shards,
                    struct hook_event *out)
{
    char text[EVENT_TEXT];
    cJSON *doc;
    int rc = json_parse(body, HOOK_BODY, &doc);

    out->type[0] = '\0';
    if (rc)
        return rc == -ENOMEM ? rc : -EBADMSG;
    if (!cJSON_IsObject(doc))
        rc = -EBADMSG;
    else if (strcmp(m->channel, "azure") == 0)
        rc = name_azure(doc, body, text, out->type);
    else
        rc = name_gcp(doc, body, text, out->type);
    cJSON_Delete(doc);
    if (rc == 0)
        event_key(str_of(m->channel), str_of(text), shards, &out->key);
    return rc;
}
