// SPDX-License-Identifier: Apache-2.0
/* tls.c: OpenSSL behind link.c. The context is counted by its sessions (OpenSSL does that), so replacing it when the
 * files have changed leaves open connections alone. `lock` guards the pointer and what is known of the files. */
#include "app/server/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>

#include "app/server/link.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "core/sys/log.h"

enum { LOOK_EVERY = 5 }; /* seconds between looks at the files */

struct ag_tls {
    pthread_mutex_t lock;
    SSL_CTX *context;
    char *certificate, *key;
    int64_t looked_at;
    int64_t certificate_time, key_time;
};

struct ag_tls_session {
    SSL *ssl;
};

static int fail_ssl(ag_err *err, ag_code code, const char *what, const char *path)
{
    unsigned long number = ERR_get_error();
    const char *reason = number ? ERR_reason_error_string(number) : NULL;
    ERR_clear_error();
    return ag_fail(err, code, "%s%s%s: %s", what, path ? " " : "", path ? path : "",
                   reason ? reason : "OpenSSL refused");
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *offered,
                           unsigned offered_size, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int make_context(const char *certificate, const char *key, SSL_CTX **out, ag_err *err)
{
    int rc = AG_OK;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) return fail_ssl(err, AG_ENOMEM, "TLS cannot be set up", NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    /* Forward secrecy with authenticated encryption only. */
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        rc = fail_ssl(err, AG_EUNSUPPORTED, "this OpenSSL has none of the wanted ciphers", NULL);
    else if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        rc = fail_ssl(err, AG_EINVAL, "cannot use the certificate", certificate);
    else if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        rc = fail_ssl(err, AG_EINVAL, "cannot use the key", key);
    else if (SSL_CTX_check_private_key(context) != 1)
        rc = fail_ssl(err, AG_EINVAL, "the key does not belong to the certificate", certificate);
    if (rc < 0)
        SSL_CTX_free(context);
    else
        *out = context;
    return rc;
}

static int64_t time_of(const char *path)
{
    ag_file_info info;
    return ag_file_stat(path, &info, NULL) == AG_OK ? info.modified : 0;
}

int ag_tls_new(const char *certificate, const char *key, ag_tls **out, ag_err *err)
{
    ag_tls *tls = ag_calloc(1, sizeof(*tls));
    if (!tls) return ag_fail_memory(err, sizeof(*tls));
    pthread_mutex_init(&tls->lock, NULL);
    tls->certificate = ag_strdup(certificate);
    tls->key = ag_strdup(key);
    int rc = AG_OK;
    if (!tls->certificate || !tls->key) rc = ag_fail_memory(err, strlen(certificate) + strlen(key));
    if (rc == AG_OK) {
        tls->certificate_time = time_of(certificate);
        tls->key_time = time_of(key);
        tls->looked_at = ag_monotonic();
        rc = make_context(certificate, key, &tls->context, err);
    }
    if (rc < 0)
        ag_tls_free(tls);
    else
        *out = tls;
    return rc;
}

void ag_tls_free(ag_tls *tls)
{
    if (!tls) return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    ag_free(tls->certificate);
    ag_free(tls->key);
    ag_free(tls);
}

/* Under the lock. */
static void look_again(ag_tls *tls)
{
    int64_t now = ag_monotonic();
    if (now - tls->looked_at < LOOK_EVERY * AG_SECOND) return;
    tls->looked_at = now;
    int64_t certificate_time = time_of(tls->certificate), key_time = time_of(tls->key);
    if (certificate_time == tls->certificate_time && key_time == tls->key_time) return;
    SSL_CTX *fresh = NULL;
    ag_err err = {0};
    if (make_context(tls->certificate, tls->key, &fresh, &err) < 0) {
        ag_log_error("http", &err); /* tried again at the next look: one file may be newer than the other */
        return;
    }
    SSL_CTX_free(tls->context);
    tls->context = fresh;
    tls->certificate_time = certificate_time;
    tls->key_time = key_time;
}

ag_tls_session *ag_tls_open(ag_tls *tls, int fd)
{
    ag_tls_session *session = ag_calloc(1, sizeof(*session));
    if (!session) return NULL;
    pthread_mutex_lock(&tls->lock);
    look_again(tls);
    session->ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (!session->ssl || SSL_set_fd(session->ssl, fd) != 1) {
        SSL_free(session->ssl);
        ag_free(session);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(session->ssl);
    return session;
}

/* What a call that gave nothing means. */
static ptrdiff_t outcome(ag_tls_session *session, int rc, short *wants)
{
    int reason = SSL_get_error(session->ssl, rc);
    ERR_clear_error();
    switch (reason) {
    case SSL_ERROR_WANT_READ: *wants = POLLIN; return AG_LINK_AGAIN;
    case SSL_ERROR_WANT_WRITE: *wants = POLLOUT; return AG_LINK_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: return AG_EIO;
    }
}

ptrdiff_t ag_tls_read(ag_tls_session *session, void *into, size_t size, short *wants)
{
    ERR_clear_error();
    int got = SSL_read(session->ssl, into, size > INT_MAX ? INT_MAX : (int)size);
    return got > 0 ? got : outcome(session, got, wants);
}

ptrdiff_t ag_tls_write(ag_tls_session *session, const void *bytes, size_t size, short *wants)
{
    ERR_clear_error();
    int put = SSL_write(session->ssl, bytes, size > INT_MAX ? INT_MAX : (int)size);
    if (put > 0) return put;
    ptrdiff_t result = outcome(session, put, wants);
    return result == 0 ? AG_EIO : result;
}

void ag_tls_close(ag_tls_session *session)
{
    if (!session) return;
    SSL_shutdown(session->ssl);
    ERR_clear_error();
    SSL_free(session->ssl);
    ag_free(session);
}
