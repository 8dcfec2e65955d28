// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a config.json: what is accepted is written and read again as the same, and a small model of it is built
 * or refused with a text. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "learn/nn/checkpoint/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Models that take long to build are left out: many layers, long lists. */
static bool is_small(const ag_model_config *config)
{
    const ag_description *d = config->architecture->configuration;
    for (size_t i = 0; i < d->count; i++) {
        const char *at = (const char *)config->values + d->fields[i].offset;
        bool layers = strcmp(d->fields[i].name, "num_layers") == 0;
        if (layers && *(const int64_t *)(const void *)at > 8) return false;
        if (d->fields[i].type == AG_FIELD_LIST && ((const ag_list *)(const void *)at)->count > 64) return false;
    }
    return true;
}

static void build(const ag_model_config *config)
{
    ag_building forward = {0};
    ag_graph *graph = NULL;
    ag_err err = {0};
    if (!is_small(config)) return;
    int rc = ag_architecture_graph(config->architecture, config->values, &forward, &graph, &err);
    if (rc < 0 && !*err.text) abort();
    ag_graph_free(graph);
}

static void write_text(const ag_model_config *config, ag_buf *out)
{
    ag_err err = {0};
    ag_buf_init(out, (size_t)8 << 20);
    if (ag_model_config_write(config, out, &err) < 0 && err.code != AG_ENOMEM && err.code != AG_ELIMIT) abort();
}

static void read_again(ag_arena *arena, const ag_buf *text)
{
    ag_err err = {0};
    ag_model_config config;
    ag_buf again;
    if (text->size > AG_CONFIG_MAX_BYTES) return;
    if (ag_model_config_read(arena, ag_buf_str(text), "again", NULL, &config, &err) < 0) abort();
    write_text(&config, &again);
    if (again.size != text->size || memcmp(again.data, text->data, text->size) != 0) abort();
    ag_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_model_config config;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return 0;
    int rc = ag_model_config_read(arena, (ag_str){(const char *)data, size}, NULL, NULL, &config, &err);
    if (rc < 0 && (!*err.text || err.code != (ag_code)rc)) abort();
    if (rc >= 0) {
        ag_buf text;
        write_text(&config, &text);
        read_again(arena, &text);
        build(&config);
        ag_buf_deinit(&text);
    }
    ag_arena_free(arena);
    return 0;
}
