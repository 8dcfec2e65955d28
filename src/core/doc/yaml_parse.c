// SPDX-License-Identifier: Apache-2.0
/* yaml_parse.c: from libyaml's events to the tree of value.h.
 * libyaml knows the syntax; everything that can hurt is decided here: the core schema, tags, duplicate and strange
 * keys, anchors, limits. An alias shares the children of its anchor (trees are constant), so expansion costs no memory;
 * the values it stands for are counted all the same, because whoever walks the tree meets them. Places: libyaml counts
 * characters, we count bytes. Two cursors walk the text along with the events and turn one into the other; both move
 * forward almost always, so that a document on one line stays linear. Invariant: `event` is the event being looked at;
 * next() replaces it. Threads: none, no shared state. */
#include "core/doc/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "core/base/map.h"
#include "core/doc/scan.h"
#include "core/doc/tree.h"
#include "core/doc/yaml_scalar.h"
#include "core/doc/yaml_version.h"

#define CORE_TAG "tag:yaml.org,2002:"

typedef struct cursor {
    size_t characters; /* that many characters ... */
    size_t bytes;      /* ... are that many bytes of the text */
} cursor;

typedef struct anchor {
    ag_value value;
    size_t values;   /* nodes of the subtree, aliases expanded */
    uint32_t height; /* levels of containers */
    bool open;       /* its own node is still being read */
} anchor;

typedef struct reader {
    yaml_parser_t yaml;
    yaml_event_t event;
    bool has_event;
    ag_str text;
    size_t given; /* bytes of the text that libyaml has */
    size_t minor; /* where the text says that it is YAML 1.2, or SIZE_MAX */
    cursor here, line_start;
    ag_yaml_options limits;
    ag_arena *arena;
    ag_tree tree;
    ag_map *anchors;
    size_t values;
    uint32_t depth, deepest;
    ag_err *err;
} reader;

static int read_node(reader *r, ag_value *out);

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t bytes_of(const reader *r, cursor *c, size_t characters)
{
    const char *data = r->text.data;
    while (c->characters < characters && c->bytes < r->text.size) {
        do c->bytes++;
        while (c->bytes < r->text.size && is_tail(data[c->bytes]));
        c->characters++;
    }
    while (c->characters > characters) {
        do c->bytes--;
        while (c->bytes > 0 && is_tail(data[c->bytes]));
        c->characters--;
    }
    return c->bytes;
}

static void place_of(reader *r, const yaml_mark_t *mark, uint32_t *line, uint32_t *column)
{
    size_t start = mark->index >= mark->column ? mark->index - mark->column : 0;
    *line = (uint32_t)mark->line + 1;
    *column = (uint32_t)(bytes_of(r, &r->here, mark->index) - bytes_of(r, &r->line_start, start)) + 1;
}

/* A failure at a mark of libyaml. */
AG_PRINTF(4, 5) static int fail(reader *r, const yaml_mark_t *mark, ag_code code, const char *format, ...)
{
    va_list arguments;
    char text[sizeof r->err->text];
    uint32_t line, column;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    place_of(r, mark, &line, &column);
    return ag_fail_at(r->err, code, r->limits.file, line, column, "%s", text);
}

/* A failure at a byte of the text. */
static int fail_at_byte(const reader *r, size_t at, const char *what)
{
    uint32_t line = 1;
    size_t start = 0;
    if (at > r->text.size) at = r->text.size;
    for (size_t i = 0; i < at; i++) {
        if (r->text.data[i] != '\n') continue;
        line++;
        start = i + 1;
    }
    return ag_fail_at(r->err, AG_EPARSE, r->limits.file, line, (uint32_t)(at - start) + 1, "%s", what);
}

