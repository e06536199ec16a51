#include "base/enc.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

static const char B64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char B32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char HEX_LOW[] = "0123456789abcdef";
static const char HEX_UP[] = "0123456789ABCDEF";

void enc_hex(struct buf *b, const void *p, size_t n)
{
    const uint8_t *s = p;

    for (size_t i = 0; i < n; i++) {
        buf_ch(b, HEX_LOW[s[i] >> 4]);
        buf_ch(b, HEX_LOW[s[i] & 15]);
    }
}

static void b64(struct buf *b, const uint8_t *s, size_t n, const char *abc, bool pad)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)s[i] << 16;

        if (left > 1)
            v |= (uint32_t)s[i + 1] << 8;
        if (left > 2)
            v |= s[i + 2];
        buf_ch(b, abc[v >> 18]);
        buf_ch(b, abc[(v >> 12) & 63]);
        if (left > 1)
            buf_ch(b, abc[(v >> 6) & 63]);
        else if (pad)
            buf_ch(b, '=');
        if (left > 2)
            buf_ch(b, abc[v & 63]);
        else if (pad)
            buf_ch(b, '=');
    }
}

void enc_b64(struct buf *b, const void *p, size_t n)
{
    b64(b, p, n, B64, true);
}

void enc_b64url(struct buf *b, const void *p, size_t n)
{
    b64(b, p, n, URL, false);
}

void enc_b32(struct buf *b, const void *p, size_t n)
{
    const uint8_t *s = p;
    uint32_t acc = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < n; i++) {
        acc = (acc << 8) | s[i];
        bits += 8;
        for (; bits >= 5; bits -= 5)
            buf_ch(b, B32[(acc >> (bits - 5)) & 31]);
    }
    if (bits)
        buf_ch(b, B32[(acc << (5 - bits)) & 31]);
}

static int hexval(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

ssize_t enc_hex_dec(struct str s, void *dst, size_t cap)
{
    uint8_t *d = dst;

    if (s.n % 2)
        return -EINVAL;
    if (s.n / 2 > cap)
        return -ENOBUFS;
    for (size_t i = 0; i < s.n; i += 2) {
        int hi = hexval(s.p[i]), lo = hexval(s.p[i + 1]);

        if (hi < 0 || lo < 0)
            return -EINVAL;
        d[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    return (ssize_t)(s.n / 2);
}

static ssize_t b64_dec(struct str s, const char *abc, uint8_t *d, size_t cap)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;

    if (s.n % 4 == 1)
        return -EINVAL;
    if (s.n / 4 * 3 + 2 > SSIZE_MAX || s.n * 6 / 8 > cap)
        return -ENOBUFS;
    for (size_t i = 0; i < s.n; i++) {
        const char *hit = s.p[i] ? strchr(abc, s.p[i]) : NULL;

        if (!hit)
            return -EINVAL;
        acc = (acc << 6) | (uint32_t)(hit - abc);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            d[n++] = (uint8_t)(acc >> bits);
        }
    }
    /* Left-over bits must be zero: one text per value. */
    return acc & ((1U << bits) - 1) ? -EINVAL : (ssize_t)n;
}

ssize_t enc_b64_dec(struct str s, void *dst, size_t cap)
{
    if (s.n % 4)
        return -EINVAL;
    if (s.n && s.p[s.n - 1] == '=')
        s.n -= s.p[s.n - 2] == '=' ? 2 : 1;
    return b64_dec(s, B64, dst, cap);
}

ssize_t enc_b64url_dec(struct str s, void *dst, size_t cap)
{
    return b64_dec(s, URL, dst, cap);
}

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void enc_pct(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];

        if (unreserved(s.p[i])) {
            buf_ch(b, s.p[i]);
            continue;
        }
        buf_ch(b, '%');
        buf_ch(b, HEX_UP[c >> 4]);
        buf_ch(b, HEX_UP[c & 15]);
    }
}

int enc_form_dec(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        int hi, lo;

        if (s.p[i] != '%') {
            buf_ch(b, s.p[i] == '+' ? ' ' : s.p[i]);
            continue;
        }
        if (s.n - i < 3)
            return -EINVAL;
        hi = hexval(s.p[i + 1]);
        lo = hexval(s.p[i + 2]);
        if (hi < 0 || lo < 0)
            return -EINVAL;
        buf_ch(b, (char)(hi << 4 | lo));
        i += 2;
    }
    return buf_err(b);
}
