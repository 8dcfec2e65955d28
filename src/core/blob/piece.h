// SPDX-License-Identifier: Apache-2.0
#pragma once
/* piece.h: the stored form of bytes in a content-addressed store, and of the list of chunks of a large object.
 * A record: "AGb1", kind, three zero bytes, size of the content (8 bytes, little-endian), payload, fast hash of all
 * before it (8 bytes). The hash finds every flipped bit before anything is decompressed; the SHA-256 of the content,
 * which its key tells, is checked behind that. */
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/hash/hash.h"

typedef enum piece_kind {
    PIECE_RAW = 1,
    PIECE_ZSTD = 2,
    PIECE_COLUMNS = 3, /* turned to columns (columns.h), then zstd */
    PIECE_MANIFEST = 4 /* entries of chunks; the size is the object's */
} piece_kind;

#define PIECE_HEAD 16
#define PIECE_OVERHEAD 24
#define PIECE_RAW_MAX ((size_t)32 << 20) /* content of one record that is not a manifest */

typedef struct piece_entry {
    ag_sha256 sha256;
    uint64_t size;
} piece_entry;
#define PIECE_ENTRY_SIZE 40

/* Appends a record in the form that takes least, as far as a quick look tells. */
int piece_encode(ag_str content, ag_buf *out, ag_err *err);
/* Appends a zstd (or raw) record; for content that was made ready already. */
int piece_encode_packed(ag_str content, ag_buf *out, ag_err *err);
int piece_encode_manifest(const piece_entry *entries, size_t count, ag_buf *out, ag_err *err);

/* Checks form and fast hash. `payload` borrows from `record`. */
int piece_open(ag_str record, piece_kind *kind, uint64_t *size, ag_str *payload, ag_err *err);
/* Appends the content of a record that is not a manifest; AG_ECORRUPT when it is. */
int piece_decode(ag_str record, ag_buf *out, ag_err *err);
/* The entries of a manifest's payload, whose sizes make up `size`. */
size_t piece_entry_count(ag_str payload);
int piece_entry_at(ag_str payload, size_t index, piece_entry *out, ag_err *err);
int piece_check_manifest(ag_str payload, uint64_t size, ag_err *err);

uint64_t piece_load64(const void *bytes);
uint32_t piece_load32(const void *bytes);
void piece_store64(void *bytes, uint64_t value);
void piece_store32(void *bytes, uint32_t value);