/* What libyaml found wrong, in one sentence. */
static int fail_syntax(reader *r)
{
    const yaml_parser_t *yaml = &r->yaml;
    const char *problem = yaml->problem ? yaml->problem : "not YAML";
    if (strcmp(problem, "found a tab character that violate indentation") == 0) /* so 0.2.2 writes it */
        problem = "found a tab character that violates indentation";
    if (yaml->error == YAML_MEMORY_ERROR) return ag_fail_memory(r->err, r->text.size);
    if (yaml->error == YAML_READER_ERROR) return fail_at_byte(r, yaml->problem_offset, problem);
    int rc = fail(r, &yaml->problem_mark, AG_EPARSE, "%s%s%s", problem, yaml->context ? " " : "",
                  yaml->context ? yaml->context : "");
    size_t at = bytes_of(r, &r->here, yaml->problem_mark.index);
    if (at < r->text.size && r->text.data[at] == '\t')
        (void)ag_err_hint(r->err, "indent with spaces, not with tabs");
    else if (yaml->context && strstr(yaml->context, "block mapping"))
        (void)ag_err_hint(r->err, "the keys of one mapping begin in the same column; look also at the line above");
    return rc;
}

static int next(reader *r)
{
    if (r->has_event) yaml_event_delete(&r->event);
    r->has_event = false;
    if (!yaml_parser_parse(&r->yaml, &r->event)) return fail_syntax(r);
    r->has_event = true;
    return AG_OK;
}

static int take_text(reader *r, const yaml_event_t *event, ag_str *out)
{
    size_t size = event->data.scalar.length;
    char *copy = ag_arena_alloc(r->arena, size + 1);
    if (!copy) return ag_fail_memory(r->err, size + 1);
    memcpy(copy, event->data.scalar.value, size);
    *out = (ag_str){copy, size};
    return AG_OK;
}

static int refuse_tag(reader *r, const char *tag)
{
    int rc = fail(r, &r->event.start_mark, AG_EPARSE, "the tag '%.80s' is not one of the core schema", tag);
    (void)ag_err_hint(r->err, "leave it out; !!str, !!int, !!float, !!bool, !!null, !!seq and !!map are understood");
    return rc;
}

/* "int" of "tag:yaml.org,2002:int", else NULL. */
static const char *core_name(const char *tag)
{
    size_t size = strlen(CORE_TAG);
    return strncmp(tag, CORE_TAG, size) == 0 ? tag + size : NULL;
}

static int apply_scalar_tag(reader *r, const char *tag, ag_value *out)
{
    static const struct {
        const char *name;
        ag_kind kind;
    } kinds[] = {{"int", AG_INT}, {"float", AG_REAL}, {"bool", AG_BOOL}, {"null", AG_NULL}};
    const yaml_event_t *event = &r->event;
    const char *name = core_name(tag);
    ag_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    out->kind = AG_STRING;
    if (strcmp(tag, "!") == 0 || (name && strcmp(name, "str") == 0)) return AG_OK;
    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0) continue;
        bool fits = ag_yaml_resolve(text, out);
        if (fits && out->kind == AG_INT && kinds[i].kind == AG_REAL) {
            out->real = (double)out->integer;
            out->kind = AG_REAL;
        }
        if (fits && out->kind == kinds[i].kind) return AG_OK;
        return fail(r, &event->start_mark, AG_EPARSE, "'%.*s' is not %s, as its tag !!%s says",
                    (int)ag_utf8_cut(text, 60), text.data, ag_kind_name(kinds[i].kind), name);
    }
    return refuse_tag(r, tag);
}

static int read_scalar(reader *r, ag_value *out)
{
    const yaml_event_t *event = &r->event;
    const char *tag = (const char *)event->data.scalar.tag;
    ag_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    out->kind = AG_STRING;
    if (tag) {
        int rc = apply_scalar_tag(r, tag, out);
        if (rc < 0) return rc;
    } else if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ag_yaml_resolve(text, out)) {
        return fail(r, &event->start_mark, AG_EPARSE, "the number is too large for a double");
    }
    return out->kind == AG_STRING ? take_text(r, event, &out->string) : AG_OK;
}

