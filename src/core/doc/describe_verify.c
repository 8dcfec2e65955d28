// SPDX-License-Identifier: Apache-2.0
/* describe_verify.c: is a table itself right? For the tests of whoever writes one: a wrong offset or a fallback that
 * does not parse shows there and not at a user. Every description that is reachable is looked at once. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/describe_parts.h"

/* AG_EINTERNAL: a wrong table is a bug of ours, not of a user. */
AG_PRINTF(4, 5)
static int refuse(ag_err *err, const ag_description *description, const ag_field *field, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ag_fail(err, AG_EINTERNAL, "%s.%s: %s", description->name, field->name ? field->name : "?", text);
}

static int verify_name(const ag_description *description, const ag_field *field, const char *name, ag_err *err)
{
    size_t uses = 0;
    if (!name || !*name) return refuse(err, description, field, "a key needs a name");
    if (strpbrk(name, ".[]= \t")) return refuse(err, description, field, "the name '%s' cannot stand in a path", name);
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *other = &description->fields[i];
        uses += other->name && strcmp(other->name, name) == 0;
        uses += other->alias && strcmp(other->alias, name) == 0;
    }
    return uses == 1 ? AG_OK : refuse(err, description, field, "the name '%s' is used %zu times", name, uses);
}

static int verify_type(const ag_description *description, const ag_field *field, ag_err *err)
{
    ag_field_type type = field->type == AG_FIELD_LIST ? field->item : field->type;
    bool nested = type == AG_FIELD_STRUCT || type == AG_FIELD_OPTIONAL;
    if ((unsigned)type > AG_FIELD_VALUE) return refuse(err, description, field, "unknown type %d", (int)type);
    if (type == AG_FIELD_LIST) return refuse(err, description, field, "a list of lists is not supported");
    if (nested && (!field->inner || !field->inner->size))
        return refuse(err, description, field, "a struct needs `inner`, with a size");
    if (!nested && field->inner) return refuse(err, description, field, "`inner` is only for structs");
    if (type == AG_FIELD_CHOICE && (!field->choices || !field->choices[0]))
        return refuse(err, description, field, "a choice needs `choices`");
    if (field->choices && type != AG_FIELD_CHOICE && type != AG_FIELD_TEXT)
        return refuse(err, description, field, "`choices` are only for CHOICE and TEXT");
    if (!(field->min <= field->max)) return refuse(err, description, field, "min is above max");
    bool number = field->type == AG_FIELD_INT || field->type == AG_FIELD_REAL || field->type == AG_FIELD_BYTES ||
                  field->type == AG_FIELD_DURATION || field->type == AG_FIELD_LIST;
    if (number && !field->required && !field->fallback && ag_describe_ranged(field) &&
        (field->min > 0 || field->max < 0))
        return refuse(err, description, field, "without a fallback it would be 0, which is out of its range");
    if (field->required && field->fallback)
        return refuse(err, description, field, "a required key cannot have a fallback");
    return AG_OK;
}

static size_t alignment_of(ag_field_type type)
{
    return type == AG_FIELD_BOOL     ? 1
           : type == AG_FIELD_CHOICE ? _Alignof(int)
           : type == AG_FIELD_STRUCT ? 1
                                     : _Alignof(int64_t);
}

static int verify_place(const ag_description *description, const ag_field *field, ag_err *err)
{
    size_t size = ag_describe_size(field->type, field->inner);
    if (field->offset > description->size || size > description->size - field->offset)
        return refuse(err, description, field, "lies outside its struct");
    if (field->offset % alignment_of(field->type)) return refuse(err, description, field, "is not aligned");
    for (size_t i = 0; i < description->count && &description->fields[i] != field; i++) {
        const ag_field *other = &description->fields[i];
        size_t other_size = ag_describe_size(other->type, other->inner);
        if (field->offset < other->offset + other_size && other->offset < field->offset + size)
            return refuse(err, description, field, "lies on '%s'", other->name);
    }
    return AG_OK;
}

static int verify_fallback(const ag_description *description, const ag_field *field, ag_arena *arena, ag_err *err)
{
    ag_reading reading = {.arena = arena, .root = description, .err = err};
    ag_key_path root = {0}, path = {.up = &root, .name = ag_str_of(field->name)};
    const ag_value *value;
    if (!field->fallback) return AG_OK;
    size_t size = ag_describe_size(field->type, field->inner);
    void *scratch = ag_arena_alloc(arena, size);
    if (!scratch) return ag_fail_memory(err, size);
    int rc = ag_reading_fallback(&reading, field, &value);
    if (rc == AG_OK) rc = ag_reading_field(&reading, field, value, &path, scratch);
    if (rc == AG_ENOMEM || rc == AG_OK) return rc;
    ag_err reason = *err;
    return refuse(err, description, field, "the fallback '%s' cannot be read: %s", field->fallback, reason.text);
}

/* What a boolean stands for. */
static int verify_short(const ag_description *description, bool on, ag_arena *arena, ag_err *err)
{
    const char *text = on ? description->when_true : description->when_false;
    const ag_value value = {.kind = AG_BOOL, .boolean = on};
    if (!text) return AG_OK;
    void *scratch = ag_arena_alloc(arena, description->size);
    if (!scratch) return ag_fail_memory(err, description->size);
    int rc = ag_describe_read(description, arena, &value, NULL, scratch, err);
    if (rc == AG_ENOMEM || rc == AG_OK) return rc;
    ag_err reason = *err;
    return ag_fail(err, AG_EINTERNAL, "%s: '%s', which %s stands for, cannot be read: %s", description->name, text,
                   on ? "true" : "false", reason.text);
}

static int verify_one(const ag_description *description, ag_arena *arena, ag_err *err)
{
    int rc;
    if (!description->name || !*description->name || !description->size)
        return ag_fail(err, AG_EINTERNAL, "a description needs a name and a size");
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        if ((rc = verify_name(description, field, field->name, err)) < 0) return rc;
        if (field->alias && (rc = verify_name(description, field, field->alias, err)) < 0) return rc;
        if (!field->doc || !*field->doc) return refuse(err, description, field, "a key needs a sentence of `doc`");
        if ((rc = verify_type(description, field, err)) < 0) return rc;
        if ((rc = verify_place(description, field, err)) < 0) return rc;
    }
    /* Only now are the fields safe to read by. */
    if ((rc = verify_short(description, true, arena, err)) < 0) return rc;
    if ((rc = verify_short(description, false, arena, err)) < 0) return rc;
    for (size_t i = 0; i < description->count; i++)
        if ((rc = verify_fallback(description, &description->fields[i], arena, err)) < 0) return rc;
    return AG_OK;
}

int ag_describe_verify(const ag_description *description, ag_err *err)
{
    const ag_description **all = NULL;
    size_t count = 0;
    ag_err ignored;
    if (!err) err = &ignored;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 0);
    int rc = ag_describe_reach(description, &all, &count, err);
    for (size_t i = 0; rc == AG_OK && i < count; i++) rc = verify_one(all[i], arena, err);
    ag_arena_free(arena);
    ag_free(all);
    return rc;
}
