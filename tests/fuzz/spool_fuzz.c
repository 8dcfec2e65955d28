// SPDX-License-Identifier: Apache-2.0
/* What lies in a spool: records are found among any bytes and read; what is read writes the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "ledger/client/entry.h"
#include "ledger/client/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(const uint8_t *bytes, size_t size, ag_arena *arena)
{
    ag_entry entry;
    if (ag_entry_read(bytes, size, arena, &entry, NULL) < 0) return;
    size_t again = ag_entry_size(&entry);
    if (again > AG_ENTRY_MAX) return;
    uint8_t *copy = ag_alloc(again);
    if (copy) ag_entry_write(&entry, copy);
    if (copy && (again > size + 7 || ag_entry_at(copy, again) != again)) abort(); /* 7: what fills it up */
    ag_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_arena *arena = ag_arena_new(64 << 20);
    uint64_t damaged = 0;
    size_t offset = 0, found;
    if (!arena) return 0;
    uint8_t *bytes = ag_alloc_aligned(8, size + 8);
    if (bytes) {
        memcpy(bytes, data, size);
        while ((found = ag_spool_segment_next(bytes, size, &offset, &damaged))) {
            read_one(bytes + offset, found, arena);
            offset += found;
        }
        /* Without the hash, which no fuzzer guesses. */
        if (size >= AG_ENTRY_HEAD) read_one(bytes, size, arena);
    }
    ag_free(bytes);
    ag_arena_free(arena);
    return 0;
}