static int read_alias(reader *r, ag_value *out)
{
    ag_str name = ag_str_of((const char *)r->event.data.alias.anchor);
    const yaml_mark_t *mark = &r->event.start_mark;
    const anchor *target = ag_map_get(r->anchors, name);
    if (!target) return fail(r, mark, AG_EPARSE, "the alias '*%.60s' names no anchor before it", name.data);
    if (target->open) return fail(r, mark, AG_EPARSE, "the alias '*%.60s' stands inside its own anchor", name.data);
    /* The alias itself was counted as one value. */
    if (target->values - 1 > r->limits.max_values - r->values)
        return fail(r, mark, AG_ELIMIT, "more than %zu values once aliases are expanded", r->limits.max_values);
    if (target->height > r->limits.max_depth - r->depth)
        return fail(r, mark, AG_ELIMIT, "nested deeper than %u levels once aliases are expanded", r->limits.max_depth);
    r->values += target->values - 1;
    if (r->depth + target->height > r->deepest) r->deepest = r->depth + target->height;
    uint32_t line = out->line, column = out->column;
    *out = target->value;
    out->line = line;
    out->column = column;
    return AG_OK;
}

static int enter(reader *r, const char *tag, const char *expected)
{
    const char *name = tag ? core_name(tag) : NULL;
    if (tag && (!name || strcmp(name, expected) != 0)) return refuse_tag(r, tag);
    if (r->depth >= r->limits.max_depth)
        return fail(r, &r->event.start_mark, AG_ELIMIT, "nested deeper than %u levels", r->limits.max_depth);
    if (++r->depth > r->deepest) r->deepest = r->depth;
    return AG_OK;
}

static int read_sequence(reader *r, ag_value *out)
{
    size_t base = r->tree.value_count;
    int rc = enter(r, (const char *)r->event.data.sequence_start.tag, "seq");
    if (rc < 0) return rc;
    while ((rc = next(r)) == AG_OK && r->event.type != YAML_SEQUENCE_END_EVENT) {
        ag_value item;
        if ((rc = read_node(r, &item)) < 0) return rc;
        if ((rc = ag_tree_push_value(&r->tree, &item, r->err)) < 0) return rc;
    }
    if (rc < 0) return rc;
    r->depth--;
    return ag_tree_take_array(&r->tree, base, out, r->err);
}

static int read_key(reader *r, ag_member *member)
{
    const yaml_event_t *event = &r->event;
    const char *text = (const char *)event->data.scalar.value;
    ag_value key = {0};
    int rc;
    if (event->type != YAML_SCALAR_EVENT)
        return fail(r, &event->start_mark, AG_EPARSE, "a key must be a string, not %s",
                    event->type == YAML_ALIAS_EVENT            ? "an alias"
                    : event->type == YAML_SEQUENCE_START_EVENT ? "a list"
                                                               : "a mapping");
    if (event->data.scalar.anchor) return fail(r, &event->start_mark, AG_EPARSE, "a key must not have an anchor");
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
    if (plain && strcmp(text, "<<") == 0) {
        rc = fail(r, &event->start_mark, AG_EPARSE, "merge keys ('<<') are not part of YAML 1.2");
        (void)ag_err_hint(r->err, "write the keys out, or alias the whole mapping");
        return rc;
    }
    place_of(r, &event->start_mark, &member->line, &member->column);
    if ((rc = read_scalar(r, &key)) < 0) return rc;
    if (key.kind == AG_STRING) {
        member->name = key.string;
        return AG_OK;
    }
    if (!*text) return fail(r, &event->start_mark, AG_EPARSE, "a key is missing before ':'");
    rc = fail(r, &event->start_mark, AG_EPARSE, "a key must be a string, not %s", ag_kind_name(key.kind));
    (void)ag_err_hint(r->err, "put it in quotes: '%.60s'", text);
    return rc;
}

static int refuse_duplicates(reader *r, size_t base)
{
    size_t first, second;
    if (r->tree.member_count == base) return AG_OK;
    const ag_member *members = r->tree.members + base;
    int rc = ag_tree_duplicate(members, r->tree.member_count - base, &first, &second, r->err);
    if (rc <= 0) return rc;
    return ag_fail_at(r->err, AG_EPARSE, r->limits.file, members[second].line, members[second].column,
                      "the key '%.*s' stands twice in one mapping (first in line %u)",
                      (int)ag_utf8_cut(members[second].name, 60), members[second].name.data, members[first].line);
}

