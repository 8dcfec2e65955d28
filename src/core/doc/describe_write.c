// SPDX-License-Identifier: Apache-2.0
/* describe_write.c: a struct back into JSON, every key with the value in effect, in table order. Reading the result
 * gives the same struct: sizes are written as bytes, durations as seconds, choices by name. */
#include "core/doc/describe_parts.h"

static void write_struct(ag_json *json, const ag_description *description, const void *from);

static void write_duration(ag_json *json, int64_t microseconds)
{
    if (microseconds % 1000000 == 0)
        ag_json_int(json, microseconds / 1000000);
    else
        ag_json_real(json, (double)microseconds / 1e6);
}

/* An index without a name is a bug of whoever filled the struct. */
static void write_choice(ag_json *json, const char *const *choices, int index)
{
    int at = 0;
    while (choices && choices[at] && at < index) at++;
    if (index >= 0 && choices && choices[at])
        ag_json_text(json, choices[at]);
    else
        json->failed = json->failed ? json->failed : AG_EINTERNAL;
}

static void write_one(ag_json *json, const ag_field *field, ag_field_type type, const void *slot)
{
    switch (type) {
    case AG_FIELD_BOOL: ag_json_bool(json, *(const bool *)slot); break;
    case AG_FIELD_INT: ag_json_int(json, *(const int64_t *)slot); break;
    case AG_FIELD_REAL: ag_json_real(json, *(const double *)slot); break;
    case AG_FIELD_TEXT: ag_json_text(json, *(const char *const *)slot); break;
    case AG_FIELD_CHOICE: write_choice(json, field->choices, *(const int *)slot); break;
    case AG_FIELD_BYTES: ag_json_uint(json, *(const uint64_t *)slot); break;
    case AG_FIELD_DURATION: write_duration(json, *(const int64_t *)slot); break;
    case AG_FIELD_STRUCT: write_struct(json, field->inner, slot); break;
    case AG_FIELD_VALUE: ag_json_value(json, *(const ag_value *const *)slot); break;
    case AG_FIELD_OPTIONAL:
        if (*(const void *const *)slot)
            write_struct(json, field->inner, *(const void *const *)slot);
        else
            ag_json_null(json);
        break;
    case AG_FIELD_LIST: {
        const ag_list *list = slot;
        size_t size = ag_describe_size(field->item, field->inner);
        ag_json_begin_array(json);
        for (size_t i = 0; i < list->count && !json->failed; i++)
            write_one(json, field, field->item, (const char *)list->items + i * size);
        ag_json_end_array(json);
        break;
    }
    }
}

static void write_struct(ag_json *json, const ag_description *description, const void *from)
{
    ag_json_begin_object(json);
    for (size_t i = 0; i < description->count && !json->failed; i++) {
        const ag_field *field = &description->fields[i];
        ag_json_name(json, field->name);
        write_one(json, field, field->type, (const char *)from + field->offset);
    }
    ag_json_end_object(json);
}

int ag_describe_write(const ag_description *description, const void *from, ag_json *json)
{
    write_struct(json, description, from);
    return json->failed;
}
