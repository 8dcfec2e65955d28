// SPDX-License-Identifier: Apache-2.0
/* segment.c: the files of the spool.
 * Appending stores the first eight bytes (mark and size) with the mark of one that is begun, copies the rest, and
 * stores them again with the true mark: what another process finds after a kill are whole records and at most one that
 * is begun, without a system call. That one's call had not returned: it is nothing, and no damage, unless a whole
 * record follows. After a power failure pages may be missing in any order; the hashes tell, and reading goes on at the
 * next record that is whole. The offsets in the head are hints that save work: everything may be delivered twice
 * without harm, so a damaged one is read as the beginning. Each stands beside its complement, so that a flipped bit
 * cannot skip records. Threads: the spool's mutex orders appends; a reader stays below a tail that it has read under
 * that mutex. */
#include "ledger/client/segment.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/syscall.h"
#include "ledger/client/entry.h"

enum { HASHED = 48, VERSION = 1, AT_NUMBER = 16, AT_SIZE = 24, AT_QUEUE = 32, AT_DELIVERED = 64, AT_ATTEMPTED = 80 };

static const char magic[8] = "AUGSPOOL";

static void store_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static uint64_t load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static void fill_head(ag_spool_segment *segment, const uint8_t queue[16])
{
    uint32_t words[2] = {htole32(VERSION), htole32(AG_SPOOL_SEGMENT_HEAD)};
    memcpy(segment->map, magic, sizeof(magic));
    memcpy(segment->map + sizeof(magic), words, sizeof(words));
    store_u64(segment->map + AT_NUMBER, segment->number);
    store_u64(segment->map + AT_SIZE, segment->size);
    memcpy(segment->map + AT_QUEUE, queue, 16);
    store_u64(segment->map + HASHED, ag_hash_fast(segment->map, HASHED, 0));
    ag_spool_segment_set_delivered(segment, AG_SPOOL_SEGMENT_HEAD);
    ag_spool_segment_set_attempted(segment, AG_SPOOL_SEGMENT_HEAD);
}

static int new_segment(const char *path, ag_spool_segment **out, ag_err *err)
{
    ag_spool_segment *segment = ag_calloc(1, sizeof(*segment));
    char *copy = ag_strdup(path);
    if (!segment || !copy) {
        ag_free(segment);
        ag_free(copy);
        return ag_fail_memory(err, sizeof(*segment) + strlen(path));
    }
    segment->path = copy;
    *out = segment;
    return AG_OK;
}

static int map_file(ag_spool_segment *segment, int fd, ag_err *err)
{
    void *map = ag_sys_fault() ? MAP_FAILED : mmap(NULL, segment->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return ag_fail_errno(err, errno, "cannot map '%s' into memory", segment->path);
    segment->map = map;
    return AG_OK;
}

int ag_spool_segment_make(const char *path, uint64_t number, const uint8_t queue[16], size_t size,
                          ag_spool_segment **out, ag_err *err)
{
    ag_spool_segment *segment = NULL;
    int rc = new_segment(path, &segment, err);
    if (rc < 0) return rc;
    segment->number = number;
    segment->size = size;
    segment->tail = AG_SPOOL_SEGMENT_HEAD;
    int fd = ag_sys_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        rc = ag_fail_errno(err, errno, "cannot make '%s' in the spool", path);
        goto out;
    }
    int failure = ag_sys_fault() ? EIO : posix_fallocate(fd, 0, (off_t)size);
    if (failure) {
        rc = ag_fail_errno(err, failure, "cannot reserve %zu bytes for the spool at '%s'", size, path);
        ag_err_hint(err, "free some space on that disk, or name another directory for the spool");
    }
    if (rc >= 0) rc = map_file(segment, fd, err);
    if (rc < 0) (void)unlink(path);
    if (rc < 0) goto out;
#ifdef MADV_POPULATE_WRITE
    (void)madvise(segment->map, size, MADV_POPULATE_WRITE); /* page faults now, in no caller's way; optional */
#endif
    fill_head(segment, queue);
    *out = segment;
out:
    ag_sys_close(fd);
    if (rc < 0) ag_spool_segment_close(segment);
    return rc;
}

/* The head of one that was found. */
static int check_head(ag_spool_segment *segment, ag_err *err)
{
    const uint8_t *head = segment->map;
    bool whole = memcmp(head, magic, sizeof(magic)) == 0 && load_u64(head + HASHED) == ag_hash_fast(head, HASHED, 0);
    if (!whole) { /* all of it may still be wanted */
        fill_head(segment, head + AT_QUEUE);
        return AG_OK;
    }
    if (load_u32(head + sizeof(magic)) != VERSION)
        return ag_fail(err, AG_EUNSUPPORTED, "'%s' was written by a newer Auger", segment->path);
    segment->number = load_u64(head + AT_NUMBER);
    return AG_OK;
}

