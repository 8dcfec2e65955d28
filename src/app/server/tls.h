// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tls.h: TLS 1.2 and 1.3 for a server: a certificate with its key, sessions on non-blocking sockets. Thread-safe; a
 * session belongs to one thread at a time. */
#include <stddef.h>

#include "core/base/err.h"

typedef struct ag_tls ag_tls;
typedef struct ag_tls_session ag_tls_session;

/* PEM files: the certificate with its chain, and the key. Files that are replaced later are taken for new connections
 * within some seconds; a broken pair leaves the old one in use. */
int ag_tls_new(const char *certificate, const char *key, ag_tls **out, ag_err *err);
void ag_tls_free(ag_tls *tls);

ag_tls_session *ag_tls_open(ag_tls *tls, int fd); /* NULL when out of memory; the handshake goes with the first read */
/* As ag_link_read() and ag_link_write(); *wants: POLLIN or POLLOUT after AG_LINK_AGAIN. */
ptrdiff_t ag_tls_read(ag_tls_session *session, void *into, size_t size, short *wants);
ptrdiff_t ag_tls_write(ag_tls_session *session, const void *bytes, size_t size, short *wants);
void ag_tls_close(ag_tls_session *session); /* says goodbye if it can without waiting; NULL is fine */
