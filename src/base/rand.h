/* rand: unpredictable bytes from the kernel (getrandom through libsodium); never fails. */
#ifndef LM_RAND_H
#define LM_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *p, size_t n);
uint64_t rand_below(uint64_t limit); /* uniform in [0, limit); limit > 0 */
/* Full jitter: uniform in [0, min(cap, base * 2^n)] milliseconds. */
uint64_t rand_backoff_ms(unsigned n, uint64_t base_ms, uint64_t cap_ms);
void rand_hex(char *out, size_t bytes); /* 2*bytes + NUL */

#endif
