/*
 * str: a borrowed slice of bytes, and parsing without libc.
 *
 * A slice owns nothing and is not NUL-terminated; p may be NULL only when n is 0. Number parsers
 * take the whole slice or fail: no sign games, no white space, no overflow.
 */
#ifndef LM_STR_H
#define LM_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(lit)   ((struct str){"" lit, sizeof(lit) - 1})
#define STR_FMT(s) (int)(s).n, (s).p ? (s).p : ""

struct str str_of(const char *cstr); /* NULL gives the empty slice */
struct str str_make(const char *p, size_t n);
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *cstr);
bool str_ieq(struct str a, struct str b); /* ASCII case only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_sub(struct str s, size_t from, size_t n); /* clamped */
struct str str_from(struct str s, size_t from);          /* clamped tail */
struct str str_trim(struct str s);                       /* ASCII white space on both ends */
struct str str_rtrim(struct str s, char c);              /* without any c at the end */
/* Index of c, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);
/* Splits at the first sep: head before it, *rest after it (empty when there is none). */
struct str str_cut(struct str s, char sep, struct str *rest);
/* 0 or -EINVAL / -ERANGE. */
int str_u64(struct str s, uint64_t max, uint64_t *out);
int str_i64(struct str s, int64_t *out);
/* Copies with NUL, 0 or -ENOBUFS (dst then holds ""). */
int str_copy(struct str s, char *dst, size_t cap);
/* Valid UTF-8 by RFC 3629 (no surrogates, no overlong forms). */
bool str_utf8(struct str s);
/* UTF-8 without control characters (C0, DEL, C1) and without bidirectional overrides. */
bool str_text(struct str s);
/* Constant time for equal lengths. */
bool str_eq_secret(struct str a, struct str b);
/* Edit distance limited to 3, for "did you mean"; more gives 4. */
unsigned str_distance(struct str a, struct str b);

#endif
