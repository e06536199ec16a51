/*
 * sha1: FIPS 180-4 SHA-1, only to name scripts the way Redis names them for EVALSHA. It protects
 * nothing.
 */
#ifndef LM_SHA1_H
#define LM_SHA1_H

#include "base/str.h"

#define SHA1_HEX 41 /* with NUL */

void sha1_hex(struct str s, char out[SHA1_HEX]);

#endif
