// SPDX-License-Identifier: Apache-2.0
/* describe_read.c: a tree into a struct, by its table.
 * Order within one mapping: is it a mapping, is every key known, then each field in table order (value, else fallback,
 * else refuse if required), then the description's own check. Unknown keys come first because a misspelled required key
 * should be called misspelled, not missing. The first failure ends the reading; *into is then undefined. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/doc/describe_parts.h"
#include "core/doc/yaml.h"
#include "core/doc/yaml_scalar.h"

int ag_describe_parse(ag_arena *arena, ag_str text, const ag_yaml_options *options, const ag_value **out, ag_err *err)
{
    int rc = ag_yaml_parse(arena, text, options, out, err);
    if (rc != AG_EPARSE) return rc;
    if (err) err->code = AG_EINVAL;
    return AG_EINVAL;
}

static int read_struct(ag_reading *reading, const ag_description *description, const ag_value *value,
                       const ag_key_path *path, void *into);

const ag_field *ag_describe_find(const ag_description *description, ag_str name)
{
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        if (ag_str_is(name, field->name) || (field->alias && ag_str_is(name, field->alias))) return field;
    }
    return NULL;
}

size_t ag_describe_size(ag_field_type type, const ag_description *inner)
{
    switch (type) {
    case AG_FIELD_BOOL: return sizeof(bool);
    case AG_FIELD_INT: return sizeof(int64_t);
    case AG_FIELD_REAL: return sizeof(double);
    case AG_FIELD_TEXT: return sizeof(const char *);
    case AG_FIELD_CHOICE: return sizeof(int);
    case AG_FIELD_BYTES: return sizeof(uint64_t);
    case AG_FIELD_DURATION: return sizeof(int64_t);
    case AG_FIELD_STRUCT: return inner ? inner->size : 0;
    case AG_FIELD_OPTIONAL: return sizeof(void *);
    case AG_FIELD_LIST: return sizeof(ag_list);
    case AG_FIELD_VALUE: return sizeof(const ag_value *);
    }
    return 0;
}

bool ag_describe_is_texty(ag_field_type type)
{
    return type == AG_FIELD_TEXT || type == AG_FIELD_CHOICE || type == AG_FIELD_BYTES || type == AG_FIELD_DURATION;
}

void ag_describe_place(ag_value *value, uint32_t line, uint32_t column)
{
    value->line = line;
    value->column = column;
    /* The tree was just made by our own reader: its nodes are not constant objects. */
    for (size_t i = 0; value->kind == AG_ARRAY && i < value->array.count; i++)
        ag_describe_place((ag_value *)(uintptr_t)&value->array.items[i], line, column);
    for (size_t i = 0; value->kind == AG_OBJECT && i < value->object.count; i++) {
        ag_member *member = (ag_member *)(uintptr_t)&value->object.members[i];
        member->line = line;
        member->column = column;
        ag_describe_place(&member->value, line, column);
    }
}

int ag_reading_fallback(const ag_reading *reading, const ag_field *field, const ag_value **out)
{
    ag_value *value = ag_arena_alloc(reading->arena, sizeof *value);
    const ag_value *parsed;
    if (!value) return ag_fail_memory(reading->err, sizeof *value);
    ag_str text = ag_str_of(field->fallback);
    *out = value;
    if (ag_describe_is_texty(field->type)) {
        *value = (ag_value){.kind = AG_STRING, .string = text};
        return AG_OK;
    }
    /* Most fallbacks are numbers and booleans: no need of a whole parser. */
    if (ag_yaml_resolve(text, value) && value->kind != AG_STRING) return AG_OK;
    int rc = ag_describe_parse(reading->arena, text, NULL, &parsed, reading->err);
    if (rc < 0) {
        (void)ag_err_prefix(reading->err, "the fallback of '%s'", field->name);
        return rc;
    }
    *value = *parsed;
    ag_describe_place(value, 0, 0);
    return AG_OK;
}

int ag_reading_spelled_out(const ag_reading *reading, const ag_description *description, const ag_value **value)
{
    const ag_value *parsed;
    bool on;
    if (!ag_value_bool(*value, &on)) return AG_OK;
    const char *text = on ? description->when_true : description->when_false;
    if (!text) return AG_OK;
    int rc = ag_describe_parse(reading->arena, ag_str_of(text), NULL, &parsed, reading->err);
    if (rc < 0) return rc;
    ag_describe_place((ag_value *)(uintptr_t)parsed, (*value)->line, (*value)->column);
    *value = parsed;
    return AG_OK;
}

