#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "sandbox/sb_event.h"
#include "sandbox/sb_ops.h"

#define QUEUE_PATH  "/000000000000/lastmile-events"
#define RECEIVE_MAX 10
#define WAIT_MAX    20
#define HIDE_MAX    43200
#define HIDE_DFLT   30

static int no_queue(struct sb_call *c)
{
    if (c->proto == SB_PROTO_QUERY)
        return sb_call_fail(c, "AWS.SimpleQueueService.NonExistentQueue",
                            "The specified queue does not exist.");
    sb_resp_header(c->resp, "x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender");
    return sb_call_fail(c, "QueueDoesNotExist", "The specified queue does not exist.");
}

/* JSON names the queue in the body; the query protocol may name it by the request path. */
static int right_queue(struct sb_call *c)
{
    struct str url = json_str(c->in, "QueueUrl");

    if (url.n == 0 && c->proto == SB_PROTO_QUERY)
        url = c->req->path;
    return str_ends(url, STR(QUEUE_PATH)) ? 0 : no_queue(c);
}

static void kv(struct sb_call *c, const char *key, const char *value)
{
    if (c->proto == SB_PROTO_QUERY)
        sb_call_xml(&c->out, key, str_of(value));
    else
        jsonw_kvs(&c->w, key, str_of(value));
}

static void attribute(struct sb_call *c, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    if (c->proto == SB_PROTO_QUERY) {
        buf_cat(&c->out, "<Attribute>");
        kv(c, "Name", name);
        kv(c, "Value", text);
        buf_cat(&c->out, "</Attribute>");
    } else {
        jsonw_kvs(&c->w, name, str_of(text));
    }
}

static void open_list(struct sb_call *c, const char *json_key)
{
    if (c->proto == SB_PROTO_QUERY)
        return;
    jsonw_obj(&c->w);
    jsonw_key(&c->w, json_key);
}

/* System attributes that were asked for, by either name of the parameter. */
static bool asked(const struct sb_call *c, const char *name)
{
    const char *const keys[] = {"MessageSystemAttributeNames", "AttributeNames"};
    const cJSON *item;

    if (c->proto == SB_PROTO_QUERY) {
        cJSON_ArrayForEach(item, c->in)
        {
            if (str_starts(str_of(item->string), STR("AttributeName")) ||
                str_starts(str_of(item->string), STR("MessageSystemAttributeName")))
                if (str_is(str_of(item->valuestring), name) ||
                    str_is(str_of(item->valuestring), "All"))
                    return true;
        }
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        cJSON_ArrayForEach(item, json_arr(c->in, keys[i]))
        {
            struct str v = str_of(cJSON_GetStringValue(item));
            if (str_is(v, name) || str_is(v, "All"))
                return true;
        }
    }
    return false;
}

static void write_message(struct sb_call *c, const struct sb_queue_msg *m)
{
    bool xml = c->proto == SB_PROTO_QUERY;
    const struct {
        const char *name;
        int64_t value;
    } attrs[] = {{"ApproximateReceiveCount", m->receives},
                 {"SentTimestamp", m->sent_ms},
                 {"ApproximateFirstReceiveTimestamp", m->first_received_ms}};
    bool opened = false;

    if (xml)
        buf_cat(&c->out, "<Message>");
    else
        jsonw_obj(&c->w);
    kv(c, "MessageId", m->id);
    kv(c, "ReceiptHandle", m->receipt);
    kv(c, "MD5OfBody", m->md5);
    kv(c, "Body", m->body.p);
    for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
        if (!asked(c, attrs[i].name))
            continue;
        if (!opened && !xml) {
            jsonw_key(&c->w, "Attributes");
            jsonw_obj(&c->w);
        }
        opened = true;
        attribute(c, attrs[i].name, attrs[i].value);
    }
    if (opened && !xml)
        jsonw_obj_end(&c->w);
    if (xml)
        buf_cat(&c->out, "</Message>");
    else
        jsonw_obj_end(&c->w);
}

struct receive {
    int64_t max, wait, hide;
};

static int read_receive(struct sb_call *c, struct receive *r)
{
    if (sb_call_int(c, "MaxNumberOfMessages", 1, &r->max) || r->max < 1 || r->max > RECEIVE_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "MaxNumberOfMessages is 1 to 10");
    if (sb_call_int(c, "WaitTimeSeconds", 0, &r->wait) || r->wait < 0 || r->wait > WAIT_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "WaitTimeSeconds is 0 to 20");
    if (sb_call_int(c, "VisibilityTimeout", HIDE_DFLT, &r->hide) || r->hide < 0 ||
        r->hide > HIDE_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "VisibilityTimeout is 0 to 43200");
    return 0;
}

/* Long poll: until something can be received or the time is over. */
static struct sb_queue_msg *first_message(struct sb *s, const struct receive *r)
{
    uint64_t end = clock_mono_ms() + (uint64_t)r->wait * 1000;

    for (;;) {
        uint64_t mono = clock_mono_ms();
        struct sb_queue_msg *m = sb_queue_take(&s->queue, sb_core_now(s), mono, (uint32_t)r->hide);
        if (m || mono >= end || s->stopping)
            return m;
        int64_t next = sb_queue_next_ms(&s->queue, sb_core_now(s), mono);
        uint64_t until = next >= 0 && mono + (uint64_t)next < end ? mono + (uint64_t)next : end;
        sb_core_wait(s, until > mono ? until : mono + 1);
        sb_purchase_tick(s);
    }
}

