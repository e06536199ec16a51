#include "base/rand.h"

#include <sodium.h>

void rand_bytes(void *p, size_t n)
{
    randombytes_buf(p, n);
}

uint64_t rand_below(uint64_t limit)
{
    uint64_t v, bound = UINT64_MAX - UINT64_MAX % limit;

    do
        randombytes_buf(&v, sizeof(v));
    while (v >= bound);
    return v % limit;
}

uint64_t rand_backoff_ms(unsigned n, uint64_t base_ms, uint64_t cap_ms)
{
    uint64_t top = n >= 32 || base_ms > (cap_ms >> n) ? cap_ms : base_ms << n;

    return rand_below(top + 1);
}

void rand_hex(char *out, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes; i++) {
        uint8_t v;

        randombytes_buf(&v, 1);
        out[2 * i] = digits[v >> 4];
        out[2 * i + 1] = digits[v & 15];
    }
    out[2 * bytes] = '\0';
}
