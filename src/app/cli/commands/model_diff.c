// SPDX-License-Identifier: Apache-2.0
/* model_diff.c: two models side by side: keys of their configurations, then tensors by name. Files without a
 * configuration are compared by their tensors alone. */
#include <math.h>
#include <string.h>

#include "app/cli/invocation.h"
#include "core/doc/json.h"
#include "core/show/table.h"
#include "learn/nn/checkpoint/compare.h"
#include "learn/nn/checkpoint/pretrained.h"

static const ag_option options[] = {
    {.name = "exit-code", .type = AG_OPTION_FLAG, .doc = "Exit with 1 when there is a difference"},
    {.name = "all", .letter = 'a', .type = AG_OPTION_FLAG, .doc = "Also list tensors that are the same"},
};

static const ag_option positionals[] = {
    {.name = "A", .type = AG_OPTION_PATH, .required = true, .doc = "A model's directory or .safetensors file"},
    {.name = "B", .type = AG_OPTION_PATH, .required = true, .doc = "Another one"},
};

static const ag_example examples[] = {
    {"model diff before after", "How far training has moved each tensor"},
    {"model diff a.safetensors b.safetensors --exit-code --json", "Ask from a program whether two files are alike"},
    {NULL, NULL},
};

typedef struct side {
    ag_model_files files;
    const ag_value *config; /* what is in effect; NULL: none */
} side;

typedef struct comparison {
    ag_invocation *invocation;
    side a, b;
    bool all;
    size_t keys, tensors; /* differences */
    ag_table *table;      /* one of these two */
    ag_json *json;
} comparison;

/* The configuration with every default filled in, as a tree. */
static int effective(ag_arena *arena, side *s, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, AG_CONFIG_MAX_BYTES);
    ag_json_options json = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    int rc = ag_model_config_write(&s->files.config, &text, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&text), &json, &s->config, err);
    ag_buf_deinit(&text);
    return rc;
}

static int open_side(ag_invocation *invocation, const char *path, side *s, ag_err *err)
{
    ag_file_info info;
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    rc = ag_model_files_open(invocation->arena, path, &s->files, err);
    if (rc >= 0) return effective(invocation->arena, s, err);
    if (info.is_directory || rc != AG_ENOTFOUND) return rc;
    s->files.weights = path;
    return ag_safetensors_open(path, &s->files.tensors, err);
}

/* ---- configurations ---- */

static void text_of(const ag_value *value, ag_buf *out)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_NONFINITE_WORDS);
    ag_buf_clear(out);
    if (!value) return;
    ag_json_value(&json, value);
    (void)ag_json_end_document(&json, NULL);
}

static int add_key(comparison *c, ag_str name, const ag_value *a, const ag_value *b, ag_err *err)
{
    int rc = 0;
    ag_buf left, right;
    ag_buf_init(&left, AG_CONFIG_MAX_BYTES);
    ag_buf_init(&right, AG_CONFIG_MAX_BYTES);
    text_of(a, &left);
    text_of(b, &right);
    c->keys++;
    if (c->json) {
        ag_json_begin_object(c->json);
        ag_json_name(c->json, "key");
        ag_json_str(c->json, name);
        ag_json_name(c->json, "a");
        a ? ag_json_value(c->json, a) : ag_json_null(c->json);
        ag_json_name(c->json, "b");
        b ? ag_json_value(c->json, b) : ag_json_null(c->json);
        ag_json_end_object(c->json);
    } else if ((rc = ag_table_addf(c->table, AG_STYLE_PLAIN, err, "%.*s", AG_STR_ARG(name))) >= 0 &&
               (rc = ag_table_add(c->table, AG_STYLE_PLAIN, a ? left.data : "-", err)) >= 0) {
        rc = ag_table_add(c->table, AG_STYLE_PLAIN, b ? right.data : "-", err);
    }
    ag_buf_deinit(&left);
    ag_buf_deinit(&right);
    return rc;
}

static const ag_value *member_of(const ag_value *object, ag_str name)
{
    for (size_t i = 0; i < object->object.count; i++)
        if (ag_str_equal(object->object.members[i].name, name)) return &object->object.members[i].value;
    return NULL;
}

