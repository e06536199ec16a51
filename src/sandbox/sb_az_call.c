#include "sandbox/sb_az_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_aws.h"
#include "sandbox/sb_fault.h"

static void restart(struct sb_az_call *c, unsigned status)
{
    buf_reset(&c->resp->body);
    jsonw_init(&c->w, &c->resp->body);
    c->resp->status = status;
    c->resp->ctype = "application/json; charset=utf-8";
}

static void write_flat(struct jsonw *w, const char *code, struct str message)
{
    jsonw_obj(w);
    jsonw_kvs(w, "code", str_of(code));
    jsonw_kvs(w, "message", message);
    jsonw_kvs(w, "target", STR("request"));
    jsonw_key(w, "details");
    jsonw_arr(w);
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}

static void write_nested(struct jsonw *w, bool upper, const char *code, struct str message)
{
    jsonw_obj(w);
    jsonw_key(w, upper ? "Error" : "error");
    jsonw_obj(w);
    jsonw_kvs(w, upper ? "Code" : "code", str_of(code));
    jsonw_kvs(w, upper ? "Message" : "message", message);
    jsonw_obj_end(w);
    jsonw_obj_end(w);
}

void sb_az_fail(struct sb_az_call *c, unsigned status, enum sb_az_shape shape, const char *code,
                const char *fmt, ...)
{
    char message[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    restart(c, status);
    if (shape == SB_AZ_E_FLAT)
        write_flat(&c->w, code, str_of(message));
    else if (shape == SB_AZ_E_TEXT)
        jsonw_str(&c->w, str_of(message));
    else
        write_nested(&c->w, shape == SB_AZ_E_UPPER, code, str_of(message));
    snprintf(c->detail, sizeof(c->detail), "%s", code);
}

void sb_az_refuse(struct sb_az_call *c, unsigned status, const char *error, unsigned code,
                  const char *text)
{
    char trace[SB_ID_UUID], corr[SB_ID_UUID], iso[CLOCK_ISO], all[512];

    sb_id_uuid(trace);
    sb_id_uuid(corr);
    clock_iso(sb_core_now(c->s), iso);
    snprintf(all, sizeof(all),
             "AADSTS%u: %s Trace ID: %s Correlation ID: %s Timestamp: %.10s %.8sZ", code, text,
             trace, corr, iso, iso + 11);
    restart(c, status);
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "error", str_of(error));
    jsonw_kvs(&c->w, "error_description", str_of(all));
    jsonw_key(&c->w, "error_codes");
    jsonw_arr(&c->w);
    jsonw_int(&c->w, code);
    jsonw_arr_end(&c->w);
    snprintf(all, sizeof(all), "%.10s %.8sZ", iso, iso + 11);
    jsonw_kvs(&c->w, "timestamp", str_of(all));
    jsonw_kvs(&c->w, "trace_id", str_of(trace));
    jsonw_kvs(&c->w, "correlation_id", str_of(corr));
    jsonw_obj_end(&c->w);
    snprintf(c->detail, sizeof(c->detail), "AADSTS%u", code);
}

/* Faults that strike before anything happens. True: the call is over. */
static bool fault_before(struct sb_az_call *c, bool entra, enum sb_fault_kind kind, uint64_t ms)
{
    switch (kind) {
    case SB_FAULT_THROTTLE:
        if (entra)
            sb_az_refuse(c, 429, "temporarily_unavailable", 90055, "There are too many requests.");
        else
            sb_az_fail(c, 429, SB_AZ_E_INNER, "TooManyRequests", "Rate limit is exceeded.");
        sb_resp_header(c->resp, "Retry-After", "1");
        return true;
    case SB_FAULT_5XX:
        if (entra)
            sb_az_refuse(c, 503, "temporarily_unavailable", 90033, "A transient error occurred.");
        else
            sb_az_fail(c, 500, SB_AZ_E_INNER, "UnexpectedError", "An unexpected error occurred.");
        return true;
    case SB_FAULT_DENIED:
        if (entra)
            sb_az_refuse(c, 401, "invalid_client", 7000215, "Invalid client secret provided.");
        else
            sb_az_fail(c, 403, SB_AZ_E_TEXT, "Forbidden", "The authorization token is invalid.");
        return true;
    case SB_FAULT_EXPIRED_CREDENTIALS:
        if (entra)
            sb_az_refuse(c, 401, "invalid_client", 7000222,
                         "The provided client secret keys for the app are expired.");
        else
            sb_az_fail(c, 401, SB_AZ_E_INNER, "Unauthorized", "The token is expired.");
        return true;
    case SB_FAULT_TIMEOUT_BEFORE:
        c->resp->status = 504;
        sb_core_hold(c->s, ms);
        c->resp->wire = SB_WIRE_DROP;
        return true;
    default:
        return false;
    }
}

void sb_az_run(struct sb_az_call *c, const char *op, sb_az_fn fn)
{
    uint64_t ms = 0;
    enum sb_fault_kind kind = sb_fault_call(c->s, op, &ms);
    char id[SB_AZ_GUID] = "", result[16];

    restart(c, 200);
    if (!fault_before(c, !strncmp(op, "Entra", 5), kind, ms))
        fn(c);
    if (c->sub)
        snprintf(id, sizeof(id), "%s", c->sub->id);
    sb_aws_count(c->s, op, c->resp->status < 400);
    snprintf(result, sizeof(result), "%u", c->resp->status);
    sb_ledger_add(&c->s->ledger, sb_core_now(c->s), op, id, c->resp->status < 400 ? "ok" : result,
                  kind != SB_FAULT_NONE ? sb_fault_name(kind) : c->detail);
    sb_fault_spoil(c->s, c->resp, kind, ms);
}
