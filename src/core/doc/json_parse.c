// SPDX-License-Identifier: Apache-2.0
/* json_parse.c: the strict JSON reader.
 * The text is copied once into the arena and read there: strings without escapes are slices of the copy, escapes are
 * undone in place (they never grow), and the zero bytes behind the copy end every inner loop without a bounds check.
 * Invariants: at <= end; everything before `at` was accepted; line_start is the byte behind the last line feed, so that
 * a place costs nothing until somebody asks for it. Recursion is bounded by max_depth. Threads: none, no shared state.
 * Why by hand: docs/decisions/0002-json-by-hand.md. */
#include "core/doc/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/doc/scan.h"
#include "core/doc/tree.h"

#define PADDING 8 /* zero bytes behind the copy */

typedef struct parser {
    char *at;
    char *end;
    char *line_start;
    uint32_t line;
    uint32_t depth;
    size_t values;
    ag_json_options limits; /* with the defaults filled in */
    ag_tree tree;
    ag_err *err;
} parser;

static int parse_value(parser *p, ag_value *out);

/* A failure at `at`, which lies on the current line. */
AG_PRINTF(4, 5) static int fail(parser *p, const char *at, ag_code code, const char *format, ...)
{
    va_list arguments;
    char text[sizeof p->err->text];
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ag_fail_at(p->err, code, p->limits.file, p->line, (uint32_t)(at - p->line_start) + 1, "%s", text);
}

/* The byte at `at` as a message shows it. */
static const char *found(const parser *p, const char *at, char out[40])
{
    unsigned char c = (unsigned char)*at;
    if (at >= p->end)
        (void)ag_format(out, 40, "the end of the text");
    else if (c < 0x20 || c >= 0x7F)
        (void)ag_format(out, 40, "the byte 0x%02x", (unsigned)c);
    else
        (void)ag_format(out, 40, "'%c'", c);
    return out;
}

static inline void skip_space(parser *p)
{
    char *at = p->at;
    for (;; at++) {
        if (*at == '\n') {
            p->line++;
            p->line_start = at + 1;
        } else if (*at != ' ' && *at != '\t' && *at != '\r') {
            break;
        }
    }
    p->at = at;
}

