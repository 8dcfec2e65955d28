// SPDX-License-Identifier: Apache-2.0
/* label_studio_fuzz.c: exports of Label Studio: what is taken must pass the checks of a label, and writing it as a line
 * of the history and reading that gives the same. */
#include <math.h>

#include "core/base/vec.h"
#include "data/label/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_history(ag_label_event *event, ag_arena *arena)
{
    ag_err err = {0};
    ag_buf line;
    ag_label_history history;
    if (ag_label_event_check(event, INFINITY, &err) < 0) __builtin_trap();
    event->sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    ag_buf_init(&line, 1 << 20);
    if (ag_label_event_write(event, &line, &err) == AG_OK &&
        ag_label_history_parse(ag_buf_str(&line), "a", arena, &history, &err) == AG_OK &&
        (history.count != 1 || !ag_label_event_same(event, &history.events[0])))
        __builtin_trap();
    ag_buf_deinit(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_annotator annotator = {"7", "anna"};
    ag_exchange_options options = {.annotators = &annotator, .annotator_count = 1, .author = "ben", .time = 1};
    ag_exchange_rows rows = {0};
    ag_err err = {0};
    ag_arena *arena = ag_arena_new((size_t)256 << 20);
    if (!arena) return 0;
    ag_vec_init(&rows.rows, sizeof(ag_exchange_row));
    ag_str text = {(const char *)data, size};
    if (ag_label_format_label_studio.read(text, "a.json", &options, arena, &rows, &err) == AG_OK)
        for (size_t i = 0; i < rows.rows.count; i++)
            try_history(&((ag_exchange_row *)ag_vec_at(&rows.rows, i))->event, arena);
    ag_vec_deinit(&rows.rows);
    ag_arena_free(arena);
    return 0;
}
