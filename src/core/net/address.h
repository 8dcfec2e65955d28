// SPDX-License-Identifier: Apache-2.0
#pragma once
/* address.h: which addresses are of the public internet. For requests that somebody else may aim: the machines of this
 * network, this machine, and what clouds keep at link-local addresses must not be reached through us. */
#include <stdbool.h>
#include <sys/socket.h>

#include "core/base/str.h"

/* False for what is private, local, reserved, documentation, multicast, or wraps another address (but for IPv4 in IPv6,
 * which is judged as IPv4), and for anything that is neither IPv4 nor IPv6. */
bool ag_address_is_public(const struct sockaddr *address);
/* Is this host a number, in any form that resolvers take ("127.1", "0x7f000001", "2130706433"), or "localhost", that is
 * not public? Names are not looked up: where they lead is known when they are connected to. */
bool ag_host_is_private(ag_str host);
