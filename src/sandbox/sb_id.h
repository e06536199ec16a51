/* sb_id: random identifiers in the forms that AWS uses. All outputs are NUL-terminated. */
#ifndef LM_SB_ID_H
#define LM_SB_ID_H

#include <stddef.h>

#define SB_ID_UUID 37

void sb_id_uuid(char out[SB_ID_UUID]); /* RFC 9562 version 4 */
/* prefix, then n random characters of [a-z0-9], of [0-9a-f], of [0-9]. */
void sb_id_alnum(const char *prefix, size_t n, char *out, size_t cap);
void sb_id_hex(const char *prefix, size_t n, char *out, size_t cap);
void sb_id_digits(const char *prefix, size_t n, char *out, size_t cap);

#endif
