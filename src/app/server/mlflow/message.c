// SPDX-License-Identifier: Apache-2.0
/* message.c: from a request to a struct, by its table.
 *
 * core/doc/describe.h reads configurations, where an unknown key is a mistake and the words are for people at a file.
 * Here unknown fields pass, as protocol buffers let them, and the words are those that clients compare: so the tables
 * are shared and the reader is another. The query of a GET is read by the same code: each value becomes a JSON string,
 * and numbers and truth values may be written as strings, as protocol buffers take them. */
#include "app/server/mlflow/message.h"

#include <math.h>

#define SEE_API_DOCS "See the API docs for more information about request parameters."

typedef struct reading {
    const ag_request *request;
    ag_arena *arena;
    ag_err *err;
} reading;

typedef struct place { /* of a field: "metrics[2].key" */
    const struct place *up;
    const char *name; /* NULL: an item of a list */
    size_t index;
} place;

static int read_struct(const reading *r, const ag_description *description, const ag_value *object, const place *at,
                       void *into);

/* ---- refusing ---- */

static size_t put_place(const place *at, char *out, size_t size)
{
    if (!at) return 0;
    size_t used = put_place(at->up, out, size);
    bool fits = at->name ? ag_format(out + used, size - used, "%s%s", used ? "." : "", at->name)
                         : ag_format(out + used, size - used, "[%zu]", at->index);
    return fits ? used + strlen(out + used) : used;
}

static const char *python_type(const ag_value *value)
{
    static const char *const names[] = {"NoneType", "bool", "int", "float", "str", "list", "dict"};
    return names[value->kind];
}

/* The value as JSON, cut when it is long. */
static void put_value(const ag_value *value, char *out, size_t size)
{
    ag_buf text;
    ag_buf_init(&text, size - 4);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_value(&json, value);
    ag_str whole = ag_buf_str(&text);
    size_t kept = ag_utf8_cut(whole, whole.size);
    ag_format(out, size, "%.*s%s", (int)kept, whole.data, text.failed ? "..." : "");
    ag_buf_deinit(&text);
}

static int refuse(const reading *r, const ag_value *value, const place *at, const char *why)
{
    char path[160] = "", text[160], hint[64];
    put_place(at, path, sizeof(path));
    put_value(value, text, sizeof(text));
    ag_format(hint, sizeof(hint), " Hint: Value was of type '%s'.", python_type(value));
    return ag_fail(r->err, AG_EINVAL, "Invalid value %s for parameter '%s' supplied: %s " SEE_API_DOCS, text, path,
                   why ? why : hint);
}

static int refuse_missing(const reading *r, const place *at)
{
    char path[160] = "";
    put_place(at, path, sizeof(path));
    return ag_fail(r->err, AG_EINVAL, "Missing value for required parameter '%s'. " SEE_API_DOCS, path);
}

/* ---- scalars ---- */

static int read_text(const reading *r, const ag_field *field, const ag_value *value, const place *at, void *slot)
{
    const char **out = slot;
    if (field->choices && value->kind == AG_INT) { /* an enum by its number, from 1 */
        int64_t number = value->integer;
        for (int64_t i = 1; field->choices[i - 1]; i++) {
            if (i != number) continue;
            *out = field->choices[i - 1];
            return AG_OK;
        }
    }
    if (value->kind != AG_STRING) return refuse(r, value, at, NULL);
    if (ag_str_find_char(value->string, '\0', 0) != SIZE_MAX) {
        return refuse(r, value, at, "It must not hold a NUL character.");
    }
    if (field->choices && field->type == AG_FIELD_TEXT && value->string.size) {
        for (size_t i = 0; field->choices[i]; i++) {
            if (!ag_str_is(value->string, field->choices[i])) continue;
            *out = field->choices[i];
            return AG_OK;
        }
        return refuse(r, value, at, NULL);
    }
    if (field->choices && !value->string.size) return AG_OK;
    *out = ag_arena_strndup(r->arena, value->string.data, value->string.size);
    return *out ? AG_OK : ag_fail_memory(r->err, value->string.size + 1);
}

