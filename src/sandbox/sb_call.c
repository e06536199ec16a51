#include "sandbox/sb_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "sandbox/sb_cbor.h"
#include "sandbox/sb_id.h"

/* Codes that are not plain 400. */
static const struct {
    const char *code;
    unsigned status;
} statuses[] = {
    {"InternalServiceErrorException", 500},
    {"InternalServerException", 500},
    {"InternalFailure", 500},
    {"AccessDeniedException", 403},
    {"AccessDenied", 403},
    {"InvalidSignatureException", 403},
    {"SignatureDoesNotMatch", 403},
    {"UnrecognizedClientException", 403},
    {"InvalidClientTokenId", 403},
    {"MissingAuthenticationTokenException", 403},
    {"MissingAuthenticationToken", 403},
    {"ExpiredToken", 403},
    {"RequestEntityTooLargeException", 413},
};

int sb_call_fail(struct sb_call *c, const char *code, const char *fmt, ...)
{
    va_list ap;

    c->code = code;
    va_start(ap, fmt);
    vsnprintf(c->message, sizeof(c->message), fmt, ap);
    va_end(ap);
    return -1;
}

int sb_call_int(const struct sb_call *c, const char *key, int64_t dflt, int64_t *out)
{
    int rc;

    if (c->proto == SB_PROTO_QUERY) {
        struct str v = json_str(c->in, key);
        *out = dflt;
        return v.n == 0 ? 0 : str_i64(v, out);
    }
    rc = json_int(c->in, key, out);
    if (rc == -ENOENT) {
        *out = dflt;
        return 0;
    }
    return rc;
}

void sb_call_about(struct sb_call *c, const char *purchase)
{
    snprintf(c->purchase, sizeof(c->purchase), "%s", purchase);
}

void sb_call_epoch(struct jsonw *w, const char *key, int64_t ms)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
    jsonw_key(w, key);
    jsonw_raw(w, str_of(text));
}

static void escape_xml(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '<':
            buf_cat(b, "&lt;");
            break;
        case '>':
            buf_cat(b, "&gt;");
            break;
        case '&':
            buf_cat(b, "&amp;");
            break;
        case '"':
            buf_cat(b, "&quot;");
            break;
        default:
            buf_ch(b, text.p[i]);
        }
    }
}

void sb_call_xml(struct buf *b, const char *name, struct str text)
{
    buf_fmt(b, "<%s>", name);
    escape_xml(b, text);
    buf_fmt(b, "</%s>", name);
}

static int add_field(cJSON *o, struct str key, struct str value)
{
    struct buf k, v;
    int rc;

    buf_init(&k, 1024);
    buf_init(&v, SB_BODY_MAX);
    rc = enc_form_dec(&k, key);
    if (rc == 0)
        rc = enc_form_dec(&v, value);
    if (rc == 0 && (buf_err(&k) || buf_err(&v) || !str_utf8(buf_view(&v))))
        rc = -EINVAL;
    if (rc == 0 && !cJSON_HasObjectItem(o, buf_cstr(&k)) &&
        !cJSON_AddStringToObject(o, buf_cstr(&k), buf_cstr(&v)))
        rc = -ENOMEM;
    buf_free(&k);
    buf_free(&v);
    return rc;
}

int sb_call_form(struct str form, cJSON **out)
{
    cJSON *o = cJSON_CreateObject();
    struct str rest = form;
    int rc = o ? 0 : -ENOMEM;

    for (size_t n = 0; rc == 0 && rest.n > 0; n++) {
        struct str value, pair = str_cut(rest, '&', &rest);
        struct str key = str_cut(pair, '=', &value);
        rc = n < 200 ? add_field(o, key, value) : -EINVAL;
    }
    if (rc) {
        cJSON_Delete(o);
        o = NULL;
    }
    *out = o;
    return rc;
}

static unsigned status_of(const char *code)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (!strcmp(statuses[i].code, code))
            return statuses[i].status;
    }
    return 400;
}

static void answer_json_error(struct sb_call *c, struct buf *b)
{
    const char *space = c->op ? c->op->errors : "";
    char header[300], type[300];
    struct jsonw w;

    snprintf(type, sizeof(type), "%s%s%s", space, *space ? "#" : "", c->code);
    snprintf(header, sizeof(header), "%s:http://internal.amazon.com/coral/sandbox/", c->code);
    sb_resp_header(c->resp, "X-Amzn-ErrorType", header);
    jsonw_init(&w, b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "__type", str_of(type));
    jsonw_kvs(&w, "message", str_of(c->message));
    jsonw_obj_end(&w);
}

static void answer_xml(struct sb_call *c, struct buf *b, const char *request_id)
{
    const char *name = c->op ? c->op->name : "";
    const char *xmlns = c->op ? c->op->xmlns : "https://sts.amazonaws.com/doc/2011-06-15/";

    if (c->code) {
        buf_fmt(b, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>", xmlns,
                c->resp->status < 500 ? "Sender" : "Receiver");
        sb_call_xml(b, "Code", str_of(c->code));
        sb_call_xml(b, "Message", str_of(c->message));
        buf_fmt(b, "</Error><RequestId>%s</RequestId></ErrorResponse>", request_id);
        return;
    }
    buf_fmt(b, "<%sResponse xmlns=\"%s\">", name, xmlns);
    if (c->out.len > 0)
        buf_fmt(b, "<%sResult>", name);
    buf_str(b, buf_view(&c->out));
    if (c->out.len > 0)
        buf_fmt(b, "</%sResult>", name);
    buf_fmt(b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
            request_id, name);
}

static const char *const ctypes[] = {
    [SB_PROTO_JSON10] = "application/x-amz-json-1.0",
    [SB_PROTO_JSON11] = "application/x-amz-json-1.1",
    [SB_PROTO_QUERY] = "text/xml",
    [SB_PROTO_CBOR] = "application/cbor",
};

/* Results and errors are written as JSON first; the entitlement service has one time stamp. */
static void to_cbor(struct sb_call *c, struct buf *body)
{
    cJSON *doc = NULL;
    int rc = json_parse(buf_view(body), SB_REPLY_MAX, &doc);

    buf_reset(body);
    if (rc == 0)
        sb_cbor_encode(body, doc, "ExpirationDate");
    cJSON_Delete(doc);
    sb_resp_header(c->resp, "smithy-protocol", "rpc-v2-cbor");
}

void sb_call_answer(struct sb_call *c)
{
    struct buf *body = &c->resp->body;
    char id[SB_ID_UUID];

    if (!c->code && buf_err(&c->out))
        sb_call_fail(c, "InternalFailure", "the answer became too large");
    c->resp->status = c->code ? status_of(c->code) : 200;
    c->resp->ctype = ctypes[c->proto];
    sb_id_uuid(id);
    sb_resp_header(c->resp, "x-amzn-RequestId", id);
    buf_reset(body);
    if (c->proto == SB_PROTO_QUERY)
        answer_xml(c, body, id);
    else if (c->code)
        answer_json_error(c, body);
    else
        buf_str(body, buf_view(&c->out));
    if (c->proto == SB_PROTO_CBOR)
        to_cbor(c, body);
}
