// SPDX-License-Identifier: Apache-2.0
#pragma once
/* peer.h: addresses: where to listen, and who calls. */
#include <sys/socket.h>

#include "core/base/err.h"

/* "127.0.0.1", "::1"; *local: is it this machine? IPv4 inside IPv6 is shown as IPv4. */
void ag_peer_format(const struct sockaddr *address, char *out, size_t size, bool *local);

typedef struct ag_listener {
    int fd;
    uint16_t port;
    bool local;      /* only this machine can reach it */
    char shown[300]; /* "127.0.0.1:5000", "[::1]:5000" */
} ag_listener;
/* `host` a name or address, `port` 0: a free one. Without `allow_remote` an address that others reach is AG_EDENIED. */
int ag_listener_open(const char *host, uint16_t port, bool allow_remote, ag_listener *out, ag_err *err);
