// SPDX-License-Identifier: Apache-2.0
#pragma once
/* config_parts.h: a dialect of config.json: how one architecture's file differs from its description. One const struct
 * per architecture that has a dialect, listed in config.c. */
#include "core/base/vec.h"
#include "learn/nn/checkpoint/config.h"

typedef struct ag_config_reading {
    ag_arena *arena;
    const ag_value *root; /* the file's object */
    const ag_safetensors *tensors;
    const ag_description *description;
    ag_vec members;          /* out: ag_member, what the description is to read */
    ag_vec ignored, unknown; /* out: const char * */
} ag_config_reading;

typedef struct ag_config_dialect {
    const char *architecture;
    int (*read)(ag_config_reading *reading, ag_err *err);                 /* required: fills the lists */
    int (*finish)(ag_config_reading *reading, void *values, ag_err *err); /* required: what the struct still needs */
    /* Required: adds ag_members of the file to `members`; `tree` is what the description wrote. */
    int (*write)(ag_arena *arena, const void *values, const ag_value *tree, ag_vec *members, ag_err *err);
    /* Required: the value as the description wants it. */
    ag_value (*spelling)(ag_arena *arena, const ag_field *field, const ag_value *value);
} ag_config_dialect;

extern const ag_config_dialect ag_config_dialect_patchtsmixer;

int ag_config_add(ag_vec *members, const char *name, ag_value value, ag_err *err);
int ag_config_name_it(ag_arena *arena, ag_vec *names, ag_str name, ag_err *err);
ag_value ag_config_text(const char *text);
const ag_field *ag_config_field(const ag_description *description, ag_str name); /* also by alias; NULL: none */
