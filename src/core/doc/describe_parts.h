// SPDX-License-Identifier: Apache-2.0
#pragma once
/* describe_parts.h: what the files describe_*.c share; nobody else includes it. */
#include "core/doc/describe.h"

/* Descriptions may refer to themselves through lists and optional structs; documents cannot be deeper than this. */
#define AG_DESCRIBE_DEPTH_MAX 256

/* Where in the tree of keys one stands, on the stack of the recursion: the root has no `up`. */
typedef struct ag_key_path {
    const struct ag_key_path *up;
    ag_str name; /* data NULL: an item of a list, `index` */
    size_t index;
} ag_key_path;

/* "a.b[2].c"; the root is "". Cut at the front when it does not fit. */
void ag_key_path_text(const ag_key_path *path, char *out, size_t size);

typedef struct ag_reading {
    ag_arena *arena;
    const char *file;
    const ag_description *root; /* to say where a misplaced key belongs */
    unsigned depth;
    ag_err *err;
} ag_reading;

/* AG_EINVAL with "path: text" at the place of `where` (NULL or made by hand: no place). */
int ag_reading_fail(const ag_reading *reading, const ag_value *where, const ag_key_path *path, const char *format, ...)
    AG_PRINTF(4, 5);

/* A value into a field's member, and into an item of a field that is a list. */
int ag_reading_field(ag_reading *reading, const ag_field *field, const ag_value *value, const ag_key_path *path,
                     void *slot);
int ag_reading_item(ag_reading *reading, const ag_field *field, const ag_value *value, const ag_key_path *path,
                    void *slot);
/* The scalar types. `ranged`: min and max are about this value, not about the list around it. */
int ag_reading_scalar(const ag_reading *reading, const ag_field *field, ag_field_type type, bool ranged,
                      const ag_value *value, const ag_key_path *path, void *slot);
/* The fallback as a value, made by hand. */
int ag_reading_fallback(const ag_reading *reading, const ag_field *field, const ag_value **out);
/* What a boolean in the place of a mapping stands for, with the boolean's place; the value itself for all others. */
int ag_reading_spelled_out(const ag_reading *reading, const ag_description *description, const ag_value **value);
int ag_reading_refuse_unknown(const ag_reading *reading, const ag_description *description, const ag_key_path *path,
                              ag_str name, const ag_value *where);

/* By name or alias; NULL when unknown. */
const ag_field *ag_describe_find(const ag_description *description, ag_str name);
/* Bytes of a value of that type in memory; 0 for a struct without `inner`. */
size_t ag_describe_size(ag_field_type type, const ag_description *inner);
/* True when min and max say something. */
bool ag_describe_ranged(const ag_field *field);
/* "1 to 10", "at least 1", "at most 10". */
void ag_describe_range(const ag_field *field, char *out, size_t size);
/* True for the types whose fallback is plain text rather than YAML. */
bool ag_describe_is_texty(ag_field_type type);

/* One place throughout a tree that our own reader just made: a fallback (0, 0) or an override has no place in the
 * user's file, and a word that stands for a mapping has one. */
void ag_describe_place(ag_value *value, uint32_t line, uint32_t column);

/* The distinct descriptions reachable from `root`, itself first, in table order. The
 * caller frees *out with ag_free(). */
int ag_describe_reach(const ag_description *root, const ag_description ***out, size_t *count, ag_err *err);