static int read_int(const reading *r, const ag_field *field, const ag_value *value, const place *at, int64_t *out)
{
    int64_t number;
    bool good = value->kind == AG_STRING ? ag_str_to_int(value->string, &number) : ag_value_int(value, &number);
    if (!good) return refuse(r, value, at, NULL);
    if (field->min < field->max && ((double)number < field->min || (double)number > field->max)) {
        bool low = (double)number < field->min;
        char path[160] = "";
        put_place(at, path, sizeof(path));
        return ag_fail(r->err, AG_EINVAL,
                       "Invalid value %lld for parameter '%s' supplied. It must be at %s %.0f, but got value %lld",
                       (long long)number, path, low ? "least" : "most", low ? field->min : field->max,
                       (long long)number);
    }
    *out = number;
    return AG_OK;
}

static int read_real(const reading *r, const ag_value *value, const place *at, double *out)
{
    if (value->kind == AG_INT || value->kind == AG_REAL) {
        *out = value->kind == AG_INT ? (double)value->integer : value->real;
        return AG_OK;
    }
    if (value->kind != AG_STRING || !ag_str_to_double(value->string, out)) {
        return refuse(r, value, at, NULL);
    }
    return AG_OK;
}

static int read_bool(const reading *r, const ag_value *value, const place *at, bool *out)
{
    bool is_query = value->kind == AG_STRING && r->request->json == NULL;
    if (value->kind == AG_BOOL)
        *out = value->boolean;
    else if (is_query && ag_str_equal_nocase(value->string, AG_STR("true")))
        *out = true;
    else if (is_query && ag_str_equal_nocase(value->string, AG_STR("false")))
        *out = false;
    else
        return refuse(r, value, at, NULL);
    return AG_OK;
}

/* ---- lists and structs ---- */

static int read_item(const reading *r, const ag_field *field, ag_field_type type, const ag_value *value,
                     const place *at, void *slot)
{
    switch (type) {
    case AG_FIELD_TEXT: return read_text(r, field, value, at, slot);
    case AG_FIELD_INT: return read_int(r, field, value, at, slot);
    case AG_FIELD_REAL: return read_real(r, value, at, slot);
    case AG_FIELD_BOOL: return read_bool(r, value, at, slot);
    case AG_FIELD_STRUCT: return read_struct(r, field->inner, value, at, slot);
    default: return ag_fail(r->err, AG_EINTERNAL, "a message has a field of a type that messages do not have");
    }
}

static int read_list(const reading *r, const ag_field *field, const ag_value *value, const place *at, ag_list *out)
{
    bool is_struct = field->item == AG_FIELD_STRUCT;
    if (value->kind != AG_ARRAY) return refuse(r, value, at, NULL);
    size_t count = value->array.count, size = is_struct ? field->inner->size : sizeof(const char *);
    if (field->max > 0 && (double)count > field->max) {
        return ag_fail(r->err, AG_EINVAL,
                       "The request cannot specify more than %.0f %s. Received %zu %s. " SEE_API_DOCS, field->max,
                       field->name, count, field->name);
    }
    char *items = ag_arena_array(r->arena, count + 1, size);
    if (!items) return ag_fail_memory(r->err, (count + 1) * size);
    for (size_t i = 0; i < count; i++) {
        place item = {.up = at, .index = i};
        const ag_value *one = &value->array.items[i];
        int rc = one->kind == AG_NULL ? refuse(r, one, &item, NULL)
                                      : read_item(r, field, field->item, one, &item, items + i * size);
        if (rc < 0) return rc;
    }
    *out = (ag_list){items, count};
    return AG_OK;
}

static bool is_there(const ag_value *value)
{
    return value && value->kind != AG_NULL;
}