static int read_mapping(reader *r, ag_value *out)
{
    size_t base = r->tree.member_count;
    int rc = enter(r, (const char *)r->event.data.mapping_start.tag, "map");
    if (rc < 0) return rc;
    while ((rc = next(r)) == AG_OK && r->event.type != YAML_MAPPING_END_EVENT) {
        ag_member member;
        if ((rc = read_key(r, &member)) < 0 || (rc = next(r)) < 0) return rc;
        if ((rc = read_node(r, &member.value)) < 0) return rc;
        if ((rc = ag_tree_push_member(&r->tree, &member, r->err)) < 0) return rc;
    }
    if (rc < 0 || (rc = refuse_duplicates(r, base)) < 0) return rc;
    r->depth--;
    return ag_tree_take_object(&r->tree, base, out, r->err);
}

static int read_content(reader *r, ag_value *out)
{
    switch (r->event.type) {
    case YAML_SCALAR_EVENT: return read_scalar(r, out);
    case YAML_SEQUENCE_START_EVENT: return read_sequence(r, out);
    case YAML_MAPPING_START_EVENT: return read_mapping(r, out);
    case YAML_ALIAS_EVENT: return read_alias(r, out);
    default: return fail(r, &r->event.start_mark, AG_EINTERNAL, "unexpected event %d", (int)r->event.type);
    }
}

static const char *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return (const char *)event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT: return (const char *)event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT: return (const char *)event->data.mapping_start.anchor;
    default: return NULL;
    }
}

/* A later anchor of the same name replaces the earlier one, as YAML says. */
static int read_anchored(reader *r, const char *name, ag_value *out)
{
    anchor *target = ag_arena_alloc(r->arena, sizeof *target);
    if (!target) return ag_fail_memory(r->err, sizeof *target);
    target->open = true;
    int rc = ag_map_put(r->anchors, ag_str_of(name), target, NULL, r->err);
    if (rc < 0) return rc;
    size_t values = r->values - 1;
    uint32_t outer = r->deepest, depth = r->depth;
    r->deepest = depth;
    if ((rc = read_content(r, out)) < 0) return rc;
    target->value = *out;
    target->values = r->values - values;
    target->height = r->deepest - depth;
    target->open = false;
    if (outer > r->deepest) r->deepest = outer;
    return AG_OK;
}

/* `event` begins the node; afterwards it is the node's last one. */
static int read_node(reader *r, ag_value *out)
{
    const char *name = anchor_of(&r->event);
    *out = (ag_value){0};
    place_of(r, &r->event.start_mark, &out->line, &out->column);
    if (++r->values > r->limits.max_values)
        return fail(r, &r->event.start_mark, AG_ELIMIT, "more than %zu values", r->limits.max_values);
    return name ? read_anchored(r, name, out) : read_content(r, out);
}

static int read_document(reader *r, ag_value *out)
{
    int rc;
    out->line = out->column = 1;
    if ((rc = next(r)) < 0 || (rc = next(r)) < 0) return rc; /* the stream begins; a document, or its end */
    if (r->event.type == YAML_STREAM_END_EVENT) return AG_OK;
    if ((rc = next(r)) < 0 || (rc = read_node(r, out)) < 0) return rc;
    if ((rc = next(r)) < 0 || (rc = next(r)) < 0) return rc; /* the document ends; so must the stream */
    if (r->event.type == YAML_STREAM_END_EVENT) return AG_OK;
    return fail(r, &r->event.start_mark, AG_EPARSE, "a second document begins here, but one was expected");
}

