// SPDX-License-Identifier: Apache-2.0
/* peer.c: resolving and binding. Of several addresses of a name the first IPv4 one is taken, then any other:
 * "localhost" is 127.0.0.1 for most clients. */
#include "app/server/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/base/str.h"

static bool is_ipv4_loopback(const unsigned char bytes[4])
{
    return bytes[0] == 127;
}

void ag_peer_format(const struct sockaddr *address, char *out, size_t size, bool *local)
{
    *local = false;
    ag_format(out, size, "unknown");
    if (address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof(four));
        inet_ntop(AF_INET, &four.sin_addr, out, (socklen_t)size);
        *local = is_ipv4_loopback((const unsigned char *)&four.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
            inet_ntop(AF_INET, six.sin6_addr.s6_addr + 12, out, (socklen_t)size);
            *local = is_ipv4_loopback(six.sin6_addr.s6_addr + 12);
        } else {
            inet_ntop(AF_INET6, &six.sin6_addr, out, (socklen_t)size);
            *local = IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
        }
    }
}

static int bind_one(const struct addrinfo *address, const char *host, const char *port, int *out, ag_err *err)
{
    int one = 1, error = 0;
    int fd = ag_fault(AG_FAULT_NET) ? (errno = EMFILE, -1)
                                    : socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, 1024) < 0) error = errno;
    if (!error) {
        *out = fd;
        return AG_OK;
    }
    close(fd);
    ag_fail_errno(err, error, "cannot listen on %s port %s", host, port);
    if (error == EADDRINUSE) ag_err_hint(err, "another program uses that port: choose one with --port, or 0 for any");
    return err ? err->code : AG_EIO;
}

static int describe(int fd, ag_listener *out, ag_err *err)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
        return ag_fail_errno(err, errno, "cannot see the own address");
    char text[64];
    ag_peer_format((struct sockaddr *)&bound, text, sizeof(text), &out->local);
    bool six = bound.ss_family == AF_INET6;
    uint16_t port;
    memcpy(&port,
           (const char *)&bound +
               (six ? offsetof(struct sockaddr_in6, sin6_port) : offsetof(struct sockaddr_in, sin_port)),
           sizeof(port));
    out->fd = fd;
    out->port = ntohs(port);
    ag_format(out->shown, sizeof(out->shown), six ? "[%s]:%u" : "%s:%u", text, out->port);
    return AG_OK;
}

static int refuse(const char *host, ag_err *err)
{
    ag_fail(err, AG_EDENIED, "%s can be reached by other machines, and nobody would be asked who they are", host);
    return ag_err_hint(err, "add --auth, or --insecure if everybody who reaches it may do everything");
}

int ag_listener_open(const char *host, uint16_t port, bool allow_remote, ag_listener *out, ag_err *err)
{
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *all = NULL;
    const struct addrinfo *chosen = NULL;
    char text[8];
    ag_format(text, sizeof(text), "%u", port);
    int error = getaddrinfo(host, text, &wanted, &all);
    if (error) return ag_fail(err, AG_EINVAL, "the address '%s' cannot be used: %s", host, gai_strerror(error));
    for (const struct addrinfo *one = all; one; one = one->ai_next)
        if (!chosen || (chosen->ai_family != AF_INET && one->ai_family == AF_INET)) chosen = one;
    if (!chosen) return ag_fail(err, AG_EINVAL, "the address '%s' cannot be used: it names nothing", host);
    char shown[64];
    bool local;
    ag_peer_format(chosen->ai_addr, shown, sizeof(shown), &local);
    int fd = -1;
    int rc = local || allow_remote ? bind_one(chosen, host, text, &fd, err) : refuse(host, err);
    freeaddrinfo(all);
    if (rc < 0) return rc;
    rc = describe(fd, out, err);
    if (rc < 0) close(fd);
    return rc;
}