static int read_field(const reading *r, const ag_field *field, const ag_value *object, const place *up, void *into)
{
    const ag_value *value = ag_value_get(object, field->name);
    place at = {.up = up, .name = field->name};
    if (!is_there(value) && field->alias) value = ag_value_get(object, field->alias);
    bool empty = !is_there(value) || (value->kind == AG_STRING && value->string.size == 0);
    if (field->required && empty) return refuse_missing(r, &at);
    void *slot = (char *)into + field->offset;
    if (!is_there(value)) {
        if (field->type == AG_FIELD_BOOL && field->fallback) *(bool *)slot = true; /* the only default there is */
        return AG_OK;
    }
    if (field->type == AG_FIELD_LIST) return read_list(r, field, value, &at, slot);
    if (empty && field->type != AG_FIELD_TEXT && r->request->json == NULL) return AG_OK; /* "?max_results=" */
    return read_item(r, field, field->type, value, &at, slot);
}

static int read_struct(const reading *r, const ag_description *description, const ag_value *object, const place *at,
                       void *into)
{
    if (object->kind != AG_OBJECT) return refuse(r, object, at, NULL);
    for (size_t i = 0; i < description->count; i++) {
        int rc = read_field(r, &description->fields[i], object, at, into);
        if (rc < 0) return rc;
    }
    return description->check ? description->check(into, r->err) : AG_OK;
}

/* ---- where the fields come from ---- */

/* The values of one query name: a string, or a list of them for a field that is one. */
static int take_query(const reading *r, const ag_field *field, const char *name, ag_member *out)
{
    const ag_request *request = r->request;
    size_t count = 0;
    ag_value *items = NULL;
    for (size_t i = 0; i < request->query_count; i++) count += ag_str_is(request->query[i].name, name);
    if (count == 0) return 0;
    if (!(items = ag_arena_array(r->arena, count, sizeof(*items)))) return ag_fail_memory(r->err, count);
    count = 0;
    for (size_t i = 0; i < request->query_count; i++) {
        if (!ag_str_is(request->query[i].name, name)) continue;
        items[count++] = (ag_value){.kind = AG_STRING, .string = request->query[i].value};
    }
    out->name = ag_str_of(name);
    out->value = items[0];
    if (field->type == AG_FIELD_LIST) {
        out->value = (ag_value){.kind = AG_ARRAY};
        out->value.array.items = items;
        out->value.array.count = count;
    }
    return 1;
}

static int of_query(const reading *r, const ag_description *description, ag_value *out)
{
    size_t count = 0;
    ag_member *members = ag_arena_array(r->arena, 2 * description->count + 1, sizeof(*members));
    if (!members) return ag_fail_memory(r->err, description->count);
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        int rc = take_query(r, field, field->name, &members[count]);
        if (rc == 0 && field->alias) {
            rc = take_query(r, field, field->alias, &members[count]);
        }
        if (rc < 0) return rc;
        count += (size_t)rc;
    }
    *out = (ag_value){.kind = AG_OBJECT};
    out->object.members = members;
    out->object.count = count;
    return AG_OK;
}

/* Captures stand before the rest, so that they count. */
static int with_captures(const reading *r, const ag_description *description, const ag_value *rest, ag_value *out)
{
    const ag_request *request = r->request;
    size_t count = 0, more = rest->object.count;
    ag_member *members = ag_arena_array(r->arena, description->count + more + 1, sizeof(*members));
    if (!members) return ag_fail_memory(r->err, more);
    for (size_t i = 0; i < description->count; i++) {
        ag_str text = ag_request_capture(request, description->fields[i].name);
        if (!text.data) continue;
        members[count++] =
            (ag_member){.name = ag_str_of(description->fields[i].name), .value = {.kind = AG_STRING, .string = text}};
    }
    if (more) memcpy(members + count, rest->object.members, more * sizeof(*members));
    *out = (ag_value){.kind = AG_OBJECT};
    out->object.members = members;
    out->object.count = count + more;
    return AG_OK;
}

