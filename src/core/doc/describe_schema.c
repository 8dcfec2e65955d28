// SPDX-License-Identifier: Apache-2.0
/* describe_schema.c: JSON Schema 2020-12 of a description, for editors and for the API's index.
 * Each struct other than the root is a definition of its own, so that a description that refers to itself ends. Two
 * descriptions of one name get numbered definitions. The schema accepts what ag_describe_read() accepts, except for
 * what only a description's own check knows. */
#include <math.h>

#include "core/base/mem.h"
#include "core/doc/describe_parts.h"

#define SIZE_PATTERN "^[0-9]+(\\.[0-9]+)? ?([kKmMgGtT][iI]?)?[bB]?$"
#define DURATION_PATTERN "^[0-9]+(\\.[0-9]+)? ?([uU][sS]|[mM][sS]|[sS]|[mM]([iI][nN])?|[hH]|[dD])?$"

typedef struct schema {
    ag_json *json;
    const ag_description **all;
    size_t count;
    ag_arena *arena;
} schema;

static void put_definition_name(const schema *s, const ag_description *description, char *out, size_t size)
{
    size_t twins = 0;
    for (size_t i = 0; i < s->count && s->all[i] != description; i++)
        twins += ag_str_is(ag_str_of(s->all[i]->name), description->name);
    if (twins)
        (void)ag_format(out, size, "%s_%zu", description->name, twins + 1);
    else
        (void)ag_format(out, size, "%s", description->name);
}

static void put_reference(const schema *s, const ag_description *description)
{
    char name[128], reference[160];
    put_definition_name(s, description, name, sizeof name);
    (void)ag_format(reference, sizeof reference, "#/$defs/%s", name);
    ag_json_put_text(s->json, "$ref", description == s->all[0] ? "#" : reference);
}

static void put_type(ag_json *json, const char *first, const char *second, bool nullable)
{
    ag_json_name(json, "type");
    if (!second && !nullable) {
        ag_json_text(json, first);
        return;
    }
    ag_json_begin_array(json);
    ag_json_text(json, first);
    if (second) ag_json_text(json, second);
    if (nullable) ag_json_text(json, "null");
    ag_json_end_array(json);
}

static void put_limit(ag_json *json, const char *name, double value)
{
    if (!isfinite(value)) return;
    ag_json_name(json, name);
    if (value == floor(value) && fabs(value) < 9e15)
        ag_json_int(json, (int64_t)value);
    else
        ag_json_real(json, value);
}

static void put_limits(ag_json *json, const ag_field *field, bool ranged, const char *low, const char *high)
{
    if (!ranged || !ag_describe_ranged(field)) return;
    put_limit(json, low, field->min);
    put_limit(json, high, field->max);
}

static void put_choices(ag_json *json, const ag_field *field, bool nullable)
{
    if (!field->choices) return;
    ag_json_name(json, "enum");
    ag_json_begin_array(json);
    for (size_t i = 0; field->choices[i]; i++) ag_json_text(json, field->choices[i]);
    if (nullable) ag_json_null(json);
    ag_json_end_array(json);
}

/* "boolean" when both are short forms, else the one that is. */
static void put_short(const schema *s, const ag_description *inner)
{
    if (!inner->when_true && !inner->when_false) return;
    ag_json_begin_object(s->json);
    if (inner->when_true && inner->when_false)
        ag_json_put_text(s->json, "type", "boolean");
    else
        ag_json_put_bool(s->json, "const", inner->when_true != NULL);
    ag_json_end_object(s->json);
}

static void put_struct_type(const schema *s, const ag_field *field, bool nullable)
{
    if (!nullable && !field->inner->when_true && !field->inner->when_false) {
        put_reference(s, field->inner);
        return;
    }
    ag_json_name(s->json, "anyOf");
    ag_json_begin_array(s->json);
    ag_json_begin_object(s->json);
    put_reference(s, field->inner);
    ag_json_end_object(s->json);
    put_short(s, field->inner);
    if (nullable) {
        ag_json_begin_object(s->json);
        ag_json_put_text(s->json, "type", "null");
        ag_json_end_object(s->json);
    }
    ag_json_end_array(s->json);
}

