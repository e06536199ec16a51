#include "sandbox/sb_id.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"

static void fill(const char *letters, const char *prefix, size_t n, char *out, size_t cap)
{
    size_t pre = strlen(prefix), count = strlen(letters);

    assert(pre + n < cap);
    memcpy(out, prefix, pre);
    for (size_t i = 0; i < n; i++)
        out[pre + i] = letters[rand_below(count)];
    out[pre + n] = '\0';
}

void sb_id_uuid(char out[SB_ID_UUID])
{
    uint8_t b[16];

    rand_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, SB_ID_UUID,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

void sb_id_alnum(const char *prefix, size_t n, char *out, size_t cap)
{
    fill("abcdefghijklmnopqrstuvwxyz0123456789", prefix, n, out, cap);
}

void sb_id_hex(const char *prefix, size_t n, char *out, size_t cap)
{
    fill("0123456789abcdef", prefix, n, out, cap);
}

void sb_id_digits(const char *prefix, size_t n, char *out, size_t cap)
{
    fill("0123456789", prefix, n, out, cap);
}
