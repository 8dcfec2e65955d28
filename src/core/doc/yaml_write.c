// SPDX-License-Identifier: Apache-2.0
/* yaml_write.c: a tree as block-style YAML.
 * Not libyaml's emitter: it wraps, needs events with memory of their own, and leaves quoting to the caller. A string is
 * plain only when it is a simple word that no reader of YAML 1.1 or 1.2 could take for something else; otherwise it is
 * double-quoted with JSON's escapes and those for the line breaks and controls that YAML knows besides. */
#include <math.h>
#include <string.h>

#include "core/doc/scan.h"
#include "core/doc/tree.h"
#include "core/doc/yaml.h"
#include "core/doc/yaml_scalar.h"

#define LONGEST_SIMPLE_KEY 500 /* libyaml reads "key:" up to 1024 characters; longer ones need "? key" */

typedef struct writer {
    ag_buf *out;
    ag_err *err;
} writer;

static int write_node(const writer *w, const ag_value *value, unsigned level, bool in_item);

/* YAML's own line breaks and what is not printable: written as \u. Returns false for what may stand as it is. */
static bool needs_escape(const char *at, size_t size, unsigned *code)
{
    const unsigned char *c = (const unsigned char *)at;
    if (size == 2) {
        *code = (c[0] & 0x1Fu) << 6 | (c[1] & 0x3Fu);
        return *code < 0xA0;
    }
    if (size != 3) return false;
    *code = (c[0] & 0x0Fu) << 12 | (c[1] & 0x3Fu) << 6 | (c[2] & 0x3Fu);
    return *code == 0x2028 || *code == 0x2029 || *code == 0xFEFF || *code >= 0xFFFE;
}

static size_t add_multibyte(ag_buf *out, ag_str rest)
{
    size_t bad = 0, size = ag_scan_utf8(rest.data, rest.size, &bad);
    unsigned code;
    if (!size) {
        ag_buf_add(out, "\xEF\xBF\xBD", 3);
        return bad;
    }
    if (needs_escape(rest.data, size, &code))
        ag_buf_addf(out, "\\u%04x", code);
    else
        ag_buf_add(out, rest.data, size);
    return size;
}

static void add_quoted(ag_buf *out, ag_str text)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    ag_buf_add_char(out, '"');
    for (size_t at = 0; at < text.size;) {
        unsigned char c = (unsigned char)text.data[at];
        const char *known = c ? strchr(from, c) : NULL;
        if (c >= 0x80) {
            at += add_multibyte(out, ag_str_slice(text, at, SIZE_MAX));
            continue;
        }
        if (known) {
            ag_buf_add_char(out, '\\');
            ag_buf_add_char(out, to[known - from]);
        } else if (c < 0x20 || c == 0x7F) {
            ag_buf_addf(out, "\\u%04x", (unsigned)c);
        } else {
            ag_buf_add_char(out, (char)c);
        }
        at++;
    }
    ag_buf_add_char(out, '"');
}

static void add_string(ag_buf *out, ag_str text)
{
    if (ag_yaml_needs_quotes(text))
        add_quoted(out, text);
    else
        ag_buf_add_str(out, text);
}

static void add_real(ag_buf *out, double value)
{
    char text[32];
    if (!isfinite(value)) {
        ag_buf_add_text(out, isnan(value) ? ".nan" : value > 0 ? ".inf" : "-.inf");
        return;
    }
    size_t size = ag_double_format(value, text);
    const char *exponent = memchr(text, 'e', size);
    size_t mantissa = exponent ? (size_t)(exponent - text) : size;
    /* YAML 1.1 readers take "1e300" for a string: they want the point. */
    ag_buf_add(out, text, mantissa);
    if (!memchr(text, '.', mantissa)) ag_buf_add_text(out, ".0");
    ag_buf_add(out, text + mantissa, size - mantissa);
}

static void begin_line(const writer *w, unsigned level)
{
    ag_buf_add_fill(w->out, ' ', (size_t)level * 2);
}

static bool is_block(const ag_value *value)
{
    return (value->kind == AG_ARRAY && value->array.count) || (value->kind == AG_OBJECT && value->object.count);
}

/* Behind "- " the first line of a block goes on where the dash stands, so only the further lines are indented. */
static int write_items(const writer *w, const ag_value *value, unsigned level, bool in_item)
{
    for (size_t i = 0; i < value->array.count; i++) {
        if (i || !in_item) begin_line(w, level);
        ag_buf_add_text(w->out, "- ");
        int rc = write_node(w, &value->array.items[i], level + 1, true);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int write_members(const writer *w, const ag_value *value, unsigned level, bool in_item)
{
    for (size_t i = 0; i < value->object.count; i++) {
        const ag_member *member = &value->object.members[i];
        if (i || !in_item) begin_line(w, level);
        if (member->name.size > LONGEST_SIMPLE_KEY / 6) {
            ag_buf_add_text(w->out, "? ");
            add_string(w->out, member->name);
            ag_buf_add_char(w->out, '\n');
            begin_line(w, level);
        } else {
            add_string(w->out, member->name);
        }
        ag_buf_add_char(w->out, ':');
        ag_buf_add_char(w->out, is_block(&member->value) ? '\n' : ' ');
        int rc = write_node(w, &member->value, level + 1, false);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int write_node(const writer *w, const ag_value *value, unsigned level, bool in_item)
{
    if (level > AG_TREE_DEPTH_MAX)
        return ag_fail(w->err, AG_ELIMIT, "YAML cannot be written deeper than %d levels", AG_TREE_DEPTH_MAX);
    if (is_block(value))
        return value->kind == AG_ARRAY ? write_items(w, value, level, in_item)
                                       : write_members(w, value, level, in_item);
    switch (value->kind) {
    case AG_NULL: ag_buf_add_text(w->out, "null"); break;
    case AG_BOOL: ag_buf_add_text(w->out, value->boolean ? "true" : "false"); break;
    case AG_INT: ag_buf_addf(w->out, "%lld", (long long)value->integer); break;
    case AG_REAL: add_real(w->out, value->real); break;
    case AG_STRING: add_string(w->out, value->string); break;
    case AG_ARRAY: ag_buf_add_text(w->out, "[]"); break;
    case AG_OBJECT: ag_buf_add_text(w->out, "{}"); break;
    }
    ag_buf_add_char(w->out, '\n');
    return AG_OK;
}

int ag_yaml_write(const ag_value *value, ag_buf *out, ag_err *err)
{
    static const ag_value null = {.kind = AG_NULL};
    writer w = {out, err};
    int rc = write_node(&w, value ? value : &null, 0, false);
    return rc < 0 ? rc : ag_buf_check(out, "YAML", err);
}