static int compare_configs(comparison *c, ag_err *err)
{
    int rc = 0;
    if (!c->a.config || !c->b.config) return 0;
    for (int pass = 0; pass < 2; pass++) {
        const ag_value *from = pass ? c->b.config : c->a.config, *other = pass ? c->a.config : c->b.config;
        for (size_t i = 0; i < from->object.count && rc >= 0; i++) {
            const ag_member *member = &from->object.members[i];
            const ag_value *match = member_of(other, member->name);
            if (pass ? match != NULL : match && ag_value_equal(match, &member->value)) continue;
            rc = pass ? add_key(c, member->name, NULL, &member->value, err)
                      : add_key(c, member->name, &member->value, match, err);
        }
    }
    return rc;
}

/* ---- tensors ---- */

typedef struct row {
    const ag_tensor *a, *b; /* NULL: only in the other */
    const char *state;      /* "same", "values", "type", "shape", "only in A", "only in B" */
    bool numbers;
    ag_tensor_difference difference;
} row;

static row look_at(const ag_tensor *a, const ag_tensor *b)
{
    row r = {.a = a, .b = b};
    if (!a || !b) {
        r.state = a ? "only in A" : "only in B";
    } else if (!ag_shape_equal(&a->shape, &b->shape)) {
        r.state = "shape";
    } else {
        r.numbers = true;
        r.difference = ag_tensor_compare(a, b);
        r.state = r.difference.same_bits ? "same" : r.difference.differing ? "values" : "type";
        if (!r.difference.same_bits && !r.difference.differing && a->dtype == b->dtype) r.state = "signs of zero";
    }
    return r;
}

static void shape_into(ag_json *json, const char *name, const ag_tensor *tensor)
{
    ag_json_name(json, name);
    if (!tensor) {
        ag_json_null(json);
        return;
    }
    ag_json_begin_array(json);
    for (int i = 0; i < tensor->shape.axes; i++) ag_json_int(json, tensor->shape.at[i]);
    ag_json_end_array(json);
}

static void add_json(ag_json *json, const row *r)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", r->a ? r->a->name : r->b->name);
    ag_json_put_text(json, "state", r->state);
    shape_into(json, "shape_a", r->a);
    shape_into(json, "shape_b", r->b);
    if (r->numbers) {
        ag_json_put_int(json, "differing", r->difference.differing);
        ag_json_put_real(json, "max_absolute", r->difference.absolute);
        ag_json_put_real(json, "max_relative", r->difference.relative);
        ag_json_put_real(json, "cosine", r->difference.cosine);
    }
    ag_json_end_object(json);
}

static int add_row(comparison *c, const row *r, ag_err *err)
{
    char a[AG_SHAPE_TEXT], b[AG_SHAPE_TEXT];
    bool same = strcmp(r->state, "same") == 0;
    c->tensors += !same;
    if (c->json) {
        add_json(c->json, r);
        return 0;
    }
    if (same && !c->all) return 0;
    int rc = ag_table_add(c->table, AG_STYLE_PLAIN, r->a ? r->a->name : r->b->name, err);
    if (rc >= 0) rc = ag_table_add(c->table, same ? AG_STYLE_DIM : AG_STYLE_WARN, r->state, err);
    if (rc < 0) return rc;
    if (!r->numbers) {
        rc = ag_table_addf(c->table, AG_STYLE_PLAIN, err, "%s / %s", r->a ? ag_shape_format(&r->a->shape, a) : "-",
                           r->b ? ag_shape_format(&r->b->shape, b) : "-");
        for (int i = 0; i < 3 && rc >= 0; i++) rc = ag_table_add(c->table, AG_STYLE_PLAIN, NULL, err);
        return rc;
    }
    if ((rc = ag_table_add(c->table, AG_STYLE_PLAIN, ag_shape_format(&r->a->shape, a), err)) < 0) return rc;
    if ((rc = ag_table_addf(c->table, AG_STYLE_PLAIN, err, "%.3g", r->difference.absolute)) < 0) return rc;
    if ((rc = ag_table_addf(c->table, AG_STYLE_PLAIN, err, "%.3g", r->difference.relative)) < 0) return rc;
    return ag_table_addf(c->table, AG_STYLE_PLAIN, err, "%.7f", r->difference.cosine);
}

