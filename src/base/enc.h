/*
 * enc: text encodings. Encoders append to a buf; decoders are strict (no padding games, no
 * white space, no foreign letters) and return the number of bytes or -EINVAL / -ENOBUFS.
 * base64 and base64url by RFC 4648 (url form unpadded), base32 lower case unpadded.
 */
#ifndef LM_ENC_H
#define LM_ENC_H

#include <sys/types.h>

#include "base/buf.h"

void enc_hex(struct buf *b, const void *p, size_t n); /* lower case */
void enc_b64(struct buf *b, const void *p, size_t n);
void enc_b64url(struct buf *b, const void *p, size_t n);
void enc_b32(struct buf *b, const void *p, size_t n);
ssize_t enc_hex_dec(struct str s, void *dst, size_t cap);
ssize_t enc_b64_dec(struct str s, void *dst, size_t cap);
ssize_t enc_b64url_dec(struct str s, void *dst, size_t cap);
/* RFC 3986: everything but unreserved characters becomes %XX (upper case). */
void enc_pct(struct buf *b, struct str s);
/* application/x-www-form-urlencoded decoding, once: + is a space. -EINVAL on a bad escape. */
int enc_form_dec(struct buf *b, struct str s);

#endif
