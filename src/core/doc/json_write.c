// SPDX-License-Identifier: Apache-2.0
/* json_write.c: the streaming writer.
 * State is one byte and one bit per level: FIRST (nothing yet in the innermost container), NAMED (a name waits for its
 * value), DONE (the root value is complete). A wrong call sets `failed` and everything after it is ignored, so that a
 * caller writes a whole document and asks once, at the end. Strings are copied in runs that need no escape. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/doc/scan.h"
#include "core/doc/tree.h"

enum { FIRST = 1, NAMED = 2, DONE = 4 };

ag_json ag_json_writer(ag_buf *out, uint8_t indent, ag_json_nonfinite nonfinite)
{
    return (ag_json){.out = out, .nonfinite = nonfinite, .indent = indent, .state = FIRST};
}

static void fail(ag_json *json, ag_code code)
{
    if (!json->failed) json->failed = code;
}

static bool in_object(const ag_json *json)
{
    unsigned level = json->depth - 1u;
    return json->depth && (json->is_object[level / 64] >> (level % 64) & 1);
}

static void break_line(ag_json *json)
{
    if (!json->indent) return;
    ag_buf_add_char(json->out, '\n');
    ag_buf_add_fill(json->out, ' ', (size_t)json->depth * json->indent);
}

/* The comma and the line break before an item of the innermost container. */
static void separate(ag_json *json)
{
    if (!json->depth) return;
    if (!(json->state & FIRST)) ag_buf_add_char(json->out, ',');
    break_line(json);
}

/* Before every value: false when none may stand here. */
static bool begin_value(ag_json *json)
{
    bool named = json->state & NAMED;
    if (!json->failed && ((json->state & DONE) || named != in_object(json))) fail(json, AG_EINTERNAL);
    if (json->failed) return false;
    if (!named) separate(json);
    json->state = json->depth ? 0 : DONE;
    return true;
}

static void begin(ag_json *json, char open, bool object)
{
    if (!begin_value(json)) return;
    if (json->depth == AG_TREE_DEPTH_MAX) {
        fail(json, AG_ELIMIT);
        return;
    }
    uint64_t bit = UINT64_C(1) << (json->depth % 64);
    uint64_t *word = &json->is_object[json->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    json->depth++;
    json->state = FIRST;
    ag_buf_add_char(json->out, open);
}

static void end(ag_json *json, char close, bool object)
{
    if (!json->failed && (!json->depth || in_object(json) != object || (json->state & NAMED))) fail(json, AG_EINTERNAL);
    if (json->failed) return;
    json->depth--;
    if (!(json->state & FIRST)) break_line(json);
    ag_buf_add_char(json->out, close);
    json->state = json->depth ? 0 : DONE;
}

void ag_json_begin_object(ag_json *json)
{
    begin(json, '{', true);
}

void ag_json_end_object(ag_json *json)
{
    end(json, '}', true);
}

void ag_json_begin_array(ag_json *json)
{
    begin(json, '[', false);
}

void ag_json_end_array(ag_json *json)
{
    end(json, ']', false);
}

static void add_escape(ag_buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        char text[2] = {'\\', to[known - from]};
        ag_buf_add(out, text, 2);
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        ag_buf_add(out, text, 6);
    }
}

static void add_string(ag_buf *out, ag_str text)
{
    ag_buf_add_char(out, '"');
    for (size_t at = 0; at < text.size;) {
        size_t from = at, bad = 0;
        at += ag_scan_plain(text.data + at, text.size - at);
        while (at < text.size && (unsigned char)text.data[at] >= 0x80) {
            size_t size = ag_scan_utf8(text.data + at, text.size - at, &bad);
            if (!size) break;
            at += size;
            bad = 0;
        }
        if (at > from) ag_buf_add(out, text.data + from, at - from);
        if (at >= text.size) break;
        unsigned char c = (unsigned char)text.data[at];
        if (c >= 0x80) {
            ag_buf_add(out, "\xEF\xBF\xBD", 3);
            at += bad;
        } else if (c < 0x20 || c == '"' || c == '\\') {
            add_escape(out, c);
            at++;
        }
    }
    ag_buf_add_char(out, '"');
}

void ag_json_name_str(ag_json *json, ag_str name)
{
    if (!json->failed && (!in_object(json) || (json->state & NAMED))) fail(json, AG_EINTERNAL);
    if (json->failed) return;
    separate(json);
    add_string(json->out, name);
    ag_buf_add(json->out, ": ", json->indent ? 2 : 1);
    json->state = NAMED;
}

void ag_json_name(ag_json *json, const char *name)
{
    ag_json_name_str(json, ag_str_of(name));
}

static void add_word(ag_json *json, const char *word)
{
    if (begin_value(json)) ag_buf_add_text(json->out, word);
}

void ag_json_null(ag_json *json)
{
    add_word(json, "null");
}

