// SPDX-License-Identifier: Apache-2.0
/* address_test.c: which addresses somebody else may aim us at. */
#include "core/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "frame/test.h"

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return ag_address_is_public((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return ag_address_is_public((const struct sockaddr *)&v6);
}

AG_TEST(test_address__what_is_public)
{
    static const char *const good[] = {"1.1.1.1",       "8.8.8.8",         "100.63.255.255",  "100.128.0.0",
                                       "172.15.0.1",    "172.32.0.1",      "169.253.0.1",     "192.167.1.1",
                                       "198.20.0.1",    "223.255.255.255", "2606:4700::1111", "2001:4860::1",
                                       "::ffff:8.8.8.8"};
    static const char *const bad[] = {
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.9.9",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001::1",
        "2001:db8::1",
        "100::1",
        "::7f00:1",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!is_public(good[i])) fail_msg("%s is public", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (is_public(bad[i])) fail_msg("%s is not public", bad[i]);
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(ag_address_is_public(&other));
}

AG_TEST(test_address__private_hosts_in_any_writing)
{
    static const char *const bad[] = {"localhost",  "LOCALHOST.", "a.localhost", "127.1", "0x7f000001",
                                      "2130706433", "0177.0.0.1", "10.1",        "::1",   "169.254.169.254",
                                      "",           "0"};
    static const char *const good[] = {"example.org", "8.8.8.8", "localhost.example.org", "2606:4700::1111"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (!ag_host_is_private(ag_str_of(bad[i]))) fail_msg("'%s' is private", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (ag_host_is_private(ag_str_of(good[i]))) fail_msg("'%s' is not private", good[i]);
}
