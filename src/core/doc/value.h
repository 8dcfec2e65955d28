// SPDX-License-Identifier: Apache-2.0
#pragma once
/* value.h: a document in memory, the same for JSON and YAML: a tree in an arena whose every node knows where it stood.
 * Strings are UTF-8 slices that may hold NUL. Members keep the order of the text. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

typedef enum ag_kind { AG_NULL, AG_BOOL, AG_INT, AG_REAL, AG_STRING, AG_ARRAY, AG_OBJECT } ag_kind;

typedef struct ag_value {
    ag_kind kind;
    uint32_t line;   /* from 1; 0 when made by hand, AG_LINE_SET when said by --set */
    uint32_t column; /* in bytes, from 1 */
    union {
        bool boolean;
        int64_t integer;
        double real;
        ag_str string;
        struct {
            const struct ag_value *items;
            size_t count;
        } array;
        struct {
            const struct ag_member *members;
            size_t count;
        } object;
    };
} ag_value;

typedef struct ag_member {
    ag_str name;
    uint32_t line; /* of the name */
    uint32_t column;
    ag_value value;
} ag_member;

const char *ag_kind_name(ag_kind kind); /* "an integer": for messages */

/* A member of an object, NULL when absent or not an object. */
const ag_value *ag_value_get(const ag_value *object, const char *name);
/* By a path "a.b[2].c"; NULL when absent. */
const ag_value *ag_value_at(const ag_value *root, const char *path);
const ag_value *ag_value_item(const ag_value *array, size_t index); /* NULL when out of range */

/* True and *out when the value has (or can exactly give) that kind; an integer gives a real, a real with an integral
 * value within 2^53 gives an integer. False for NULL. */
bool ag_value_bool(const ag_value *value, bool *out);
bool ag_value_int(const ag_value *value, int64_t *out);
bool ag_value_real(const ag_value *value, double *out);
bool ag_value_string(const ag_value *value, ag_str *out);

bool ag_value_equal(const ag_value *a, const ag_value *b); /* members in any order; NaN equals NaN, 1 equals 1.0 */