int ag_spool_segment_open(const char *path, ag_spool_segment **out, ag_err *err)
{
    ag_spool_segment *segment = NULL;
    struct stat info;
    int rc = new_segment(path, &segment, err);
    if (rc < 0) return rc;
    int fd = ag_sys_open(AT_FDCWD, path, O_RDWR | O_NOFOLLOW, 0);
    if (fd < 0 || ag_sys_stat(fd, &info) < 0) {
        rc = ag_fail_errno(err, errno, "cannot open '%s' of the spool", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode) || info.st_size < AG_SPOOL_SEGMENT_HEAD + AG_ENTRY_HEAD) {
        rc = ag_fail(err, AG_ENOTFOUND, "there is nothing in '%s'", path);
        goto out;
    }
    segment->size = segment->tail = (size_t)info.st_size & ~(size_t)7;
    rc = map_file(segment, fd, err);
    if (rc >= 0) rc = check_head(segment, err);
    if (rc >= 0) *out = segment;
out:
    ag_sys_close(fd);
    if (rc < 0) ag_spool_segment_close(segment);
    return rc;
}

int ag_spool_segment_sync(const ag_spool_segment *segment, ag_err *err)
{
    if (!ag_sys_fault() && msync(segment->map, segment->size, MS_SYNC) == 0) return AG_OK;
    return ag_fail_errno(err, errno, "cannot write '%s'", segment->path);
}

void ag_spool_segment_close(ag_spool_segment *segment)
{
    if (!segment) return;
    if (segment->map) munmap(segment->map, segment->size);
    ag_free(segment->path);
    ag_free(segment);
}

bool ag_spool_segment_append(ag_spool_segment *segment, const uint8_t *record, size_t size)
{
    if (size > segment->size - segment->tail) return false;
    uint8_t *at = segment->map + segment->tail;
    uint64_t first;
    memcpy(&first, record, sizeof(first));
    atomic_store_explicit((_Atomic uint64_t *)(void *)at, ag_entry_begun(first), memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* a kill comes between two instructions: their order is enough */
    memcpy(at + sizeof(first), record + sizeof(first), size - sizeof(first));
    atomic_store_explicit((_Atomic uint64_t *)(void *)at, first, memory_order_release);
    segment->tail += size;
    return true;
}

static bool is_zero(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word == 0;
}

size_t ag_spool_segment_next(const uint8_t *bytes, size_t limit, size_t *offset, uint64_t *damaged)
{
    uint64_t cut = 0; /* bytes of a record that was only begun, which are no damage unless something follows */
    size_t cut_end = 0;
    for (size_t at = *offset; at + AG_ENTRY_HEAD <= limit; at += 8) {
        size_t size = ag_entry_at(bytes + at, limit - at);
        if (size) {
            *damaged += cut;
            *offset = at;
            return size;
        }
        if (is_zero(bytes + at)) continue;
        if (!cut_end && (size = ag_entry_begun_at(bytes + at, limit - at))) cut_end = at + size;
        *(at < cut_end ? &cut : damaged) += 8;
    }
    *offset = limit;
    return 0;
}

static size_t offset_at(const ag_spool_segment *segment, size_t at)
{
    uint64_t offset = load_u64(segment->map + at), complement = load_u64(segment->map + at + 8);
    bool good = offset == ~complement && offset >= AG_SPOOL_SEGMENT_HEAD && offset <= segment->size && offset % 8 == 0;
    return good ? (size_t)offset : AG_SPOOL_SEGMENT_HEAD;
}

static void set_offset_at(ag_spool_segment *segment, size_t at, size_t offset)
{
    store_u64(segment->map + at, offset);
    store_u64(segment->map + at + 8, ~(uint64_t)offset);
}

size_t ag_spool_segment_delivered(const ag_spool_segment *segment)
{
    return offset_at(segment, AT_DELIVERED);
}

void ag_spool_segment_set_delivered(ag_spool_segment *segment, size_t offset)
{
    set_offset_at(segment, AT_DELIVERED, offset);
}

size_t ag_spool_segment_attempted(const ag_spool_segment *segment)
{
    return offset_at(segment, AT_ATTEMPTED);
}

void ag_spool_segment_set_attempted(ag_spool_segment *segment, size_t offset)
{
    set_offset_at(segment, AT_ATTEMPTED, offset);
}
