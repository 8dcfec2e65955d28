// SPDX-License-Identifier: Apache-2.0
/* schema.c: see schema.h. core/doc/describe.h has a schema of configurations, where an unknown key is a mistake and
 * structs are definitions of the document's own; here messages are open, and structs stand in place, since a reference
 * would have to know where in the API's description it is. Messages do not refer to themselves. */
#include "app/server/schema.h"

static void put_limits(ag_json *json, const ag_field *field, const char *low, const char *high)
{
    if (field->min >= field->max) return;
    ag_json_put_int(json, low, (int64_t)field->min);
    ag_json_put_int(json, high, (int64_t)field->max);
}

static void put_text(ag_json *json, const ag_field *field, bool is_item)
{
    ag_json_put_text(json, "type", "string");
    if (field->required && !is_item) ag_json_put_int(json, "minLength", 1);
    if (!field->choices) return;
    ag_json_name(json, "enum");
    ag_json_begin_array(json);
    for (size_t i = 0; field->choices[i]; i++) ag_json_text(json, field->choices[i]);
    ag_json_end_array(json);
}

static void put_number(ag_json *json)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    ag_json_name(json, "anyOf");
    ag_json_begin_array(json);
    ag_json_begin_object(json);
    ag_json_put_text(json, "type", "number");
    ag_json_end_object(json);
    ag_json_begin_object(json);
    ag_json_name(json, "enum");
    ag_json_begin_array(json);
    for (size_t i = 0; i < 3; i++) ag_json_text(json, words[i]);
    ag_json_end_array(json);
    ag_json_end_object(json);
    ag_json_end_array(json);
}

static void put_members(ag_json *json, const ag_description *description);

static void put_type(ag_json *json, const ag_field *field, ag_field_type type, bool is_item)
{
    switch (type) {
    case AG_FIELD_BOOL: ag_json_put_text(json, "type", "boolean"); break;
    case AG_FIELD_INT:
        ag_json_put_text(json, "type", "integer");
        if (!is_item) put_limits(json, field, "minimum", "maximum");
        break;
    case AG_FIELD_REAL: put_number(json); break;
    case AG_FIELD_STRUCT: put_members(json, field->inner); break;
    case AG_FIELD_LIST:
        ag_json_put_text(json, "type", "array");
        put_limits(json, field, "minItems", "maxItems");
        ag_json_name(json, "items");
        ag_json_begin_object(json);
        put_type(json, field, field->item, true);
        ag_json_end_object(json);
        break;
    default: put_text(json, field, is_item); break;
    }
}

void ag_schema_put_field(ag_json *json, const ag_field *field)
{
    ag_json_begin_object(json);
    if (field->doc) ag_json_put_text(json, "description", field->doc);
    put_type(json, field, field->type, false);
    ag_json_end_object(json);
}

/* {"anyOf": [{"required": ["run_id"]}, {"required": ["run_uuid"]}]} */
static void put_either(ag_json *json, const ag_field *field)
{
    const char *const names[] = {field->name, field->alias};
    ag_json_begin_object(json);
    ag_json_name(json, "anyOf");
    ag_json_begin_array(json);
    for (size_t i = 0; i < 2; i++) {
        ag_json_begin_object(json);
        ag_json_name(json, "required");
        ag_json_begin_array(json);
        ag_json_text(json, names[i]);
        ag_json_end_array(json);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static void put_required(ag_json *json, const ag_description *description)
{
    size_t either = 0, plain = 0;
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        either += field->required && field->alias;
        plain += field->required && !field->alias;
    }
    if (plain) {
        ag_json_name(json, "required");
        ag_json_begin_array(json);
        for (size_t i = 0; i < description->count; i++)
            if (description->fields[i].required && !description->fields[i].alias)
                ag_json_text(json, description->fields[i].name);
        ag_json_end_array(json);
    }
    if (!either) return;
    ag_json_name(json, "allOf");
    ag_json_begin_array(json);
    for (size_t i = 0; i < description->count; i++)
        if (description->fields[i].required && description->fields[i].alias) put_either(json, &description->fields[i]);
    ag_json_end_array(json);
}

static void put_members(ag_json *json, const ag_description *description)
{
    ag_json_put_text(json, "type", "object");
    ag_json_name(json, "properties");
    ag_json_begin_object(json);
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        ag_json_name(json, field->name);
        ag_schema_put_field(json, field);
        if (!field->alias) continue;
        ag_json_name(json, field->alias);
        ag_schema_put_field(json, field);
    }
    ag_json_end_object(json);
    put_required(json, description);
}

void ag_schema_put(ag_json *json, const ag_description *description)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "title", description->name);
    if (description->doc) ag_json_put_text(json, "description", description->doc);
    put_members(json, description);
    ag_json_end_object(json);
}