static int hex4(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* p->at stands behind "\u". */
static int unescape_unicode(parser *p, char **to)
{
    char *start = p->at - 2;
    int code = hex4(p->at), low;
    if (code < 0) return fail(p, start, AG_EPARSE, "\\u needs four hexadecimal digits");
    p->at += 4;
    if (code >= 0xDC00 && code <= 0xDFFF)
        return fail(p, start, AG_EPARSE, "\\u%04x is the second half of a surrogate pair without the first", code);
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (p->at[0] != '\\' || p->at[1] != 'u' || (low = hex4(p->at + 2)) < 0xDC00 || low > 0xDFFF)
            return fail(p, start, AG_EPARSE, "\\u%04x is the first half of a surrogate pair without the second", code);
        p->at += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *to = put_utf8(*to, (unsigned)code);
    return AG_OK;
}

/* p->at stands at the backslash. */
static int unescape(parser *p, char **to)
{
    static const char from_list[] = "\"\\/bfnrt", to_list[] = "\"\\/\b\f\n\r\t";
    char c = p->at[1];
    const char *known = c ? strchr(from_list, c) : NULL;
    char shown[40];
    if (c == 'u') {
        p->at += 2;
        return unescape_unicode(p, to);
    }
    if (!known)
        return fail(p, p->at, AG_EPARSE, "a backslash before %s is not an escape of JSON", found(p, p->at + 1, shown));
    *(*to)++ = to_list[known - from_list];
    p->at += 2;
    return AG_OK;
}

static int bad_string_byte(parser *p, const char *start)
{
    char shown[40];
    if (p->at >= p->end) return fail(p, start, AG_EPARSE, "the string that begins here has no end");
    if (*p->at == '\n' || *p->at == '\r')
        return fail(p, start, AG_EPARSE,
                    "the string that begins here has no end on its line (write \\n for a line break)");
    if ((unsigned char)*p->at >= 0x80) return fail(p, p->at, AG_EPARSE, "invalid UTF-8 (%s)", found(p, p->at, shown));
    return fail(p, p->at, AG_EPARSE, "the control byte 0x%02x must be written as \\u%04x", (unsigned)*p->at,
                (unsigned)*p->at);
}

/* p->at stands at the opening quote, and behind the closing one afterwards. */
static int parse_string(parser *p, ag_str *out)
{
    char *start = ++p->at, *to = NULL; /* to: where the next byte goes, once an escape made the string shorter */
    size_t bad;
    for (;;) {
        char *from = p->at;
        p->at += ag_scan_plain(from, (size_t)(p->end - from));
        while ((unsigned char)*p->at >= 0x80 && p->at < p->end) {
            size_t size = ag_scan_utf8(p->at, (size_t)(p->end - p->at), &bad);
            if (!size) return bad_string_byte(p, start - 1);
            p->at += size;
        }
        if (to && p->at > from) {
            memmove(to, from, (size_t)(p->at - from));
            to += p->at - from;
        }
        if (*p->at == '"') break;
        if (*p->at == '\\' && p->at < p->end) {
            int rc;
            if (!to) to = p->at;
            if ((rc = unescape(p, &to)) < 0) return rc;
        } else if (p->at == from) {
            return bad_string_byte(p, start - 1);
        }
    }
    *out = (ag_str){start, (size_t)((to ? to : p->at) - start)};
    p->at++;
    return AG_OK;
}

/* Digits, at least one. */
static int scan_digits(parser *p, ag_decimal *decimal, bool fraction)
{
    char shown[40];
    if (*p->at < '0' || *p->at > '9')
        return fail(p, p->at, AG_EPARSE, "expected a digit, found %s", found(p, p->at, shown));
    p->at += ag_decimal_scan(decimal, p->at, fraction) - p->at;
    return AG_OK;
}

static int scan_exponent(parser *p, ag_decimal *decimal)
{
    char shown[40];
    int64_t exponent = 0;
    p->at++;
    bool negative = *p->at == '-';
    if (*p->at == '-' || *p->at == '+') p->at++;
    if (*p->at < '0' || *p->at > '9')
        return fail(p, p->at, AG_EPARSE, "expected a digit of the exponent, found %s", found(p, p->at, shown));
    for (; *p->at >= '0' && *p->at <= '9'; p->at++)
        if (exponent < 1000000) exponent = exponent * 10 + (*p->at - '0');
    decimal->exponent += negative ? -exponent : exponent;
    return AG_OK;
}

static int finish_real(parser *p, const char *start, const ag_decimal *decimal, ag_value *out)
{
    out->kind = AG_REAL;
    if (ag_decimal_exact(decimal, &out->real)) return AG_OK;
    if (!ag_decimal_library(start, p->at, &out->real))
        return fail(p, start, AG_EPARSE, "the number is too large for a double");
    return AG_OK;
}

static int parse_number(parser *p, ag_value *out)
{
    ag_decimal decimal = {0};
    char *start = p->at;
    int rc;
    if (*p->at == '-') {
        decimal.negative = true;
        p->at++;
    }
    if (p->at[0] == '0' && p->at[1] >= '0' && p->at[1] <= '9')
        return fail(p, start, AG_EPARSE, "a number must not begin with a zero that is followed by digits");
    if ((rc = scan_digits(p, &decimal, false)) < 0) return rc;
    bool whole = *p->at != '.' && *p->at != 'e' && *p->at != 'E';
    if (*p->at == '.') {
        p->at++;
        if ((rc = scan_digits(p, &decimal, true)) < 0) return rc;
    }
    if ((*p->at == 'e' || *p->at == 'E') && (rc = scan_exponent(p, &decimal)) < 0) return rc;
    if (whole && decimal.exponent == 0 && decimal.digits <= (uint64_t)INT64_MAX + decimal.negative) {
        out->kind = AG_INT;
        out->integer = (int64_t)(decimal.negative ? 0 - decimal.digits : decimal.digits);
        return AG_OK;
    }
    return finish_real(p, start, &decimal, out);
}

static bool take_word(parser *p, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(p->end - p->at) < size || memcmp(p->at, word, size) != 0) return false;
    char next = p->at[size];
    if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || (next >= '0' && next <= '9') || next == '_')
        return false;
    p->at += size;
    return true;
}

static int nonfinite(parser *p, const char *start, double value, ag_value *out)
{
    if (p->limits.nonfinite != AG_JSON_NONFINITE_WORDS) {
        (void)fail(p, start, AG_EPARSE, "NaN and Infinity are not numbers of JSON");
        (void)ag_err_hint(p->err, "write null, or leave the member out");
        return AG_EPARSE;
    }
    out->kind = AG_REAL;
    out->real = value;
    return AG_OK;
}

