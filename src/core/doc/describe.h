// SPDX-License-Identifier: Apache-2.0
#pragma once
/* describe.h: a struct described by a table. One table per configuration struct drives reading (JSON or YAML),
 * defaults, checking, overriding ("--set a.b=c"), writing back, and the documentation of every key. An unknown key is
 * refused with the nearest known one; every refusal says file, line, column and the path of the key. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/doc/json.h"
#include "core/doc/value.h"
#include "core/doc/yaml.h"

typedef enum ag_field_type {
    AG_FIELD_BOOL,     /* bool */
    AG_FIELD_INT,      /* int64_t */
    AG_FIELD_REAL,     /* double; NaN is refused */
    AG_FIELD_TEXT,     /* const char *, NULL when absent and without a default */
    AG_FIELD_CHOICE,   /* int: index into `choices` */
    AG_FIELD_BYTES,    /* uint64_t; also reads "64MB" */
    AG_FIELD_DURATION, /* int64_t microseconds; also reads "30s"; a bare number is seconds */
    AG_FIELD_STRUCT,   /* a nested struct, described by `inner` */
    AG_FIELD_OPTIONAL, /* a pointer to a nested struct (`inner`), NULL when the key is absent or null */
    AG_FIELD_LIST,     /* ag_list of `item`s (any type but LIST; `inner` for structs) */
    AG_FIELD_VALUE,    /* const ag_value *: free form, NULL when absent */
} ag_field_type;

typedef struct ag_list { /* items lie side by side; memory of the arena */
    const void *items;
    size_t count;
} ag_list;

typedef struct ag_field {
    const char *name; /* the key as users write it */
    ag_field_type type;
    size_t offset;              /* offsetof(struct, member) */
    const char *fallback;       /* the default, as users would write it; NULL: zero, false, absent, empty */
    bool required;              /* absence is an error */
    bool nullable;              /* null is taken as absent. So it is, without this, for OPTIONAL, VALUE, and a TEXT
                                   that is not required and has no default */
    double min, max;            /* for numbers, bytes, durations (in seconds) and list lengths; both 0: any */
    const char *const *choices; /* CHOICE, or the allowed texts of a TEXT; ended by NULL */
    ag_field_type item;         /* of LIST */
    const struct ag_description *inner;
    const char *alias; /* another accepted spelling, or NULL */
    const char *doc;   /* one sentence; required */
} ag_field;

typedef struct ag_description {
    const char *name; /* "training_config" */
    const char *doc;
    size_t size; /* sizeof the struct */
    const ag_field *fields;
    size_t count;
    /* Optional: what `true` and `false` stand for where this mapping is expected, as users would write it:
     * "{enabled: true}". NULL: a boolean is refused. */
    const char *when_true, *when_false;
    /* Optional: what one key cannot know ("min_lr must be below learning_rate"). `into` is filled. Use ag_fail(). */
    int (*check)(const void *into, ag_err *err);
} ag_description;

/* The tree of a configuration's text, in YAML. What is malformed is a wrong call, as a wrong value in it is: AG_EINVAL,
 * and no AG_EPARSE, which is for data. */
int ag_describe_parse(ag_arena *arena, ag_str text, const ag_yaml_options *options, const ag_value **out, ag_err *err);
/* Fills `into` (description->size bytes) with the defaults. Text and lists from the arena. */
int ag_describe_defaults(const ag_description *description, ag_arena *arena, void *into, ag_err *err);
/* Defaults, then the tree's values. `value` may be NULL or null (all defaults). `file` is for messages, may be NULL. */
int ag_describe_read(const ag_description *description, ag_arena *arena, const ag_value *value, const char *file,
                     void *into, ag_err *err);
/* The tree with "path=value" applied (value in YAML's flow style); a new tree in the arena. The path is checked against
 * the description; an unknown one is refused with the nearest. A later refusal of the value names
 * "--set" as its place (its line is AG_LINE_SET), not the file that it replaces a value of. */
int ag_describe_override(const ag_description *description, ag_arena *arena, const ag_value *value, ag_str assignment,
                         const ag_value **out, ag_err *err);
/* The effective configuration: every key with its value, in table order. */
int ag_describe_write(const ag_description *description, const void *from, ag_json *json);
/* The documentation: a Markdown table (key, type, default, range, meaning), nested structs as sections below. */
int ag_describe_markdown(const ag_description *description, ag_buf *out);
/* JSON Schema (2020-12) of the struct. */
int ag_describe_schema(const ag_description *description, ag_json *json);
/* Checks a table itself (names unique, docs there, fallbacks readable, offsets inside): for tests. */
int ag_describe_verify(const ag_description *description, ag_err *err);
