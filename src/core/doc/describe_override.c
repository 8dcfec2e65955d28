// SPDX-License-Identifier: Apache-2.0
/* describe_override.c: "a.b[1].c=value" applied to a tree.
 * Trees are constant: only the containers along the path are copied, the rest is shared. Table and tree are walked
 * together; where the tree has nothing yet, the field's fallback is the start, so that one item of a default list can
 * be changed. The new value is read into scratch memory at once: a bad one is refused here, where the message can name
 * the assignment, and not later as a fault of the file. */
#include <string.h>

#include "core/doc/describe_parts.h"
#include "core/doc/yaml.h"

typedef struct override {
    ag_reading reading;
    ag_str value; /* behind the '=' */
} override;

/* What the table says about the node where the walk stands. Neither: inside free form. */
typedef struct spot {
    const ag_description *inner; /* a mapping with these keys */
    const ag_field *field;       /* with `inner` NULL: a field, */
    bool item;                   /* or one item of a list field */
} spot;

static int apply(override *o, spot at, const ag_value *old, ag_str rest, const ag_key_path *path, ag_value *out);

static ag_field_type type_of(spot at)
{
    return at.item ? at.field->item : at.field->type;
}

static spot spot_of(const ag_field *field, bool item)
{
    ag_field_type type = item ? field->item : field->type;
    if (type == AG_FIELD_STRUCT || type == AG_FIELD_OPTIONAL)
        return (spot){.inner = field->inner, .field = field, .item = item};
    if (type == AG_FIELD_VALUE) return (spot){0};
    return (spot){.field = field, .item = item};
}

/* Cuts "name", "[3]" or, for a list, "3" off the front of *rest. False when the path is malformed. */
static bool take_step(ag_str *rest, bool in_list, ag_key_path *step)
{
    bool bracket = rest->size && rest->data[0] == '[';
    size_t end = 0, skip = 0;
    if (bracket) {
        end = ag_str_find_char(*rest, ']', 0);
        if (end == SIZE_MAX) return false;
        skip = end + 1;
    } else {
        while (end < rest->size && rest->data[end] != '.' && rest->data[end] != '[') end++;
        skip = end;
    }
    ag_str text = ag_str_slice(*rest, bracket, end - bracket);
    if (skip < rest->size && rest->data[skip] == '.') {
        skip++;
        if (skip == rest->size) return false;
    } else if (skip < rest->size && rest->data[skip] != '[') {
        return false;
    }
    *rest = ag_str_slice(*rest, skip, SIZE_MAX);
    uint64_t index;
    if (bracket || in_list) {
        if (!ag_str_to_uint(text, &index) || index > SIZE_MAX / 2) return false;
        step->index = (size_t)index;
        return true;
    }
    step->name = text;
    return text.size > 0;
}

/* Texts are taken as they are, so that --set name=007 and --set note="a: b" need no second quoting. */
static int parse_value(override *o, spot at, ag_value **out)
{
    bool quoted = o->value.size && (o->value.data[0] == '"' || o->value.data[0] == '\'');
    ag_value *value = ag_arena_alloc(o->reading.arena, sizeof *value);
    const ag_value *parsed;
    if (!value) return ag_fail_memory(o->reading.err, sizeof *value);
    *out = value;
    if (at.field && !at.inner && type_of(at) == AG_FIELD_TEXT && !quoted && !ag_str_is(o->value, "null")) {
        char *copy = ag_arena_strndup(o->reading.arena, o->value.data ? o->value.data : "", o->value.size);
        if (!copy) return ag_fail_memory(o->reading.err, o->value.size + 1);
        *value = (ag_value){.kind = AG_STRING, .string = {copy, o->value.size}};
        return AG_OK;
    }
    int rc = ag_describe_parse(o->reading.arena, o->value, NULL, &parsed, o->reading.err);
    if (rc < 0) return rc;
    *value = *parsed;
    ag_describe_place(value, 0, 0); /* in the assignment, which the message names anyway */
    return AG_OK;
}

