/* An SNS envelope from a stranger: parsed, put into the text to sign, verified, never believed. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "net/sns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct arena *a = arena_new(4096, 1 << 20);
    struct sns_trust *t = NULL;
    struct sns_message m;
    const char *why;
    struct buf b;
    cJSON *j;

    buf_init(&b, 1 << 20);
    if (a && sns_trust_open("", &t) == 0 && json_parse(text, 65536, &j) == 0) {
        if (sns_parse(j, a, &m) == 0) {
            (void)sns_string_to_sign(&m, &b);
            (void)sns_subscribe_url_ok(m.subscribe_url, m.topic);
            /* There is no certificate, so no message can be genuine. */
            if (sns_verify(t, &m, &why) == 0)
                abort();
        }
        cJSON_Delete(j);
    }
    if (t && sns_trust_add(t, "https://x/", text) == 0 && sns_trust_add(t, "https://x/", text))
        abort();
    sns_trust_close(&t);
    buf_free(&b);
    arena_free(&a);
    return 0;
}