/* Where the table has a key of that name, as "a.b", below `description`. */
static bool find_elsewhere(const ag_description *description, ag_str name, unsigned levels, char *out, size_t size)
{
    for (size_t i = 0; levels && i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        char below[128] = "";
        if (!field->inner || field->type == AG_FIELD_LIST) continue;
        if (!ag_describe_find(field->inner, name) &&
            !find_elsewhere(field->inner, name, levels - 1, below, sizeof below))
            continue;
        (void)ag_format(out, size, "%s%s%s", field->name, *below ? "." : "", below);
        return true;
    }
    return false;
}

static void list_keys(const ag_description *description, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < description->count; i++) {
        size_t more = strlen(description->fields[i].name) + 2;
        if (used + more + 4 > size) {
            (void)ag_format(out + used, size - used, " ...");
            return;
        }
        (void)ag_format(out + used, size - used, "%s%s", i ? ", " : "", description->fields[i].name);
        used = strlen(out);
    }
}

static const char *nearest_key(const ag_description *description, ag_str name)
{
    const char *best = NULL, *by_alias = NULL;
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        /* A tournament: the winner so far against the next one, so that no list need be allocated. */
        const char *const pair[] = {best ? best : field->name, field->name};
        const char *winner = ag_nearest(name, pair, 2);
        if (winner) best = winner;
        if (field->alias && ag_nearest(name, &field->alias, 1)) by_alias = field->name;
    }
    return best ? best : by_alias;
}

int ag_reading_refuse_unknown(const ag_reading *reading, const ag_description *description, const ag_key_path *path,
                              ag_str name, const ag_value *where)
{
    char place[128], keys[220];
    ag_key_path here = {.up = path, .name = {name.data, ag_utf8_cut(name, 80)}};
    const char *nearest = nearest_key(description, name);
    int rc = ag_reading_fail(reading, where, &here, "unknown key");
    if (ag_describe_find(reading->root, name))
        (void)ag_err_hint(reading->err, "'%.*s' belongs at the top level", AG_STR_ARG(here.name));
    else if (find_elsewhere(reading->root, name, 6, place, sizeof place))
        (void)ag_err_hint(reading->err, "'%.*s' belongs under '%s'", AG_STR_ARG(here.name), place);
    else if (nearest)
        (void)ag_err_hint(reading->err, "did you mean '%s'?", nearest);
    else {
        list_keys(description, keys, sizeof keys);
        (void)ag_err_hint(reading->err, "known keys: %s", keys);
    }
    return rc;
}

static int refuse_unknown_keys(const ag_reading *reading, const ag_description *description, const ag_value *value,
                               const ag_key_path *path)
{
    for (size_t i = 0; value && i < value->object.count; i++) {
        const ag_member *member = &value->object.members[i];
        if (ag_describe_find(description, member->name)) continue;
        ag_value where = {.line = member->line, .column = member->column};
        return ag_reading_refuse_unknown(reading, description, path, member->name, &where);
    }
    return AG_OK;
}

/* Null counts as absent where absence is meant to be possible. */
static bool null_is_absent(const ag_field *field)
{
    return field->nullable || field->type == AG_FIELD_OPTIONAL || field->type == AG_FIELD_VALUE ||
           (field->type == AG_FIELD_TEXT && !field->fallback && !field->required);
}

/* The value of a field in the mapping (which may be NULL); *out stays NULL when absent. */
static int find_value(const ag_reading *reading, const ag_field *field, const ag_value *mapping,
                      const ag_key_path *path, const ag_value **out)
{
    const ag_value *by_name = ag_value_get(mapping, field->name);
    const ag_value *by_alias = field->alias ? ag_value_get(mapping, field->alias) : NULL;
    if (by_name && by_alias)
        return ag_reading_fail(reading, by_alias, path, "'%s' and '%s' mean the same: write one of them", field->name,
                               field->alias);
    *out = by_name ? by_name : by_alias;
    if (*out && (*out)->kind == AG_NULL && null_is_absent(field)) *out = NULL;
    return AG_OK;
}

static int read_absent(ag_reading *reading, const ag_field *field, const ag_value *mapping, const ag_key_path *up,
                       void *slot)
{
    ag_key_path path = {.up = up, .name = ag_str_of(field->name)};
    const ag_value *fallback;
    int rc;
    if (field->required) {
        rc = ag_reading_fail(reading, mapping, up, "the key '%s' is missing", field->name);
        (void)ag_err_hint(reading->err, "%s: %s", field->name, field->doc);
        return rc;
    }
    if (field->fallback) {
        rc = ag_reading_fallback(reading, field, &fallback);
        return rc < 0 ? rc : ag_reading_field(reading, field, fallback, &path, slot);
    }
    return field->type == AG_FIELD_STRUCT ? read_struct(reading, field->inner, NULL, &path, slot) : AG_OK;
}

