// SPDX-License-Identifier: Apache-2.0
#pragma once
/* yaml.h: configuration in YAML 1.2's core schema, into the same tree as JSON. One document; anchors and aliases are
 * expanded within the limits (no "billion laughs"); tags other than the core ones, duplicate keys, keys that are not
 * strings, and merge keys are refused with line and column. Of 1.1's surprises only "yes/no/on/off" matter: they are
 * strings here, and a described bool that meets one says so. */
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/doc/value.h"

typedef struct ag_yaml_options { /* zeros: the defaults in brackets */
    const char *file;
    size_t max_bytes;   /* [16 MiB] */
    uint32_t max_depth; /* [64]; never more than 256 */
    size_t max_values;  /* after expansion of aliases [1 million] */
} ag_yaml_options;

/* An empty document is AG_NULL. */
int ag_yaml_parse(ag_arena *arena, ag_str text, const ag_yaml_options *options, const ag_value **out, ag_err *err);
/* Block style, keys in order, strings quoted where another reading would differ. */
int ag_yaml_write(const ag_value *value, ag_buf *out, ag_err *err);
