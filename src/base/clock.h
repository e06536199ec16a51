/*
 * clock: one place for time. Waits use clock_mono_ms(); everything stored uses UTC milliseconds.
 * clock_set_offset_ms() moves the wall clock of this process (tests, clock-skew correction is
 * separate and belongs to the signer).
 */
#ifndef LM_CLOCK_H
#define LM_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
int64_t clock_wall_ms(void);
void clock_set_offset_ms(int64_t offset);
/* "2026-11-23T01:02:03Z" (20 characters + NUL) and "20261123T010203Z" (16 + NUL). */
#define CLOCK_ISO   21
#define CLOCK_BASIC 17
void clock_iso(int64_t ms, char out[CLOCK_ISO]);
void clock_basic(int64_t ms, char out[CLOCK_BASIC]);
/* RFC 3339 with optional fraction and Z or offset. 0 or -EINVAL. */
int clock_parse_iso(struct str s, int64_t *ms);
/* IMF-fixdate of RFC 9110 ("Sun, 06 Nov 1994 08:49:37 GMT"). 0 or -EINVAL. */
int clock_parse_http(struct str s, int64_t *ms);

#endif