int ag_message_read(const ag_request *request, const ag_description *description, void *into, ag_err *err)
{
    reading r = {.request = request, .arena = request->arena, .err = err};
    ag_value query, merged;
    const ag_value *object = request->json;
    int rc = AG_OK;
    memset(into, 0, description->size);
    if (!object) {
        rc = of_query(&r, description, &query);
        object = &query;
    }
    if (rc >= 0 && request->capture_count && object->kind == AG_OBJECT) {
        rc = with_captures(&r, description, object, &merged);
        object = &merged;
    }
    if (rc < 0) return rc;
    if (object->kind != AG_OBJECT) {
        return ag_fail(err, AG_EINVAL, "The body of the request must be a JSON object, not of type '%s'. " SEE_API_DOCS,
                       python_type(object));
    }
    return read_struct(&r, description, object, NULL, into);
}

/* ---- shared pieces ---- */

static const ag_field ag_message_pair_fields[] = {
    AG_TEXT_NEEDED(ag_message_pair, key, "Its name."),
    AG_TEXT_FIELD(ag_message_pair, value, "Its value."),
};
const ag_description ag_message_pair_description = AG_MESSAGE(ag_message_pair, "A name and its value.");

const char *const ag_message_views[] = {"ACTIVE_ONLY", "DELETED_ONLY", "ALL", NULL};

int ag_message_pairs(ag_arena *arena, ag_list list, size_t longest, ag_pairs *out, ag_err *err)
{
    const ag_message_pair *from = list.items;
    ag_pair *pairs = ag_arena_array(arena, list.count + 1, sizeof(*pairs));
    if (!pairs) return ag_fail_memory(err, list.count * sizeof(*pairs));
    for (size_t i = 0; i < list.count; i++) {
        ag_str value = ag_message_str(from[i].value);
        if (longest) value.size = ag_utf8_head(value, longest);
        pairs[i] = (ag_pair){ag_message_str(from[i].key), value};
    }
    *out = (ag_pairs){pairs, list.count};
    return AG_OK;
}

int ag_message_texts(ag_arena *arena, ag_list list, ag_str **out, ag_err *err)
{
    const char *const *from = list.items;
    if (!(*out = ag_arena_array(arena, list.count + 1, sizeof(**out)))) return ag_fail_memory(err, list.count);
    for (size_t i = 0; i < list.count; i++) (*out)[i] = ag_str_of(from[i]);
    return AG_OK;
}

ag_view ag_message_view(const char *name)
{
    if (name == ag_message_views[1]) return AG_VIEW_DELETED;
    return name == ag_message_views[2] ? AG_VIEW_ALL : AG_VIEW_ACTIVE;
}

int ag_message_page(const ag_request *request, int64_t max_results, ag_err *err)
{
    const ag_value *given = ag_value_get(request->json, "max_results");
    bool is_given = is_there(given) || ag_request_query(request, "max_results").size;
    if (max_results > 0 || !is_given) return AG_OK;
    return ag_fail(err, AG_EINVAL,
                   "Invalid value %lld for parameter 'max_results' supplied. It must be a positive integer.",
                   (long long)max_results);
}

int ag_message_number(const char *name, const char *text, int64_t *out, ag_err *err)
{
    if (ag_str_to_int(ag_str_of(text), out)) return AG_OK;
    return ag_fail(err, AG_EINVAL, "Parameter '%s' must be an integer, got '%.100s'.", name, text);
}

int ag_message_time(const char *name, int64_t milliseconds, int64_t *out, ag_err *err)
{
    if (milliseconds <= INT64_MAX / 1000 && milliseconds >= INT64_MIN / 1000) {
        *out = milliseconds * 1000;
        return AG_OK;
    }
    return ag_fail(err, AG_EINVAL, "Invalid value %lld for parameter '%s' supplied: It is beyond all times.",
                   (long long)milliseconds, name);
}

ag_str ag_message_str(const char *text)
{
    return text ? ag_str_of(text) : (ag_str){"", 0};
}
