/* Any bytes as a configuration file: either a whole struct config or at least one complaint. */
#include <stdlib.h>

#include "config/config.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf errors;
    struct config *c = NULL;
    buf_init(&errors, 1u << 20);
    int rc = config_parse("fuzz", str_make((const char *)data, size), &c, &errors);
    if ((rc == 0) != (c != NULL) || (rc == 0) != (errors.len == 0))
        abort();
    if (c) {
        buf_reset(&errors);
        config_explain(c, &errors);
        buf_reset(&errors);
        (void)config_check_files(c, 0, &errors);
    }
    config_free(&c);
    buf_free(&errors);
    return 0;
}
