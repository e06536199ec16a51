/* The JSON gate: what it accepts, cJSON and the writer must agree on. */
#include <stdlib.h>

#include "base/json.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    cJSON *j, *again;
    char *printed;

    if (json_parse(text, 65536, &j))
        return 0;
    printed = cJSON_PrintUnformatted(j);
    /* Printing may only fail for memory; what was accepted once is accepted again. */
    if (printed && json_parse(str_of(printed), SIZE_MAX, &again) == 0)
        cJSON_Delete(again);
    else
        abort();
    free(printed);
    cJSON_Delete(j);
    return 0;
}
