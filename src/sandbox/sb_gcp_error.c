#include <string.h>

#include "sandbox/sb_gcp_call.h"

unsigned sb_gcp_http_status(const char *status)
{
    static const struct {
        const char *name;
        unsigned code;
    } map[] = {
        {"INVALID_ARGUMENT", 400},   {"FAILED_PRECONDITION", 400}, {"UNAUTHENTICATED", 401},
        {"PERMISSION_DENIED", 403},  {"NOT_FOUND", 404},           {"ABORTED", 409},
        {"RESOURCE_EXHAUSTED", 429}, {"UNIMPLEMENTED", 501},       {"UNAVAILABLE", 503},
    };

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (!strcmp(map[i].name, status))
            return map[i].code;
    }
    return 500;
}

void sb_gcp_write_error(struct sb_resp *resp, const char *status, const char *message)
{
    struct jsonw w;

    buf_reset(&resp->body);
    resp->status = sb_gcp_http_status(status);
    resp->ctype = "application/json; charset=UTF-8";
    jsonw_init(&w, &resp->body);
    jsonw_obj(&w);
    jsonw_key(&w, "error");
    jsonw_obj(&w);
    jsonw_kvi(&w, "code", resp->status);
    jsonw_kvs(&w, "message", str_of(message));
    jsonw_kvs(&w, "status", str_of(status));
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
}

bool sb_gcp_struck(struct sb *s, struct sb_resp *resp, enum sb_fault_kind kind, uint64_t ms)
{
    static const struct {
        enum sb_fault_kind kind;
        const char *status, *message;
    } map[] = {
        {SB_FAULT_THROTTLE, "RESOURCE_EXHAUSTED", "Quota exceeded"},
        {SB_FAULT_5XX, "UNAVAILABLE", "The service is currently unavailable."},
        {SB_FAULT_DENIED, "PERMISSION_DENIED", "The caller does not have permission"},
        {SB_FAULT_EXPIRED_CREDENTIALS, "UNAUTHENTICATED",
         "Request had invalid authentication credentials."},
    };

    if (kind == SB_FAULT_TIMEOUT_BEFORE) {
        sb_core_hold(s, ms);
        resp->wire = SB_WIRE_DROP;
        return true;
    }
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (map[i].kind == kind) {
            sb_gcp_write_error(resp, map[i].status, map[i].message);
            return true;
        }
    }
    return false;
}
