// SPDX-License-Identifier: Apache-2.0
#pragma once
/* port.h: a port for a server that ends and comes back on it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* It stays bound here as long as this process lives, which with SO_REUSEADDR on both sides lets a server listen on it,
 * now and after each restart, and the system give it to no other program. 0: there is none. */
static inline uint16_t ag_test_reserve_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                bind(fd, (struct sockaddr *)&address, size) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    return good ? ntohs(address.sin_port) : 0;
}