void ag_json_bool(ag_json *json, bool value)
{
    add_word(json, value ? "true" : "false");
}

static void add_integer(ag_json *json, uint64_t magnitude, bool negative)
{
    char text[24], *at = text + sizeof text;
    if (!begin_value(json)) return;
    do {
        *--at = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (negative) *--at = '-';
    ag_buf_add(json->out, at, (size_t)(text + sizeof text - at));
}

void ag_json_int(ag_json *json, int64_t value)
{
    add_integer(json, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void ag_json_uint(ag_json *json, uint64_t value)
{
    add_integer(json, value, false);
}

static void add_nonfinite(ag_json *json, double value)
{
    const char *word = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    switch (json->nonfinite) {
    case AG_JSON_REFUSE_NONFINITE: fail(json, AG_EINVAL); break;
    case AG_JSON_NONFINITE_WORDS: add_word(json, word); break;
    case AG_JSON_NONFINITE_TEXT: ag_json_text(json, word); break;
    case AG_JSON_NONFINITE_NULL: ag_json_null(json); break;
    }
}

void ag_json_real(ag_json *json, double value)
{
    char text[32];
    if (!isfinite(value)) {
        add_nonfinite(json, value);
        return;
    }
    if (!begin_value(json)) return;
    size_t size = ag_double_format(value, text);
    ag_buf_add(json->out, text, size);
    /* ".0" keeps it a real (and the sign of -0) for readers that tell integers from reals, ours among them. */
    if (!memchr(text, '.', size) && !memchr(text, 'e', size)) ag_buf_add(json->out, ".0", 2);
}

void ag_json_text(ag_json *json, const char *value)
{
    if (value)
        ag_json_str(json, ag_str_of(value));
    else
        ag_json_null(json);
}

void ag_json_str(ag_json *json, ag_str value)
{
    if (begin_value(json)) add_string(json->out, value);
}

void ag_json_raw(ag_json *json, ag_str text)
{
    if (!text.size) fail(json, AG_EINTERNAL);
    if (begin_value(json)) ag_buf_add_str(json->out, text);
}

static void write_array(ag_json *json, const ag_value *value)
{
    ag_json_begin_array(json);
    for (size_t i = 0; i < value->array.count && !json->failed; i++) ag_json_value(json, &value->array.items[i]);
    ag_json_end_array(json);
}

static void write_object(ag_json *json, const ag_value *value)
{
    ag_json_begin_object(json);
    for (size_t i = 0; i < value->object.count && !json->failed; i++) {
        ag_json_name_str(json, value->object.members[i].name);
        ag_json_value(json, &value->object.members[i].value);
    }
    ag_json_end_object(json);
}

void ag_json_value(ag_json *json, const ag_value *value)
{
    if (!value) {
        ag_json_null(json);
        return;
    }
    switch (value->kind) {
    case AG_NULL: ag_json_null(json); break;
    case AG_BOOL: ag_json_bool(json, value->boolean); break;
    case AG_INT: ag_json_int(json, value->integer); break;
    case AG_REAL: ag_json_real(json, value->real); break;
    case AG_STRING: ag_json_str(json, value->string); break;
    case AG_ARRAY: write_array(json, value); break;
    case AG_OBJECT: write_object(json, value); break;
    }
}

int ag_json_end_document(ag_json *json, ag_err *err)
{
    int rc = ag_buf_check(json->out, "JSON", err);
    if (rc < 0) return rc;
    if (json->failed == AG_EINVAL) {
        (void)ag_fail(err, AG_EINVAL, "NaN and infinity cannot be written as JSON numbers");
        (void)ag_err_hint(err, "replace them before writing");
        return AG_EINVAL;
    }
    if (json->failed == AG_ELIMIT)
        return ag_fail(err, AG_ELIMIT, "JSON cannot be written deeper than %d levels", AG_TREE_DEPTH_MAX);
    if (json->failed || json->depth || !(json->state & DONE))
        return ag_fail(err, AG_EINTERNAL, "the JSON writer was called in a wrong order or left open");
    return AG_OK;
}

void ag_json_put_text(ag_json *json, const char *name, const char *value)
{
    ag_json_name(json, name);
    ag_json_text(json, value);
}

void ag_json_put_int(ag_json *json, const char *name, int64_t value)
{
    ag_json_name(json, name);
    ag_json_int(json, value);
}

void ag_json_put_real(ag_json *json, const char *name, double value)
{
    ag_json_name(json, name);
    ag_json_real(json, value);
}

void ag_json_put_known(ag_json *json, const char *name, double value)
{
    ag_json_name(json, name);
    if (isfinite(value))
        ag_json_real(json, value);
    else
        ag_json_null(json);
}

void ag_json_put_bool(ag_json *json, const char *name, bool value)
{
    ag_json_name(json, name);
    ag_json_bool(json, value);
}
