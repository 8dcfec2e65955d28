// SPDX-License-Identifier: Apache-2.0
/* describe_docs.c: the documentation of a description as Markdown: one table per struct, the root first, then each
 * struct it refers to, once, in table order. The types are written as a user would say them. */
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/describe_parts.h"

/* A cell must not hold a bar or a line break. */
static void add_cell(ag_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') ag_buf_add_char(out, '\\');
        ag_buf_add_char(out, *text == '\n' ? ' ' : *text);
    }
}

static const char *type_name(ag_field_type type)
{
    static const char *const names[] = {
        [AG_FIELD_BOOL] = "true or false", [AG_FIELD_INT] = "integer",    [AG_FIELD_REAL] = "number",
        [AG_FIELD_TEXT] = "text",          [AG_FIELD_CHOICE] = "choice",  [AG_FIELD_BYTES] = "size",
        [AG_FIELD_DURATION] = "duration",  [AG_FIELD_STRUCT] = "section", [AG_FIELD_OPTIONAL] = "optional section",
        [AG_FIELD_LIST] = "list",          [AG_FIELD_VALUE] = "anything",
    };
    return names[type];
}

static void add_type(ag_buf *out, const ag_field *field)
{
    ag_field_type type = field->type == AG_FIELD_LIST ? field->item : field->type;
    if (field->type == AG_FIELD_LIST) ag_buf_add_text(out, "list of ");
    if (type != AG_FIELD_STRUCT && type != AG_FIELD_OPTIONAL) {
        ag_buf_add_text(out, type_name(type));
        return;
    }
    ag_buf_addf(out, "%s [%s](#%s)", type_name(type), field->inner->name, field->inner->name);
    const char *yes = field->inner->when_true, *no = field->inner->when_false;
    if (yes || no) ag_buf_addf(out, ", %s%s%s", yes ? "true" : "", yes && no ? " or " : "", no ? "false" : "");
}

/* "`true` stands for `{enabled: true}`, `false` for `{enabled: false}`." */
static void add_shorts(ag_buf *out, const ag_description *description)
{
    const char *yes = description->when_true, *no = description->when_false;
    if (yes) ag_buf_addf(out, "`true` stands for `%s`", yes);
    if (yes && no) ag_buf_add_text(out, ", ");
    if (no) ag_buf_addf(out, "`false` %sfor `%s`", yes ? "" : "stands ", no);
    if (yes || no) ag_buf_add_text(out, ".\n\n");
}

static void add_default(ag_buf *out, const ag_field *field)
{
    if (field->required) {
        ag_buf_add_text(out, "**required**");
    } else if (field->fallback) {
        ag_buf_add_char(out, '`');
        add_cell(out, field->type == AG_FIELD_TEXT && !*field->fallback ? "\"\"" : field->fallback);
        ag_buf_add_char(out, '`');
    } else {
        switch (field->type) {
        case AG_FIELD_BOOL: ag_buf_add_text(out, "`false`"); break;
        case AG_FIELD_LIST: ag_buf_add_text(out, "`[]`"); break;
        case AG_FIELD_CHOICE: ag_buf_addf(out, "`%s`", field->choices[0]); break;
        case AG_FIELD_INT:
        case AG_FIELD_REAL:
        case AG_FIELD_BYTES:
        case AG_FIELD_DURATION: ag_buf_add_text(out, "`0`"); break;
        default: break;
        }
    }
}

static void add_range(ag_buf *out, const ag_field *field)
{
    char range[96];
    for (size_t i = 0; field->choices && field->choices[i]; i++) {
        ag_buf_add_text(out, i ? ", `" : "`");
        add_cell(out, field->choices[i]);
        ag_buf_add_char(out, '`');
    }
    if (!ag_describe_ranged(field)) return;
    ag_describe_range(field, range, sizeof range);
    if (field->choices) ag_buf_add_text(out, "; ");
    ag_buf_add_text(out, range);
    ag_buf_add_text(out, field->type == AG_FIELD_LIST       ? " items"
                         : field->type == AG_FIELD_BYTES    ? " bytes"
                         : field->type == AG_FIELD_DURATION ? " seconds"
                                                            : "");
}

static void add_row(ag_buf *out, const ag_field *field)
{
    ag_buf_addf(out, "| `%s` | ", field->name);
    add_type(out, field);
    ag_buf_add_text(out, " | ");
    add_default(out, field);
    ag_buf_add_text(out, " | ");
    add_range(out, field);
    ag_buf_add_text(out, " | ");
    add_cell(out, field->doc);
    if (field->alias) {
        ag_buf_add_text(out, " Also spelled `");
        add_cell(out, field->alias);
        ag_buf_add_text(out, "`.");
    }
    ag_buf_add_text(out, " |\n");
}

static void add_section(ag_buf *out, const ag_description *description, bool root)
{
    ag_buf_addf(out, "%s %s\n\n", root ? "#" : "\n##", description->name);
    if (description->doc) ag_buf_addf(out, "%s\n\n", description->doc);
    add_shorts(out, description);
    ag_buf_add_text(out, "| key | type | default | range | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < description->count; i++) add_row(out, &description->fields[i]);
}

int ag_describe_markdown(const ag_description *description, ag_buf *out)
{
    const ag_description **all;
    size_t count;
    int rc = ag_describe_reach(description, &all, &count, NULL);
    if (rc < 0) return rc;
    for (size_t i = 0; i < count; i++) add_section(out, all[i], i == 0);
    ag_free(all);
    return out->failed;
}