int sb_sqs_receive(struct sb_call *c)
{
    struct receive r;
    int64_t n = 0;

    if (right_queue(c) || read_receive(c, &r))
        return -1;
    struct sb_queue_msg *m = first_message(c->s, &r);
    if (m)
        open_list(c, "Messages");
    else if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    if (m && c->proto != SB_PROTO_QUERY)
        jsonw_arr(&c->w);
    for (; m; n++) {
        write_message(c, m);
        sb_call_about(c, m->purchase);
        snprintf(c->detail, sizeof(c->detail), "%s", m->label);
        m = n + 1 < r.max
                ? sb_queue_take(&c->s->queue, sb_core_now(c->s), clock_mono_ms(), (uint32_t)r.hide)
                : NULL;
    }
    if (n > 0 && c->proto != SB_PROTO_QUERY)
        jsonw_arr_end(&c->w);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj_end(&c->w);
    return 0;
}

static void empty_result(struct sb_call *c)
{
    if (c->proto != SB_PROTO_QUERY)
        buf_cat(&c->out, "{}");
}

int sb_sqs_delete(struct sb_call *c)
{
    if (right_queue(c))
        return -1;
    if (sb_queue_delete(&c->s->queue, json_str(c->in, "ReceiptHandle"), c->purchase))
        return sb_call_fail(c, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
    c->s->dirty = true;
    empty_result(c);
    return 0;
}

int sb_sqs_delete_batch(struct sb_call *c)
{
    const cJSON *item, *list = json_arr(c->in, "Entries");
    char purchase[16];

    if (right_queue(c))
        return -1;
    if (!list || cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > 10)
        return sb_call_fail(c, "EmptyBatchRequest", "one to ten entries");
    open_list(c, "Successful");
    jsonw_arr(&c->w);
    cJSON_ArrayForEach(item, list)
    {
        if (sb_queue_delete(&c->s->queue, json_str(item, "ReceiptHandle"), purchase))
            return sb_call_fail(c, "ReceiptHandleIsInvalid", "a receipt handle is invalid");
        jsonw_obj(&c->w);
        jsonw_kvs(&c->w, "Id", json_str(item, "Id"));
        jsonw_obj_end(&c->w);
    }
    jsonw_arr_end(&c->w);
    jsonw_key(&c->w, "Failed");
    jsonw_arr(&c->w);
    jsonw_arr_end(&c->w);
    jsonw_obj_end(&c->w);
    c->s->dirty = true;
    return 0;
}

int sb_sqs_visibility(struct sb_call *c)
{
    int64_t seconds;

    if (right_queue(c))
        return -1;
    if (sb_call_int(c, "VisibilityTimeout", -1, &seconds) || seconds < 0 || seconds > HIDE_MAX)
        return sb_call_fail(c, "InvalidParameterValue", "VisibilityTimeout is 0 to 43200");
    int rc = sb_queue_visibility(&c->s->queue, json_str(c->in, "ReceiptHandle"), clock_mono_ms(),
                                 (uint32_t)seconds);
    if (rc == -EINVAL)
        return sb_call_fail(c, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
    if (rc)
        return sb_call_fail(c, "MessageNotInflight", "The message is not in flight.");
    sb_core_announce(c->s);
    empty_result(c);
    return 0;
}

int sb_sqs_url(struct sb_call *c)
{
    char url[128];

    if (!str_is(json_str(c->in, "QueueName"), "lastmile-events"))
        return no_queue(c);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u" QUEUE_PATH, c->s->port);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    kv(c, "QueueUrl", url);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj_end(&c->w);
    return 0;
}

int sb_sqs_send(struct sb_call *c)
{
    struct str body = json_str(c->in, "MessageBody");
    int64_t now = sb_core_now(c->s), delay;

    if (right_queue(c))
        return -1;
    if (body.n == 0 || sb_call_int(c, "DelaySeconds", 0, &delay) || delay < 0 || delay > 900)
        return sb_call_fail(c, "InvalidParameterValue", "MessageBody or DelaySeconds");
    const struct sb_queue_put put = {body, "", "SendMessage", now, now + delay * 1000};
    const struct sb_queue_msg *m = sb_queue_put(&c->s->queue, &put);
    if (!m)
        return sb_call_fail(c, "OverLimit", "the queue is full or the message too long");
    c->s->dirty = true;
    sb_core_announce(c->s);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    kv(c, "MessageId", m->id);
    kv(c, "MD5OfMessageBody", m->md5);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj_end(&c->w);
    return 0;
}

int sb_sqs_attributes(struct sb_call *c)
{
    size_t visible, in_flight, delayed;

    if (right_queue(c))
        return -1;
    sb_queue_count(&c->s->queue, sb_core_now(c->s), clock_mono_ms(), &visible, &in_flight,
                   &delayed);
    open_list(c, "Attributes");
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    attribute(c, "ApproximateNumberOfMessages", (int64_t)visible);
    attribute(c, "ApproximateNumberOfMessagesNotVisible", (int64_t)in_flight);
    attribute(c, "ApproximateNumberOfMessagesDelayed", (int64_t)delayed);
    attribute(c, "VisibilityTimeout", HIDE_DFLT);
    if (c->proto != SB_PROTO_QUERY) {
        jsonw_obj_end(&c->w);
        jsonw_obj_end(&c->w);
    }
    return 0;
}