/* What editors and shells of other systems write. */
static int fail_encoding(const reader *r, size_t at, unsigned char byte)
{
    char what[64];
    const unsigned char *first = (const unsigned char *)r->text.data;
    const bool wide =
        r->text.size >= 2 && ((first[0] == 0xFF && first[1] == 0xFE) || (first[0] == 0xFE && first[1] == 0xFF));
    if (wide && at == 0) {
        int rc = fail_at_byte(r, 0, "this is UTF-16, but YAML is read as UTF-8");
        (void)ag_err_hint(r->err,
                          "save it as UTF-8 (Notepad: 'Save as', Encoding; PowerShell: Set-Content -Encoding utf8)");
        return rc;
    }
    (void)ag_format(what, sizeof what, "invalid UTF-8 (the byte 0x%02x)", (unsigned)byte);
    int rc = fail_at_byte(r, at, what);
    (void)ag_err_hint(r->err, "save the file as UTF-8; it seems to be in an older encoding");
    return rc;
}

/* libyaml would stop at the same bytes, but with a place in characters or none. */
static int check_bytes(const reader *r)
{
    for (size_t at = 0, bad; at < r->text.size;) {
        unsigned char c = (unsigned char)r->text.data[at];
        char what[64];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
            (void)ag_format(what, sizeof what, "the control byte 0x%02x is not allowed", (unsigned)c);
            return fail_at_byte(r, at, what);
        }
        size_t size = ag_scan_utf8(r->text.data + at, r->text.size - at, &bad);
        if (!size) return fail_encoding(r, at, c);
        at += size;
    }
    return AG_OK;
}

static ag_yaml_options with_defaults(const ag_yaml_options *options)
{
    ag_yaml_options limits = options ? *options : (ag_yaml_options){0};
    if (!limits.max_bytes) limits.max_bytes = (size_t)16 << 20;
    if (limits.max_bytes > INT32_MAX) limits.max_bytes = INT32_MAX; /* columns are 32 bits, libyaml's lengths int */
    if (!limits.max_depth) limits.max_depth = 64;
    if (limits.max_depth > AG_TREE_DEPTH_MAX) limits.max_depth = AG_TREE_DEPTH_MAX;
    if (!limits.max_values) limits.max_values = 1000000;
    return limits;
}

/* Gives libyaml the text, and YAML 1.2 as 1.1: before 0.2.5 it refuses what it reads all the same. */
static int give(void *data, unsigned char *buffer, size_t size, size_t *given)
{
    reader *r = data;
    if (size > r->text.size - r->given) size = r->text.size - r->given;
    if (size) memcpy(buffer, r->text.data + r->given, size);
    if (r->minor >= r->given && r->minor - r->given < size) buffer[r->minor - r->given] = '1';
    r->given += size;
    *given = size;
    return 1;
}

static int read_all(reader *r, ag_value *root)
{
    int rc = check_bytes(r);
    if (rc < 0) return rc;
    if (!(r->anchors = ag_map_new())) return ag_fail_memory(r->err, 0);
    if (!yaml_parser_initialize(&r->yaml)) return ag_fail_memory(r->err, sizeof r->yaml);
    yaml_parser_set_encoding(&r->yaml, YAML_UTF8_ENCODING);
    r->minor = ag_yaml_version_minor(r->text);
    yaml_parser_set_input(&r->yaml, give, r);
    rc = read_document(r, root);
    if (r->has_event) yaml_event_delete(&r->event);
    yaml_parser_delete(&r->yaml);
    return rc;
}

int ag_yaml_parse(ag_arena *arena, ag_str text, const ag_yaml_options *options, const ag_value **out, ag_err *err)
{
    reader r = {.limits = with_defaults(options), .arena = arena, .err = err};
    if (text.size > r.limits.max_bytes)
        return ag_fail_at(err, AG_ELIMIT, r.limits.file, 0, 0, "%zu bytes of YAML, more than the %zu allowed",
                          text.size, r.limits.max_bytes);
    if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) text = ag_str_slice(text, 3, SIZE_MAX);
    r.text = text.size ? text : AG_STR("");
    ag_value *root = ag_arena_alloc(arena, sizeof *root);
    if (!root) return ag_fail_memory(err, sizeof *root);
    ag_tree_init(&r.tree, arena);
    int rc = read_all(&r, root);
    ag_tree_deinit(&r.tree);
    ag_map_free(r.anchors);
    if (rc < 0) return rc;
    *out = root;
    return AG_OK;
}