static int read_fields(ag_reading *reading, const ag_description *description, const ag_value *mapping,
                       const ag_key_path *up, void *into)
{
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        ag_key_path path = {.up = up, .name = ag_str_of(field->name)};
        void *slot = (char *)into + field->offset;
        const ag_value *value = NULL;
        int rc = find_value(reading, field, mapping, up, &value);
        if (rc < 0) return rc;
        /* A refusal names what the user has written. */
        if (value && !ag_value_get(mapping, field->name)) path.name = ag_str_of(field->alias);
        rc = value ? ag_reading_field(reading, field, value, &path, slot)
                   : read_absent(reading, field, mapping, up, slot);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static bool holds_said(const ag_value *value)
{
    bool found = value->line == AG_LINE_SET;
    for (size_t i = 0; !found && value->kind == AG_ARRAY && i < value->array.count; i++)
        found = holds_said(&value->array.items[i]);
    for (size_t i = 0; !found && value->kind == AG_OBJECT && i < value->object.count; i++)
        found = holds_said(&value->object.members[i].value);
    return found;
}

static int run_check(const ag_reading *reading, const ag_description *description, const ag_value *mapping,
                     const ag_key_path *path, const void *into)
{
    char key[256];
    int rc = description->check ? description->check(into, reading->err) : AG_OK;
    if (rc >= 0) return AG_OK;
    ag_key_path_text(path, key, sizeof key);
    if (mapping && mapping->line != AG_LINE_SET && holds_said(mapping)) /* the file alone may be right */
        (void)ag_err_prefix(reading->err, "%s%swith --set", key, *key ? ", " : "");
    else if (*key)
        (void)ag_err_prefix(reading->err, "%s", key);
    if (mapping && mapping->line) (void)ag_err_place(reading->err, reading->file, mapping->line, mapping->column);
    return rc;
}

static int refuse_kind(const ag_reading *reading, const ag_description *description, const ag_value *value,
                       const ag_key_path *path)
{
    char keys[220];
    int rc = ag_reading_fail(reading, value, path, "expected a mapping of keys, found %s", ag_kind_name(value->kind));
    const char *yes = description->when_true, *no = description->when_false;
    list_keys(description, keys, sizeof keys);
    (void)ag_err_hint(reading->err, "known keys: %s%s%s%s%s", keys, yes || no ? "; or " : "", yes ? "true" : "",
                      yes && no ? " or " : "", no ? "false" : "");
    return rc;
}

static int read_struct(ag_reading *reading, const ag_description *description, const ag_value *value,
                       const ag_key_path *path, void *into)
{
    memset(into, 0, description->size);
    int rc = value ? ag_reading_spelled_out(reading, description, &value) : AG_OK;
    if (rc < 0) return rc;
    if (value && value->kind != AG_OBJECT && value->kind != AG_NULL)
        return refuse_kind(reading, description, value, path);
    if (value && value->kind == AG_NULL) value = NULL;
    if (reading->depth >= AG_DESCRIBE_DEPTH_MAX)
        return ag_fail(reading->err, AG_ELIMIT, "%s: nested deeper than %d levels", description->name,
                       AG_DESCRIBE_DEPTH_MAX);
    reading->depth++;
    if ((rc = refuse_unknown_keys(reading, description, value, path)) == AG_OK &&
        (rc = read_fields(reading, description, value, path, into)) == AG_OK)
        rc = run_check(reading, description, value, path, into);
    reading->depth--;
    return rc;
}

static int read_optional(ag_reading *reading, const ag_description *inner, const ag_value *value,
                         const ag_key_path *path, void **slot)
{
    *slot = NULL;
    if (value->kind == AG_NULL) return AG_OK;
    void *into = ag_arena_alloc(reading->arena, inner->size);
    if (!into) return ag_fail_memory(reading->err, inner->size);
    int rc = read_struct(reading, inner, value, path, into);
    if (rc < 0) return rc;
    *slot = into;
    return AG_OK;
}

int ag_reading_item(ag_reading *reading, const ag_field *field, const ag_value *value, const ag_key_path *path,
                    void *slot)
{
    if (field->item == AG_FIELD_STRUCT) return read_struct(reading, field->inner, value, path, slot);
    if (field->item == AG_FIELD_OPTIONAL) return read_optional(reading, field->inner, value, path, slot);
    return ag_reading_scalar(reading, field, field->item, false, value, path, slot);
}

static int check_length(const ag_reading *reading, const ag_field *field, const ag_value *value,
                        const ag_key_path *path)
{
    char range[96];
    double count = (double)value->array.count;
    if (!ag_describe_ranged(field) || (count >= field->min && count <= field->max)) return AG_OK;
    ag_describe_range(field, range, sizeof range);
    return ag_reading_fail(reading, value, path, "must have %s items, found %zu", range, value->array.count);
}

static int read_list(ag_reading *reading, const ag_field *field, const ag_value *value, const ag_key_path *path,
                     ag_list *out)
{
    int rc;
    if (value->kind != AG_ARRAY) {
        rc = ag_reading_fail(reading, value, path, "expected a list, found %s", ag_kind_name(value->kind));
        if (value->kind != AG_OBJECT && value->kind != AG_NULL)
            (void)ag_err_hint(reading->err, "a list of one is written [x]");
        return rc;
    }
    if ((rc = check_length(reading, field, value, path)) < 0) return rc;
    size_t size = ag_describe_size(field->item, field->inner), count = value->array.count;
    char *items = count ? ag_arena_array(reading->arena, count, size) : NULL;
    if (count && !items) return ag_fail_memory(reading->err, count * size);
    for (size_t i = 0; i < count; i++) {
        ag_key_path here = {.up = path, .index = i};
        if ((rc = ag_reading_item(reading, field, &value->array.items[i], &here, items + i * size)) < 0) return rc;
    }
    *out = (ag_list){items, count};
    return AG_OK;
}

int ag_reading_field(ag_reading *reading, const ag_field *field, const ag_value *value, const ag_key_path *path,
                     void *slot)
{
    switch (field->type) {
    case AG_FIELD_STRUCT: return read_struct(reading, field->inner, value, path, slot);
    case AG_FIELD_OPTIONAL: return read_optional(reading, field->inner, value, path, slot);
    case AG_FIELD_LIST: return read_list(reading, field, value, path, slot);
    default: return ag_reading_scalar(reading, field, field->type, true, value, path, slot);
    }
}

int ag_describe_read(const ag_description *description, ag_arena *arena, const ag_value *value, const char *file,
                     void *into, ag_err *err)
{
    ag_err ignored;
    ag_reading reading = {.arena = arena, .file = file, .root = description, .err = err ? err : &ignored};
    ag_key_path root = {0};
    return read_struct(&reading, description, value, &root, into);
}

/* Defaults are what reading nothing gives, except that nothing is required. */
static int default_fields(ag_reading *reading, const ag_description *description, void *into)
{
    ag_key_path root = {0};
    memset(into, 0, description->size);
    for (size_t i = 0; i < description->count; i++) {
        ag_field field = description->fields[i];
        void *slot = (char *)into + field.offset;
        field.required = false;
        int rc = field.type == AG_FIELD_STRUCT && !field.fallback ? default_fields(reading, field.inner, slot)
                                                                  : read_absent(reading, &field, NULL, &root, slot);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

int ag_describe_defaults(const ag_description *description, ag_arena *arena, void *into, ag_err *err)
{
    ag_err ignored;
    ag_reading reading = {.arena = arena, .root = description, .err = err ? err : &ignored};
    return default_fields(&reading, description, into);
}

static int reach_one(ag_vec *seen, const ag_description *description, ag_err *err)
{
    for (size_t i = 0; i < seen->count; i++)
        if (*(const ag_description **)ag_vec_at(seen, i) == description) return AG_OK;
    return ag_vec_push(seen, &description, err);
}

int ag_describe_reach(const ag_description *root, const ag_description ***out, size_t *count, ag_err *err)
{
    ag_vec seen;
    ag_vec_init(&seen, sizeof root);
    int rc = reach_one(&seen, root, err);
    for (size_t at = 0; rc == AG_OK && at < seen.count; at++) {
        const ag_description *description = *(const ag_description **)ag_vec_at(&seen, at);
        for (size_t i = 0; rc == AG_OK && i < description->count; i++)
            if (description->fields[i].inner) rc = reach_one(&seen, description->fields[i].inner, err);
    }
    if (rc < 0) {
        ag_vec_deinit(&seen);
        return rc;
    }
    *out = seen.items;
    *count = seen.count;
    return AG_OK;
}
