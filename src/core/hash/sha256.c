// SPDX-License-Identifier: Apache-2.0
/* sha256.c: SHA-256 and HMAC through OpenSSL, which has the processor's instructions. The algorithm is fetched once and
 * kept for the life of the process: a fetch walks the provider tables and costs more than hashing a small row. That
 * pointer is the only state here, written once. HMAC is the two hashes of RFC 2104 over the same hasher.
 * Threads: any; one hasher belongs to one. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/syscall.h"

#define BLOCK 64
#define FILE_PIECE ((size_t)128 << 10)

struct ag_hasher {
    EVP_MD_CTX *context;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

static void fetch(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static int start(ag_hasher *hasher, ag_err *err)
{
    pthread_once(&once, fetch);
    if (!algorithm) return ag_fail(err, AG_EUNSUPPORTED, "OpenSSL offers no SHA-256");
    if (EVP_DigestInit_ex2(hasher->context, algorithm, NULL) != 1)
        return ag_fail(err, AG_EINTERNAL, "SHA-256 cannot be started");
    return AG_OK;
}

int ag_hasher_new(ag_hasher **out, ag_err *err)
{
    ag_hasher *hasher = ag_calloc(1, sizeof(*hasher));
    if (!hasher) return ag_fail_memory(err, sizeof(*hasher));
    hasher->context = EVP_MD_CTX_new();
    int rc = hasher->context ? start(hasher, err) : ag_fail_memory(err, BLOCK);
    if (rc < 0) {
        ag_hasher_free(hasher);
        return rc;
    }
    *out = hasher;
    return AG_OK;
}

void ag_hasher_free(ag_hasher *hasher)
{
    if (!hasher) return;
    EVP_MD_CTX_free(hasher->context);
    ag_free(hasher);
}

int ag_hasher_add(ag_hasher *hasher, const void *bytes, size_t size, ag_err *err)
{
    if (size > 0 && EVP_DigestUpdate(hasher->context, bytes, size) != 1)
        return ag_fail(err, AG_EINTERNAL, "SHA-256 failed");
    return AG_OK;
}

int ag_hasher_finish(ag_hasher *hasher, ag_sha256 *out, ag_err *err)
{
    if (EVP_DigestFinal_ex(hasher->context, out->bytes, NULL) != 1) return ag_fail(err, AG_EINTERNAL, "SHA-256 failed");
    return start(hasher, err);
}

int ag_sha256_of(const void *bytes, size_t size, ag_sha256 *out, ag_err *err)
{
    ag_hasher *hasher = NULL;
    int rc = ag_hasher_new(&hasher, err);
    if (rc >= 0) rc = ag_hasher_add(hasher, bytes, size, err);
    if (rc >= 0) rc = ag_hasher_finish(hasher, out, err);
    ag_hasher_free(hasher);
    return rc;
}

static int add_file(ag_hasher *hasher, int fd, const char *path, uint64_t *total, ag_err *err)
{
    char *piece = ag_alloc(FILE_PIECE);
    if (!piece) return ag_fail_memory(err, FILE_PIECE);
    int rc = AG_OK;
    ptrdiff_t got;
    while (rc >= 0 && (got = ag_sys_read(fd, piece, FILE_PIECE)) != 0) {
        if (got < 0) {
            rc = ag_fail_errno(err, errno, "cannot read '%s'", path);
            break;
        }
        *total += (uint64_t)got;
        rc = ag_hasher_add(hasher, piece, (size_t)got, err);
    }
    ag_free(piece);
    return rc;
}

int ag_sha256_of_file(const char *path, ag_sha256 *out, uint64_t *size, ag_err *err)
{
    uint64_t total = 0;
    ag_hasher *hasher = NULL;
    int rc = ag_hasher_new(&hasher, err);
    if (rc < 0) return rc;
    int fd = ag_sys_open(AT_FDCWD, path, O_RDONLY, 0);
    rc = fd < 0 ? ag_fail_open(err, errno, path) : add_file(hasher, fd, path, &total, err);
    if (rc >= 0) rc = ag_hasher_finish(hasher, out, err);
    if (rc >= 0 && size) *size = total;
    ag_sys_close(fd);
    ag_hasher_free(hasher);
    return rc;
}

/* One half of HMAC: H((key xor pad) || bytes). */
static int hash_padded(ag_hasher *hasher, const uint8_t key[BLOCK], uint8_t pad, const void *bytes, size_t size,
                       ag_sha256 *out, ag_err *err)
{
    uint8_t block[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) block[i] = key[i] ^ pad;
    int rc = ag_hasher_add(hasher, block, sizeof(block), err);
    if (rc >= 0) rc = ag_hasher_add(hasher, bytes, size, err);
    if (rc >= 0) rc = ag_hasher_finish(hasher, out, err);
    ag_wipe(block, sizeof(block));
    return rc;
}

int ag_hmac_sha256(ag_str key, ag_str message, ag_sha256 *out, ag_err *err)
{
    uint8_t block[BLOCK] = {0};
    ag_sha256 inner = {0};
    ag_hasher *hasher = NULL;
    int rc = ag_hasher_new(&hasher, err);
    if (rc < 0) goto out;
    if (key.size > BLOCK) {
        if ((rc = ag_sha256_of(key.data, key.size, (ag_sha256 *)(void *)block, err)) < 0) goto out;
    } else if (key.size > 0) {
        memcpy(block, key.data, key.size);
    }
    if ((rc = hash_padded(hasher, block, 0x36, message.data, message.size, &inner, err)) < 0) goto out;
    rc = hash_padded(hasher, block, 0x5c, inner.bytes, sizeof(inner.bytes), out, err);
out:
    ag_wipe(block, sizeof(block));
    ag_hasher_free(hasher);
    return rc;
}

void ag_sha256_format(const ag_sha256 *digest, char out[65])
{
    ag_hex(digest->bytes, sizeof(digest->bytes), out);
}

bool ag_sha256_parse(ag_str hex, ag_sha256 *out)
{
    return ag_unhex(hex, out->bytes, sizeof(out->bytes), NULL) >= 0;
}

bool ag_sha256_equal(const ag_sha256 *a, const ag_sha256 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ag_equal_secret(ag_str a, ag_str b)
{
    return a.size == b.size && (a.size == 0 || CRYPTO_memcmp(a.data, b.data, a.size) == 0);
}