/* Into scratch memory: what is read later is the whole tree. */
static int try(override *o, spot at, const ag_key_path *path, const ag_value *value)
{
    size_t size = ag_describe_size(type_of(at), at.field->inner);
    void *scratch = ag_arena_alloc(o->reading.arena, size);
    if (!scratch) return ag_fail_memory(o->reading.err, size);
    return at.item ? ag_reading_item(&o->reading, at.field, value, path, scratch)
                   : ag_reading_field(&o->reading, at.field, value, path, scratch);
}

static int replace(override *o, spot at, const ag_key_path *path, ag_value *out)
{
    ag_value *value = NULL;
    char key[256];
    int rc = parse_value(o, at, &value);
    if (rc < 0) {
        ag_key_path_text(path, key, sizeof key);
        (void)ag_err_place(o->reading.err, NULL, 0, 0);
        (void)ag_err_prefix(o->reading.err, "%s", key);
        return rc;
    }
    /* Null takes a key back to its default; whether it may is decided when the whole tree is read. */
    if (at.field && value->kind != AG_NULL && (rc = try(o, at, path, value)) < 0) return rc;
    ag_describe_place(value, AG_LINE_SET, 0);
    *out = *value;
    return AG_OK;
}

/* `old` (an object or NULL) with member `name` set. */
static int with_member(const override *o, const ag_value *old, ag_str name, const ag_value *value, ag_value *out)
{
    size_t count = old ? old->object.count : 0, at = 0;
    ag_member *members = ag_arena_array(o->reading.arena, count + 1, sizeof *members);
    if (!members) return ag_fail_memory(o->reading.err, (count + 1) * sizeof *members);
    if (count) memcpy(members, old->object.members, count * sizeof *members);
    while (at < count && !ag_str_equal(members[at].name, name)) at++;
    if (at == count) {
        char *copy = ag_arena_strndup(o->reading.arena, name.data, name.size);
        if (!copy) return ag_fail_memory(o->reading.err, name.size + 1);
        members[count++] = (ag_member){.name = {copy, name.size}, .line = AG_LINE_SET};
    }
    members[at].value = *value;
    *out = (ag_value){.kind = AG_OBJECT, .line = AG_LINE_SET};
    if (old) {
        out->line = old->line;
        out->column = old->column;
    }
    out->object.members = members;
    out->object.count = count;
    return AG_OK;
}

static int into_object(override *o, spot at, const ag_value *old, ag_str rest, const ag_key_path *path, ag_value *out)
{
    ag_key_path step = {.up = path};
    ag_value changed;
    int rc = old && at.inner ? ag_reading_spelled_out(&o->reading, at.inner, &old) : AG_OK;
    if (rc < 0) return rc;
    if (old && old->kind == AG_NULL) old = NULL;
    if (old && old->kind != AG_OBJECT)
        return ag_reading_fail(&o->reading, old, path, "expected a mapping of keys, found %s", ag_kind_name(old->kind));
    ag_str whole = rest;
    if (!take_step(&rest, false, &step) || !step.name.data)
        return ag_reading_fail(&o->reading, NULL, path, "expected the name of a key, not '%.*s'", AG_STR_ARG(whole));
    const ag_field *field = at.inner ? ag_describe_find(at.inner, step.name) : NULL;
    if (at.inner && !field) return ag_reading_refuse_unknown(&o->reading, at.inner, path, step.name, NULL);
    ag_str name = step.name;
    char key[128];
    (void)ag_format(key, sizeof key, "%.*s", AG_STR_ARG(name));
    const ag_value *child = ag_value_get(old, key);
    if (!child && field) { /* the file may use the other spelling */
        const char *other = ag_str_is(name, field->name) ? field->alias : field->name;
        if (other && (child = ag_value_get(old, other))) name = ag_str_of(other);
    }
    if (!child && field && field->fallback && rest.size && !ag_describe_is_texty(field->type))
        rc = ag_reading_fallback(&o->reading, field, &child);
    if (rc < 0 || (rc = apply(o, field ? spot_of(field, false) : (spot){0}, child, rest, &step, &changed)) < 0)
        return rc;
    return with_member(o, old, name, &changed, out);
}