static void put_field_type(const schema *s, const ag_field *field, ag_field_type type, bool ranged)
{
    ag_json *json = s->json;
    bool nullable = ranged && field->nullable;
    switch (type) {
    case AG_FIELD_BOOL: put_type(json, "boolean", NULL, nullable); break;
    case AG_FIELD_INT:
    case AG_FIELD_REAL:
        put_type(json, type == AG_FIELD_INT ? "integer" : "number", NULL, nullable);
        put_limits(json, field, ranged, "minimum", "maximum");
        break;
    case AG_FIELD_TEXT:
        nullable |= ranged && !field->fallback && !field->required;
        put_type(json, "string", NULL, nullable);
        put_choices(json, field, nullable);
        break;
    case AG_FIELD_CHOICE: put_choices(json, field, nullable); break;
    case AG_FIELD_BYTES:
    case AG_FIELD_DURATION:
        put_type(json, type == AG_FIELD_BYTES ? "integer" : "number", "string", nullable);
        put_limits(json, field, ranged, "minimum", "maximum");
        ag_json_put_text(json, "pattern", type == AG_FIELD_BYTES ? SIZE_PATTERN : DURATION_PATTERN);
        break;
    case AG_FIELD_STRUCT:
    case AG_FIELD_OPTIONAL: put_struct_type(s, field, type == AG_FIELD_OPTIONAL || nullable || ranged); break;
    case AG_FIELD_LIST:
        put_type(json, "array", NULL, nullable);
        put_limits(json, field, true, "minItems", "maxItems");
        ag_json_name(json, "items");
        ag_json_begin_object(json);
        put_field_type(s, field, field->item, false);
        ag_json_end_object(json);
        break;
    case AG_FIELD_VALUE: break; /* anything */
    }
}

static int put_field(const schema *s, const ag_field *field, const char *name)
{
    ag_reading reading = {.arena = s->arena};
    const ag_value *fallback;
    ag_json_name(s->json, name);
    ag_json_begin_object(s->json);
    if (field->doc) ag_json_put_text(s->json, "description", field->doc);
    put_field_type(s, field, field->type, true);
    if (field->fallback) {
        int rc = ag_reading_fallback(&reading, field, &fallback);
        if (rc < 0) return rc;
        ag_json_name(s->json, "default");
        ag_json_value(s->json, fallback);
    }
    ag_json_end_object(s->json);
    return AG_OK;
}

/* A required key may come under either of its names. */
static void put_required(ag_json *json, const ag_description *description)
{
    ag_json_name(json, "allOf");
    ag_json_begin_array(json);
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        if (!field->required) continue;
        const char *const names[] = {field->name, field->alias};
        ag_json_begin_object(json);
        ag_json_name(json, "anyOf");
        ag_json_begin_array(json);
        for (size_t j = 0; j < 2 && names[j]; j++) {
            ag_json_begin_object(json);
            ag_json_name(json, "required");
            ag_json_begin_array(json);
            ag_json_text(json, names[j]);
            ag_json_end_array(json);
            ag_json_end_object(json);
        }
        ag_json_end_array(json);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static int put_object(const schema *s, const ag_description *description)
{
    ag_json *json = s->json;
    bool required = false;
    ag_json_put_text(json, "title", description->name);
    if (description->doc) ag_json_put_text(json, "description", description->doc);
    ag_json_put_text(json, "type", "object");
    ag_json_put_bool(json, "additionalProperties", false);
    ag_json_name(json, "properties");
    ag_json_begin_object(json);
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        int rc = put_field(s, field, field->name);
        if (rc == AG_OK && field->alias) rc = put_field(s, field, field->alias);
        if (rc < 0) return rc;
        required |= field->required;
    }
    ag_json_end_object(json);
    if (required) put_required(json, description);
    return AG_OK;
}

static int put_definitions(const schema *s)
{
    char name[128];
    if (s->count < 2) return AG_OK;
    ag_json_name(s->json, "$defs");
    ag_json_begin_object(s->json);
    for (size_t i = 1; i < s->count; i++) {
        put_definition_name(s, s->all[i], name, sizeof name);
        ag_json_name(s->json, name);
        ag_json_begin_object(s->json);
        int rc = put_object(s, s->all[i]);
        if (rc < 0) return rc;
        ag_json_end_object(s->json);
    }
    ag_json_end_object(s->json);
    return AG_OK;
}

int ag_describe_schema(const ag_description *description, ag_json *json)
{
    schema s = {.json = json};
    int rc = ag_describe_reach(description, &s.all, &s.count, NULL);
    if (rc < 0) return rc;
    if (!(s.arena = ag_arena_new(0))) {
        rc = AG_ENOMEM;
        goto out;
    }
    ag_json_begin_object(json);
    ag_json_put_text(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    if ((rc = put_object(&s, description)) < 0 || (rc = put_definitions(&s)) < 0) goto out;
    ag_json_end_object(json);
    rc = json->failed;
out:
    ag_arena_free(s.arena);
    ag_free(s.all);
    return rc;
}
