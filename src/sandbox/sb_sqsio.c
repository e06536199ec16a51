#include "sandbox/sb_sqsio.h"

#include <stdio.h>

int sb_sqsio_absent(struct sb_call *c)
{
    if (c->proto == SB_PROTO_QUERY)
        return sb_call_fail(c, "AWS.SimpleQueueService.NonExistentQueue",
                            "The specified queue does not exist.");
    sb_resp_header(c->resp, "x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender");
    return sb_call_fail(c, "QueueDoesNotExist", "The specified queue does not exist.");
}

int sb_sqsio_queue(struct sb_call *c)
{
    struct str url = json_str(c->in, "QueueUrl");

    if (url.n == 0 && c->proto == SB_PROTO_QUERY)
        url = c->req->path;
    return str_ends(url, STR(SB_SQSIO_PATH)) ? 0 : sb_sqsio_absent(c);
}

void sb_sqsio_kv(struct sb_call *c, const char *key, const char *value)
{
    if (c->proto == SB_PROTO_QUERY)
        sb_call_xml(&c->out, key, str_of(value));
    else
        jsonw_kvs(&c->w, key, str_of(value));
}

void sb_sqsio_number(struct sb_call *c, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    if (c->proto == SB_PROTO_QUERY) {
        buf_cat(&c->out, "<Attribute>");
        sb_sqsio_kv(c, "Name", name);
        sb_sqsio_kv(c, "Value", text);
        buf_cat(&c->out, "</Attribute>");
    } else {
        jsonw_kvs(&c->w, name, str_of(text));
    }
}

void sb_sqsio_open(struct sb_call *c, const char *json_key)
{
    if (c->proto == SB_PROTO_QUERY)
        return;
    jsonw_obj(&c->w);
    jsonw_key(&c->w, json_key);
}
