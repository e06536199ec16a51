#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "sandbox/sb_event.h"
#include "sandbox/sb_ops.h"
#include "sandbox/sb_sqsio.h"

static void empty_result(struct sb_call *c)
{
    if (c->proto != SB_PROTO_QUERY)
        buf_cat(&c->out, "{}");
}

int sb_sqs_delete(struct sb_call *c)
{
    if (sb_sqsio_queue(c))
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

    if (sb_sqsio_queue(c))
        return -1;
    if (!list || cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > 10)
        return sb_call_fail(c, "EmptyBatchRequest", "one to ten entries");
    sb_sqsio_open(c, "Successful");
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

    if (sb_sqsio_queue(c))
        return -1;
    if (sb_call_int(c, "VisibilityTimeout", -1, &seconds) || seconds < 0 ||
        seconds > SB_SQSIO_HIDE_MAX)
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
        return sb_sqsio_absent(c);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u" SB_SQSIO_PATH, c->s->port);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    sb_sqsio_kv(c, "QueueUrl", url);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj_end(&c->w);
    return 0;
}

int sb_sqs_send(struct sb_call *c)
{
    struct str body = json_str(c->in, "MessageBody");
    int64_t now = sb_core_now(c->s), delay;

    if (sb_sqsio_queue(c))
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
    sb_sqsio_kv(c, "MessageId", m->id);
    sb_sqsio_kv(c, "MD5OfMessageBody", m->md5);
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj_end(&c->w);
    return 0;
}

int sb_sqs_attributes(struct sb_call *c)
{
    size_t visible, in_flight, delayed;

    if (sb_sqsio_queue(c))
        return -1;
    sb_queue_count(&c->s->queue, sb_core_now(c->s), clock_mono_ms(), &visible, &in_flight,
                   &delayed);
    sb_sqsio_open(c, "Attributes");
    if (c->proto != SB_PROTO_QUERY)
        jsonw_obj(&c->w);
    sb_sqsio_number(c, "ApproximateNumberOfMessages", (int64_t)visible);
    sb_sqsio_number(c, "ApproximateNumberOfMessagesNotVisible", (int64_t)in_flight);
    sb_sqsio_number(c, "ApproximateNumberOfMessagesDelayed", (int64_t)delayed);
    sb_sqsio_number(c, "VisibilityTimeout", SB_SQSIO_HIDE);
    if (c->proto != SB_PROTO_QUERY) {
        jsonw_obj_end(&c->w);
        jsonw_obj_end(&c->w);
    }
    return 0;
}
