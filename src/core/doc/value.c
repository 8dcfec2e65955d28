// SPDX-License-Identifier: Apache-2.0
/* value.c: looking into a document. Lookup is a linear search on purpose: documents are small or are walked in order,
 * and an index would double the size of every object. */
#include "core/doc/value.h"

#include <math.h>

#include "core/base/str.h"

#define EXACT_INTEGERS 9007199254740992.0 /* 2^53 */

const char *ag_kind_name(ag_kind kind)
{
    switch (kind) {
    case AG_NULL: return "null";
    case AG_BOOL: return "a boolean";
    case AG_INT: return "an integer";
    case AG_REAL: return "a number";
    case AG_STRING: return "a string";
    case AG_ARRAY: return "a list";
    case AG_OBJECT: return "a mapping";
    }
    return "nothing";
}

static const ag_value *get(const ag_value *object, ag_str name)
{
    if (!object || object->kind != AG_OBJECT) return NULL;
    for (size_t i = 0; i < object->object.count; i++)
        if (ag_str_equal(object->object.members[i].name, name)) return &object->object.members[i].value;
    return NULL;
}

const ag_value *ag_value_get(const ag_value *object, const char *name)
{
    return get(object, ag_str_of(name));
}

const ag_value *ag_value_item(const ag_value *array, size_t index)
{
    if (!array || array->kind != AG_ARRAY || index >= array->array.count) return NULL;
    return &array->array.items[index];
}

/* "[12]" at *path; moves behind it. */
static const ag_value *step_into_array(const ag_value *value, const char **path)
{
    const char *at = *path + 1;
    size_t index = 0;
    if (*at < '0' || *at > '9') return NULL;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (index > (SIZE_MAX - 9) / 10) return NULL;
        index = index * 10 + (size_t)(*at - '0');
    }
    if (*at != ']') return NULL;
    *path = at + 1;
    return ag_value_item(value, index);
}

const ag_value *ag_value_at(const ag_value *root, const char *path)
{
    const ag_value *value = root;
    const char *at = path;
    while (value && *at) {
        if (*at == '[') {
            value = step_into_array(value, &at);
            continue;
        }
        if (at != path && *at++ != '.') return NULL;
        size_t size = strcspn(at, ".[");
        if (size == 0) return NULL;
        value = get(value, (ag_str){at, size});
        at += size;
    }
    return value;
}

bool ag_value_bool(const ag_value *value, bool *out)
{
    if (!value || value->kind != AG_BOOL) return false;
    *out = value->boolean;
    return true;
}

bool ag_value_int(const ag_value *value, int64_t *out)
{
    if (!value) return false;
    if (value->kind == AG_INT) {
        *out = value->integer;
        return true;
    }
    if (value->kind != AG_REAL || !(fabs(value->real) <= EXACT_INTEGERS) || floor(value->real) != value->real)
        return false;
    *out = (int64_t)value->real;
    return true;
}

bool ag_value_real(const ag_value *value, double *out)
{
    if (!value || (value->kind != AG_INT && value->kind != AG_REAL)) return false;
    *out = value->kind == AG_INT ? (double)value->integer : value->real;
    return true;
}

bool ag_value_string(const ag_value *value, ag_str *out)
{
    if (!value || value->kind != AG_STRING) return false;
    *out = value->string;
    return true;
}

/* Exact: 2^53 + 1 does not equal the double beside it. */
static bool equal_mixed(int64_t integer, double real)
{
    return real >= -9223372036854775808.0 && real < 9223372036854775808.0 && floor(real) == real &&
           (int64_t)real == integer;
}

static bool equal_objects(const ag_value *a, const ag_value *b)
{
    if (a->object.count != b->object.count) return false;
    for (size_t i = 0; i < a->object.count; i++) {
        const ag_member *member = &a->object.members[i], *twin = &b->object.members[i];
        /* The same order is the usual case; only then the search is not needed. */
        const ag_value *other = ag_str_equal(member->name, twin->name) ? &twin->value : get(b, member->name);
        if (!other || !ag_value_equal(&member->value, other)) return false;
    }
    return true;
}

bool ag_value_equal(const ag_value *a, const ag_value *b)
{
    if (!a || !b) return a == b;
    if (a->kind == AG_INT && b->kind == AG_REAL) return equal_mixed(a->integer, b->real);
    if (a->kind == AG_REAL && b->kind == AG_INT) return equal_mixed(b->integer, a->real);
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case AG_NULL: return true;
    case AG_BOOL: return a->boolean == b->boolean;
    case AG_INT: return a->integer == b->integer;
    case AG_REAL: return a->real == b->real || (isnan(a->real) && isnan(b->real));
    case AG_STRING: return ag_str_equal(a->string, b->string);
    case AG_ARRAY:
        if (a->array.count != b->array.count) return false;
        for (size_t i = 0; i < a->array.count; i++)
            if (!ag_value_equal(&a->array.items[i], &b->array.items[i])) return false;
        return true;
    case AG_OBJECT: return equal_objects(a, b);
    }
    return false;
}
