// SPDX-License-Identifier: Apache-2.0
/* Command lines: words separated by newlines, parsed against a table with every type of option. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/sample.h"
#include "core/base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The promises of ag_parse(): a failure has a text, a success holds what is required. */
static void look(ag_invocation *invocation, int rc, const ag_err *err)
{
    if (rc < 0 && !*err->text) abort();
    if (rc < 0 || !invocation->command || ag_option_flag(invocation, "help")) return;
    for (size_t i = 0; i < invocation->slot_count; i++)
        if (invocation->slots[i].option->required && !invocation->slots[i].count) abort();
    if (invocation->misread) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_WORDS = 64 };
    const char *words[MAX_WORDS];
    int count = 0;
    ag_arena *arena = ag_arena_new(0);
    char *text = arena ? ag_arena_strndup(arena, (const char *)data, size) : NULL;
    while (text && count < MAX_WORDS) {
        words[count++] = text;
        char *end = strchr(text, '\n');
        if (end) *end++ = '\0';
        text = end;
    }
    ag_err err = {0};
    ag_invocation invocation = {.commands = sample_commands(), .arena = arena};
    if (count) look(&invocation, ag_parse(count, words, sample_no_environment, &invocation, &err), &err);
    ag_arena_free(arena);
    return 0;
}
