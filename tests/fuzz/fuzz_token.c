/* Secret ids, capabilities and sealed tokens: parsers of what strangers send. */
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/id.h"
#include "base/seal.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_make((const char *)data, size), part;
    char again[ID_SECRET];
    struct seal_key key;
    struct buf out;
    unsigned shard;

    if (crypto_init())
        return 0;
    if (id_secret_parse(s, 16, &shard, &part) == 0) {
        id_secret_move(part, shard, again);
        if (!str_is(s, again))
            abort(); /* one text per secret */
    }
    if (id_shard(s, 16, &shard) == 0 && shard >= 16)
        abort();
    memset(&key, 7, sizeof(key));
    buf_init(&out, 65536);
    if (seal_open(&key, s, &out) == 0)
        abort(); /* nobody sealed anything for this key */
    buf_reset(&out);
    enc_form_dec(&out, s);
    buf_free(&out);
    return 0;
}
