#include "net/http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "net/http.h"

enum kind { KIND_PUBLIC, KIND_LOOPBACK, KIND_PRIVATE, KIND_METADATA, KIND_NEVER };

struct net4 {
    uint32_t net;
    unsigned bits;
    enum kind kind;
};

/* First match wins: the metadata addresses stand before the link-local range they lie in. */
static const struct net4 nets4[] = {
    {0xa9fea9fe, 32, KIND_METADATA}, /* 169.254.169.254: instance metadata */
    {0xa9feaa02, 32, KIND_METADATA}, /* 169.254.170.2: container credentials */
    {0xa9feaa17, 32, KIND_METADATA}, /* 169.254.170.23: pod identity agent */
    {0x7f000000, 8, KIND_LOOPBACK},  /* 127.0.0.0/8 */
    {0x00000000, 8, KIND_NEVER},     /* this network */
    {0x0a000000, 8, KIND_PRIVATE},   /* 10.0.0.0/8 */
    {0x64400000, 10, KIND_PRIVATE},  /* 100.64.0.0/10: carrier NAT */
    {0xac100000, 12, KIND_PRIVATE},  /* 172.16.0.0/12 */
    {0xc0a80000, 16, KIND_PRIVATE},  /* 192.168.0.0/16 */
    {0xc6120000, 15, KIND_PRIVATE},  /* 198.18.0.0/15: benchmarking */
    {0xa9fe0000, 16, KIND_NEVER},    /* link-local */
    {0xc0000000, 24, KIND_NEVER},    /* 192.0.0.0/24: protocol assignments */
    {0xc0000200, 24, KIND_NEVER},    /* documentation */
    {0xc6336400, 24, KIND_NEVER},    /* documentation */
    {0xcb007100, 24, KIND_NEVER},    /* documentation */
    {0xe0000000, 3, KIND_NEVER},     /* multicast, reserved, broadcast */
};

static enum kind kind4(uint32_t a)
{
    for (size_t i = 0; i < sizeof(nets4) / sizeof(*nets4); i++)
        if ((a ^ nets4[i].net) >> (32 - nets4[i].bits) == 0)
            return nets4[i].kind;
    return KIND_PUBLIC;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Offset of the embedded IPv4 address, or 0. */
static size_t embedded4(const uint8_t a[16])
{
    static const uint8_t zero[12];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0 || memcmp(a, zero, 12) == 0)
        return 12;
    return a[0] == 0x20 && a[1] == 0x02 ? 2 : 0;
}

static enum kind kind6(const uint8_t a[16])
{
    static const uint8_t loopback[16] = {[15] = 1};
    static const uint8_t ec2[14] = {0xfd, 0x00, 0x0e, 0xc2};
    size_t at;

    if (memcmp(a, loopback, 16) == 0)
        return KIND_LOOPBACK;
    /* fd00:ec2::254 instance metadata, fd00:ec2::23 pod identity agent */
    if (memcmp(a, ec2, 14) == 0 && ((a[14] == 0x02 && a[15] == 0x54) || (!a[14] && a[15] == 0x23)))
        return KIND_METADATA;
    at = embedded4(a);
    if (at)
        return kind4(be32(a + at));
    if ((a[0] & 0xfe) == 0xfc)
        return KIND_PRIVATE;
    /* Only 2000::/3 is global unicast; 2001:db8::/32 and 2001::/23 (Teredo, ...) are not hosts. */
    if ((a[0] & 0xe0) != 0x20 || (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0) ||
        (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8))
        return KIND_NEVER;
    return KIND_PUBLIC;
}

static bool kind_ok(enum kind k, unsigned allow, bool plain)
{
    switch (k) {
    case KIND_PUBLIC:
        return !plain;
    case KIND_LOOPBACK:
        return allow & HTTP_LOOPBACK;
    case KIND_PRIVATE:
        return !plain && (allow & HTTP_PRIVATE);
    case KIND_METADATA:
        return allow & HTTP_METADATA;
    case KIND_NEVER:
        break;
    }
    return false;
}

bool http_guard_ok(const struct sockaddr *sa, unsigned allow, bool plain)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (sa->sa_family == AF_INET) {
        memcpy(&in4, sa, sizeof(in4));
        return kind_ok(kind4(ntohl(in4.sin_addr.s_addr)), allow, plain);
    }
    if (sa->sa_family == AF_INET6) {
        memcpy(&in6, sa, sizeof(in6));
        return kind_ok(kind6(in6.sin6_addr.s6_addr), allow, plain);
    }
    return false;
}

bool http_guard_text_ok(const char *ip, unsigned allow, bool plain)
{
    struct in_addr a4;
    struct in6_addr a6;

    if (inet_pton(AF_INET, ip, &a4) == 1)
        return kind_ok(kind4(ntohl(a4.s_addr)), allow, plain);
    if (inet_pton(AF_INET6, ip, &a6) == 1)
        return kind_ok(kind6(a6.s6_addr), allow, plain);
    return false;
}

bool http_guard_loopback_name(const char *host)
{
    struct str h = str_of(host);
    char bare[64];

    if (str_ieq(h, STR("localhost")))
        return true;
    if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = str_sub(h, 1, h.n - 2);
    if (str_copy(h, bare, sizeof(bare)))
        return false;
    /* Allowed with the loopback bit but not without any: exactly the loopback range. */
    return http_guard_text_ok(bare, HTTP_LOOPBACK, true);
}
