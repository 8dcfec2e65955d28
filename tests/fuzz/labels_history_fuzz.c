// SPDX-License-Identifier: Apache-2.0
/* labels_history_fuzz.c: labels.jsonl: what is read writes the same again. */
#include <math.h>

#include "data/label/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_buf lines;
    ag_label_history first, again;
    ag_arena *arena = ag_arena_new((size_t)256 << 20);
    if (!arena) return 0;
    ag_buf_init(&lines, (size_t)64 << 20);
    if (ag_label_history_parse((ag_str){(const char *)data, size}, "a", arena, &first, &err) == AG_OK) {
        int rc = AG_OK;
        for (size_t i = 0; rc == AG_OK && i < first.count; i++)
            rc = ag_label_event_write(&first.events[i], &lines, &err);
        if (rc == AG_OK && ag_label_history_parse(ag_buf_str(&lines), "b", arena, &again, &err) != AG_OK)
            __builtin_trap();
        if (rc == AG_OK && again.count != first.count) __builtin_trap();
        for (size_t i = 0; rc == AG_OK && i < first.count; i++)
            if (!ag_label_event_same(&first.events[i], &again.events[i])) __builtin_trap();
    }
    ag_buf_deinit(&lines);
    ag_arena_free(arena);
    return 0;
}