static int into_list(override *o, spot at, const ag_value *old, ag_str rest, const ag_key_path *path, ag_value *out)
{
    ag_key_path step = {.up = path};
    ag_value changed;
    size_t count = old && old->kind == AG_ARRAY ? old->array.count : 0;
    ag_str whole = rest;
    if (!take_step(&rest, true, &step))
        return ag_reading_fail(&o->reading, NULL, path, "expected the index of an item, as [0], not '%.*s'",
                               AG_STR_ARG(whole));
    if (step.index > count) {
        int rc =
            ag_reading_fail(&o->reading, NULL, path, "the list has %zu items, there is no [%zu]", count, step.index);
        (void)ag_err_hint(o->reading.err, "[%zu] would add one", count);
        return rc;
    }
    const ag_value *child = step.index < count ? &old->array.items[step.index] : NULL;
    int rc = apply(o, at.field ? spot_of(at.field, true) : (spot){0}, child, rest, &step, &changed);
    if (rc < 0) return rc;
    size_t wanted = step.index < count ? count : count + 1;
    ag_value *items = ag_arena_array(o->reading.arena, wanted, sizeof *items);
    if (!items) return ag_fail_memory(o->reading.err, wanted * sizeof *items);
    if (count) memcpy(items, old->array.items, count * sizeof *items);
    items[step.index] = changed;
    *out = (ag_value){.kind = AG_ARRAY, .line = old ? old->line : AG_LINE_SET, .column = old ? old->column : 0};
    out->array.items = items;
    out->array.count = wanted;
    return AG_OK;
}

static int apply(override *o, spot at, const ag_value *old, ag_str rest, const ag_key_path *path, ag_value *out)
{
    if (!rest.size) return replace(o, at, path, out);
    if (o->reading.depth >= AG_DESCRIBE_DEPTH_MAX)
        return ag_reading_fail(&o->reading, NULL, path, "the path is deeper than %d levels", AG_DESCRIBE_DEPTH_MAX);
    o->reading.depth++;
    int rc;
    bool list = at.field && !at.inner && !at.item && at.field->type == AG_FIELD_LIST;
    bool free_form = !at.field && !at.inner;
    if (list || (free_form && (rest.data[0] == '[' || (old && old->kind == AG_ARRAY))))
        rc = into_list(o, at, old, rest, path, out);
    else if (at.inner || free_form)
        rc = into_object(o, at, old, rest, path, out);
    else
        rc = ag_reading_fail(&o->reading, NULL, path, "is a single value and has no '%.*s'", AG_STR_ARG(rest));
    o->reading.depth--;
    return rc;
}

int ag_describe_override(const ag_description *description, ag_arena *arena, const ag_value *value, ag_str assignment,
                         const ag_value **out, ag_err *err)
{
    ag_err ignored;
    override o = {.reading = {.arena = arena, .root = description, .err = err ? err : &ignored}};
    ag_key_path root = {0};
    size_t equals = ag_str_find_char(assignment, '=', 0);
    ag_str key = ag_str_trim(ag_str_slice(assignment, 0, equals));
    if (equals == SIZE_MAX || !key.size) {
        (void)ag_fail(o.reading.err, AG_EINVAL, "'%.*s' is not an assignment", (int)ag_utf8_cut(assignment, 100),
                      assignment.data ? assignment.data : "");
        (void)ag_err_hint(o.reading.err, "write key=value, with dots between nested keys: a.b=3");
        return AG_EINVAL;
    }
    o.value = ag_str_trim(ag_str_slice(assignment, equals + 1, SIZE_MAX));
    ag_value *changed = ag_arena_alloc(arena, sizeof *changed);
    if (!changed) return ag_fail_memory(err, sizeof *changed);
    int rc = apply(&o, (spot){.inner = description}, value, key, &root, changed);
    if (rc < 0) return rc;
    *out = changed;
    return AG_OK;
}
