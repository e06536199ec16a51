/* What Google's error codes mean for us: google.rpc.Code names in error.status. A page that is not
 * Google's (a proxy, a wrong address) never says that a purchase is gone. */
#include "market/gcp.h"

static const struct {
    const char *code;
    enum market_class cls;
} codes[] = {
    {"NOT_FOUND", MARKET_GONE},    {"RESOURCE_EXHAUSTED", MARKET_RETRY},
    {"UNAVAILABLE", MARKET_RETRY}, {"INTERNAL", MARKET_RETRY},
    {"UNKNOWN", MARKET_RETRY},     {"DEADLINE_EXCEEDED", MARKET_RETRY},
    {"CANCELLED", MARKET_RETRY},   {"ABORTED", MARKET_RETRY},
    {"DATA_LOSS", MARKET_RETRY},
};

enum market_class gcp_classify(int status, struct str code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (str_is(code, codes[i].code))
            return codes[i].cls;
    /* Any other refusal (PERMISSION_DENIED, UNAUTHENTICATED, FAILED_PRECONDITION, ...) is for a
     * person to mend, nothing to drop. */
    return status >= 500 || status == 429 || status == 408 ? MARKET_RETRY : MARKET_CONFIG;
}

struct str gcp_error_code(const cJSON *body)
{
    struct str code = json_str(json_obj(body, "error"), "status");

    return code.n <= 100 && str_text(code) ? code : str_make(NULL, 0);
}
