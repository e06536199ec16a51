/* count: a number in a file of the data directory; survives restarts, exact with two writers. */
#ifndef LM_DEMO_COUNT_H
#define LM_DEMO_COUNT_H

#include <stdint.h>

int count_read(uint64_t *out); /* 0 or -errno; a missing file counts as 0 */
int count_add(uint64_t *out);  /* one more; under a file lock */

#endif