static int compare_tensors(comparison *c, ag_err *err)
{
    const ag_safetensors *a = c->a.files.tensors, *b = c->b.files.tensors;
    int rc = 0;
    for (size_t i = 0; i < a->count && rc >= 0; i++) {
        row r = look_at(&a->tensors[i], ag_safetensors_find(b, a->tensors[i].name));
        rc = add_row(c, &r, err);
    }
    for (size_t i = 0; i < b->count && rc >= 0; i++) {
        if (ag_safetensors_find(a, b->tensors[i].name)) continue;
        row r = look_at(NULL, &b->tensors[i]);
        rc = add_row(c, &r, err);
    }
    return rc;
}

/* ---- showing ---- */

static int show_table(comparison *c, const ag_column *columns, size_t count, int (*fill)(comparison *, ag_err *),
                      ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)64 << 20);
    int rc = ag_table_new(columns, count, &c->table, err);
    if (rc >= 0) rc = fill(c, err);
    const ag_output *out = c->invocation->out;
    if (rc >= 0 && ag_table_rows(c->table))
        rc = ag_table_write(c->table, AG_TABLE_TERMINAL, out->is_terminal ? (unsigned)out->columns : 0, out->color,
                            &text, err);
    if (rc >= 0) ag_print_str(c->invocation, ag_buf_str(&text));
    ag_table_free(c->table);
    c->table = NULL;
    ag_buf_deinit(&text);
    return rc;
}

static int show_text(comparison *c, ag_err *err)
{
    static const ag_column keys[] = {{.title = "key"}, {.title = "A", .min_width = 8}, {.title = "B", .min_width = 8}};
    static const ag_column tensors[] = {{.title = "tensor", .min_width = 16},
                                        {.title = "differs in"},
                                        {.title = "shape"},
                                        {.title = "max |a-b|", .align = AG_ALIGN_RIGHT},
                                        {.title = "relative", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "cosine", .align = AG_ALIGN_RIGHT}};
    if (!c->a.config || !c->b.config)
        ag_note(c->invocation, "only the tensors are compared: a configuration is missing");
    int rc = show_table(c, keys, 3, compare_configs, err);
    if (rc >= 0) rc = show_table(c, tensors, 6, compare_tensors, err);
    if (rc < 0) return rc;
    if (!c->keys && !c->tensors)
        ag_print(c->invocation, "the same\n");
    else
        ag_print(c->invocation, "%zu keys and %zu tensors differ\n", c->keys, c->tensors);
    return 0;
}

static int show_json(comparison *c, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    c->json = &json;
    ag_json_begin_object(&json);
    ag_json_name(&json, "config");
    ag_json_begin_array(&json);
    int rc = compare_configs(c, err);
    ag_json_end_array(&json);
    ag_json_name(&json, "tensors");
    ag_json_begin_array(&json);
    if (rc >= 0) rc = compare_tensors(c, err);
    ag_json_end_array(&json);
    ag_json_put_bool(&json, "same", !c->keys && !c->tensors);
    ag_json_end_object(&json);
    if (rc >= 0) rc = ag_print_json(c->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    c->json = NULL;
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    comparison c = {.invocation = invocation, .all = ag_option_flag(invocation, "all")};
    int rc = open_side(invocation, ag_option_text(invocation, "A"), &c.a, err);
    if (rc >= 0) rc = open_side(invocation, ag_option_text(invocation, "B"), &c.b, err);
    if (rc >= 0) rc = ag_wants_json(invocation) ? show_json(&c, err) : show_text(&c, err);
    ag_model_files_close(&c.a.files);
    ag_model_files_close(&c.b.files);
    if (rc < 0) return rc;
    return ag_option_flag(invocation, "exit-code") && (c.keys || c.tensors) ? 1 : 0;
}

const ag_command ag_command_model_diff = {
    .path = "model diff",
    .summary = "Compare two models: their configurations and every tensor",
    .doc =
        "Lists the keys of the configurations that differ (defaults filled in) and, for every tensor that is not the "
        "same to the bit, the largest absolute and relative difference and the cosine between the two.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
