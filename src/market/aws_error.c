/* What AWS's error codes mean for us. Matched on the code, never on the status alone. */
#include "market/aws.h"

static const struct {
    const char *code;
    enum market_class cls;
} codes[] = {
    {"InvalidTokenException", MARKET_INVALID},
    {"ThrottlingException", MARKET_RETRY},
    {"Throttling", MARKET_RETRY},
    {"ThrottledException", MARKET_RETRY},
    {"RequestThrottled", MARKET_RETRY},
    {"TooManyRequestsException", MARKET_RETRY},
    {"RequestLimitExceeded", MARKET_RETRY},
    {"OverLimit", MARKET_RETRY},
    {"InternalServiceErrorException", MARKET_RETRY},
    {"InternalServerException", MARKET_RETRY},
    {"InternalFailure", MARKET_RETRY},
    {"InternalError", MARKET_RETRY},
    {"ServiceUnavailable", MARKET_RETRY},
    {"ServiceUnavailableException", MARKET_RETRY},
    {"ResourceNotFoundException", MARKET_GONE},
};

enum market_class aws_classify(const struct aws_op *op, int status, struct str code)
{
    if (str_is(code, "ExpiredTokenException") && op->has_token)
        return MARKET_EXPIRED;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (str_is(code, codes[i].code))
            return codes[i].cls;
    /* Any other refusal is permissions, wrong account, wrong product or our own fault: for a
     * person to mend, nothing to drop. */
    return status >= 500 || status == 429 ? MARKET_RETRY : MARKET_CONFIG;
}

struct str aws_error_code(const cJSON *body, struct str header)
{
    struct str code = body ? json_str(body, "__type") : str_make(NULL, 0), rest;
    ptrdiff_t at;

    if (code.n == 0)
        code = header;
    at = str_chr(code, '#');
    if (at >= 0)
        code = str_from(code, (size_t)at + 1);
    code = str_trim(str_cut(code, ':', &rest));
    return code.n <= 100 && str_text(code) ? code : str_make(NULL, 0);
}