static int unexpected_value(parser *p)
{
    char shown[40];
    static const char *const foreign[] = {"True", "False", "None", "undefined", "nil"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (take_word(p, foreign[i]))
            return fail(p, p->at - strlen(foreign[i]), AG_EPARSE, "'%s' is not a word of JSON (true, false, null)",
                        foreign[i]);
    if (*p->at == '\'') return fail(p, p->at, AG_EPARSE, "strings stand in double quotes, found \"'\"");
    if (*p->at == '/' && (p->at[1] == '/' || p->at[1] == '*'))
        return fail(p, p->at, AG_EPARSE, "comments are not allowed in JSON");
    return fail(p, p->at, AG_EPARSE, "expected a value, found %s", found(p, p->at, shown));
}

static int parse_word(parser *p, ag_value *out)
{
    char *start = p->at;
    out->kind = AG_BOOL;
    out->boolean = true;
    if (take_word(p, "true")) return AG_OK;
    out->boolean = false;
    if (take_word(p, "false")) return AG_OK;
    out->kind = AG_NULL;
    if (take_word(p, "null")) return AG_OK;
    if (take_word(p, "NaN")) return nonfinite(p, start, NAN, out);
    if (take_word(p, "Infinity")) return nonfinite(p, start, INFINITY, out);
    if (take_word(p, "-Infinity")) return nonfinite(p, start, -INFINITY, out);
    return unexpected_value(p);
}

/* Behind a child of a container that closes with `close`: 1 when another child follows, 0 at the end. */
static int next_child(parser *p, char close, const char *what, uint32_t start_line)
{
    char shown[40];
    skip_space(p);
    if (*p->at == close) {
        p->at++;
        return 0;
    }
    if (p->at >= p->end)
        return fail(p, p->at, AG_EPARSE, "the text ends inside the %s that begins in line %u", what, start_line);
    if (*p->at != ',')
        return fail(p, p->at, AG_EPARSE, "expected ',' or '%c' in the %s that begins in line %u, found %s", close, what,
                    start_line, found(p, p->at, shown));
    char *comma = p->at++;
    uint32_t line = p->line;
    char *line_start = p->line_start;
    skip_space(p);
    if (*p->at != close) return 1;
    p->line = line;
    p->line_start = line_start;
    return fail(p, comma, AG_EPARSE, "a comma must not stand before '%c'", close);
}

static int parse_array(parser *p, ag_value *out)
{
    size_t base = p->tree.value_count;
    int rc;
    p->at++;
    skip_space(p);
    if (*p->at == ']') {
        p->at++;
        return ag_tree_take_array(&p->tree, base, out, p->err);
    }
    do {
        ag_value item;
        if ((rc = parse_value(p, &item)) < 0) return rc;
        if ((rc = ag_tree_push_value(&p->tree, &item, p->err)) < 0) return rc;
    } while ((rc = next_child(p, ']', "list", out->line)) > 0);
    return rc < 0 ? rc : ag_tree_take_array(&p->tree, base, out, p->err);
}

static int parse_member(parser *p, ag_member *member)
{
    char shown[40];
    int rc;
    if (*p->at != '"') {
        if (*p->at == '/' || *p->at == '\'') return unexpected_value(p);
        return fail(p, p->at, AG_EPARSE, "expected the name of a member in double quotes, found %s",
                    found(p, p->at, shown));
    }
    member->line = p->line;
    member->column = (uint32_t)(p->at - p->line_start) + 1;
    if ((rc = parse_string(p, &member->name)) < 0) return rc;
    skip_space(p);
    if (*p->at != ':')
        return fail(p, p->at, AG_EPARSE, "expected ':' behind the name '%.*s', found %s",
                    (int)ag_utf8_cut(member->name, 60), member->name.data, found(p, p->at, shown));
    p->at++;
    skip_space(p);
    return parse_value(p, &member->value);
}

static int refuse_duplicates(parser *p, size_t base)
{
    size_t first, second;
    const ag_member *members = p->tree.members + base;
    int rc = ag_tree_duplicate(members, p->tree.member_count - base, &first, &second, p->err);
    if (rc <= 0) return rc;
    return ag_fail_at(p->err, AG_EPARSE, p->limits.file, members[second].line, members[second].column,
                      "the name '%.*s' stands twice in one object (first in line %u)",
                      (int)ag_utf8_cut(members[second].name, 60), members[second].name.data, members[first].line);
}

static int parse_object(parser *p, ag_value *out)
{
    size_t base = p->tree.member_count;
    int rc;
    p->at++;
    skip_space(p);
    if (*p->at == '}') {
        p->at++;
        return ag_tree_take_object(&p->tree, base, out, p->err);
    }
    do {
        ag_member member;
        if ((rc = parse_member(p, &member)) < 0) return rc;
        if ((rc = ag_tree_push_member(&p->tree, &member, p->err)) < 0) return rc;
    } while ((rc = next_child(p, '}', "object", out->line)) > 0);
    if (rc < 0) return rc;
    if (p->limits.allow_duplicates) {
        size_t count = p->tree.member_count - base;
        rc = ag_tree_keep_last(p->tree.members + base, &count, p->err);
        p->tree.member_count = base + count;
    } else {
        rc = refuse_duplicates(p, base);
    }
    return rc < 0 ? rc : ag_tree_take_object(&p->tree, base, out, p->err);
}

static int parse_container(parser *p, ag_value *out)
{
    if (p->depth >= p->limits.max_depth)
        return fail(p, p->at, AG_ELIMIT, "lists and objects are nested deeper than %u levels", p->limits.max_depth);
    p->depth++;
    int rc = *p->at == '[' ? parse_array(p, out) : parse_object(p, out);
    p->depth--;
    return rc;
}

/* p->at stands at the first byte of the value. */
static int parse_value(parser *p, ag_value *out)
{
    *out = (ag_value){.line = p->line, .column = (uint32_t)(p->at - p->line_start) + 1};
    if (++p->values > p->limits.max_values)
        return fail(p, p->at, AG_ELIMIT, "more than %zu values", p->limits.max_values);
    switch (*p->at) {
    case '"': out->kind = AG_STRING; return parse_string(p, &out->string);
    case '[':
    case '{': return parse_container(p, out);
    case '-':
        if (p->at[1] == 'I') return parse_word(p, out);
        return parse_number(p, out);
    default: return *p->at >= '0' && *p->at <= '9' ? parse_number(p, out) : parse_word(p, out);
    }
}

static int parse_document(parser *p, ag_value *out)
{
    char shown[40];
    int rc;
    if (p->end - p->at >= 3 && memcmp(p->at, "\xEF\xBB\xBF", 3) == 0)
        return fail(p, p->at, AG_EPARSE, "the text begins with a byte order mark (save it as UTF-8 without one)");
    skip_space(p);
    if (p->at >= p->end) return fail(p, p->at, AG_EPARSE, "the text is empty");
    if ((rc = parse_value(p, out)) < 0) return rc;
    skip_space(p);
    if (p->at < p->end)
        return fail(p, p->at, AG_EPARSE, "expected the end of the text behind the value, found %s",
                    found(p, p->at, shown));
    return AG_OK;
}

static ag_json_options with_defaults(const ag_json_options *options)
{
    ag_json_options limits = options ? *options : (ag_json_options){0};
    if (!limits.max_bytes) limits.max_bytes = AG_JSON_MAX_BYTES;
    if (limits.max_bytes > UINT32_MAX - 1) limits.max_bytes = UINT32_MAX - 1; /* columns are 32 bits */
    if (!limits.max_depth) limits.max_depth = 64;
    if (limits.max_depth > AG_TREE_DEPTH_MAX) limits.max_depth = AG_TREE_DEPTH_MAX;
    if (!limits.max_values) limits.max_values = 10000000;
    return limits;
}

int ag_json_parse(ag_arena *arena, ag_str text, const ag_json_options *options, const ag_value **out, ag_err *err)
{
    parser p = {.line = 1, .limits = with_defaults(options), .err = err};
    if (text.size > p.limits.max_bytes)
        return ag_fail_at(err, AG_ELIMIT, p.limits.file, 0, 0, "%zu bytes of JSON, more than the %zu allowed",
                          text.size, p.limits.max_bytes);
    char *copy = ag_arena_alloc(arena, text.size + PADDING);
    ag_value *root = ag_arena_alloc(arena, sizeof *root);
    if (!copy || !root) return ag_fail_memory(err, text.size + PADDING);
    if (text.size) memcpy(copy, text.data, text.size);
    p.at = p.line_start = copy;
    p.end = copy + text.size;
    ag_tree_init(&p.tree, arena);
    int rc = parse_document(&p, root);
    ag_tree_deinit(&p.tree);
    if (rc < 0) return rc;
    *out = root;
    return AG_OK;
}
