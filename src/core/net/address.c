// SPDX-License-Identifier: Apache-2.0
/* address.c: see address.h. IPv4 by a table of what is not public (RFC 6890 and its followers); IPv6 the other way
 * round: what IANA gives out, 2000::/3, without the parts that are for something else. */
#include "core/net/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

typedef struct block4 {
    uint32_t start;
    unsigned bits;
} block4;

static bool is_public4(uint32_t address)
{
    static const block4 blocks[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
        {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4},
    };
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        if ((address ^ blocks[i].start) >> (32 - blocks[i].bits) == 0) return false;
    return true;
}

static bool is_public6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(a, mapped, sizeof(mapped)) == 0)
        return is_public4((uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15]);
    if ((a[0] & 0xe0) != 0x20) return false;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02) return false;                  /* 2001::/23: Teredo and others */
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) return false; /* documentation */
    if (a[0] == 0x20 && a[1] == 0x02) return false;                                 /* 6to4 wraps an IPv4 address */
    return !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10);                          /* 3fff::/20: documentation */
}

bool ag_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6) return false;
    struct sockaddr_in6 in;
    memcpy(&in, address, sizeof(in));
    return is_public6(in.sin6_addr.s6_addr);
}

bool ag_host_is_private(ag_str host)
{
    char text[256];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    while (host.size && host.data[host.size - 1] == '.') host.size--; /* "localhost." is the same host */
    if (host.size == 0 || host.size >= sizeof(text)) return true;
    if (ag_str_equal_nocase(host, AG_STR("localhost"))) return true;
    if (host.size > 10 && ag_str_equal_nocase(ag_str_slice(host, host.size - 10, 10), AG_STR(".localhost")))
        return true;
    ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(host));
    if (getaddrinfo(text, NULL, &hints, &found) != 0) return false;
    bool private = false;
    for (const struct addrinfo *one = found; one; one = one->ai_next) private |= !ag_address_is_public(one->ai_addr);
    freeaddrinfo(found);
    return private;
}
