// SPDX-License-Identifier: Apache-2.0
#pragma once
/* hash.h: SHA-256 (content addresses, audit), HMAC-SHA-256 (signatures), and a fast hash for tables in memory. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

typedef struct ag_sha256 {
    uint8_t bytes[32];
} ag_sha256;

typedef struct ag_hasher ag_hasher; /* a SHA-256 under way */

int ag_hasher_new(ag_hasher **out, ag_err *err);
void ag_hasher_free(ag_hasher *hasher);
int ag_hasher_add(ag_hasher *hasher, const void *bytes, size_t size, ag_err *err);
/* The digest so far is final; the hasher starts anew. */
int ag_hasher_finish(ag_hasher *hasher, ag_sha256 *out, ag_err *err);

int ag_sha256_of(const void *bytes, size_t size, ag_sha256 *out, ag_err *err);
int ag_sha256_of_file(const char *path, ag_sha256 *out, uint64_t *size, ag_err *err); /* `size` may be NULL */
int ag_hmac_sha256(ag_str key, ag_str message, ag_sha256 *out, ag_err *err);

void ag_sha256_format(const ag_sha256 *digest, char out[65]); /* lower-case hex, terminated */
bool ag_sha256_parse(ag_str hex, ag_sha256 *out);             /* 64 hex digits of either case */
bool ag_sha256_equal(const ag_sha256 *a, const ag_sha256 *b);

/* Compares secrets in a time that depends on the sizes only. */
bool ag_equal_secret(ag_str a, ag_str b);

/* SipHash-1-3: keyed, for hash tables that see foreign input. */
uint64_t ag_hash_keyed(const void *bytes, size_t size, uint64_t key0, uint64_t key1);
/* XXH3-class speed, unkeyed, stable for ever: chunk fingerprints, duplicate search; never for trust. */
uint64_t ag_hash_fast(const void *bytes, size_t size, uint64_t seed);
