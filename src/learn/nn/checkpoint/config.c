// SPDX-License-Identifier: Apache-2.0
/* config.c: what all architectures share of config.json. A file is read in three steps: the JSON, then the dialect
 * (which turns the file's keys into those of the description and sorts the others into known-without-effect and
 * unknown), then the description, which checks types, ranges and choices and says line and column. Writing goes the
 * other way. */
#include "learn/nn/checkpoint/config.h"

#include <stdlib.h>
#include <string.h>

#include "core/doc/json.h"
#include "learn/nn/checkpoint/config_parts.h"

static const ag_config_dialect *const dialects[] = {&ag_config_dialect_patchtsmixer};

int ag_config_add(ag_vec *members, const char *name, ag_value value, ag_err *err)
{
    ag_member member = {.name = ag_str_of(name), .value = value};
    return ag_vec_push(members, &member, err);
}

int ag_config_name_it(ag_arena *arena, ag_vec *names, ag_str name, ag_err *err)
{
    const char *copy = ag_arena_strndup(arena, name.data, name.size);
    return copy ? ag_vec_push(names, &copy, err) : ag_fail_memory(err, name.size);
}

ag_value ag_config_text(const char *text)
{
    return (ag_value){.kind = AG_STRING, .string = ag_str_of(text)};
}

const ag_field *ag_config_field(const ag_description *description, ag_str name)
{
    for (size_t i = 0; i < description->count; i++) {
        const ag_field *field = &description->fields[i];
        if (ag_str_is(name, field->name) || (field->alias && ag_str_is(name, field->alias))) return field;
    }
    return NULL;
}

static const ag_config_dialect *dialect_of(const char *architecture)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i]->architecture, architecture) == 0) return dialects[i];
    return NULL;
}

ag_value ag_model_config_spelling(const ag_architecture *architecture, ag_arena *arena, const ag_field *field,
                                  const ag_value *value)
{
    const ag_config_dialect *dialect = dialect_of(architecture->name);
    return dialect ? dialect->spelling(arena, field, value) : *value;
}

/* ---- reading ---- */

/* transformers reads a configuration that does not say its type, when it is told the class; the class stands there. */
static bool type_of_class(const ag_value *root, ag_str *out)
{
    const ag_value *classes = ag_value_get(root, "architectures");
    ag_str name;
    if (!classes || classes->kind != AG_ARRAY || classes->array.count != 1) return false;
    if (!ag_value_string(&classes->array.items[0], &name) || !ag_str_starts(name, AG_STR("PatchTSMixer"))) return false;
    *out = AG_STR("patchtsmixer");
    return true;
}

static int refuse_type(ag_str type, const ag_architecture *const *all, size_t count, ag_err *err)
{
    ag_buf known;
    ag_buf_init(&known, 1024);
    for (size_t i = 0; i < count; i++) ag_buf_addf(&known, "%s%s", i ? ", " : "", all[i]->name);
    ag_fail(err, AG_EUNSUPPORTED, "models of type '%.*s' are not known here", AG_STR_ARG(ag_str_slice(type, 0, 60)));
    int rc = ag_err_hint(err, "model_type is one of %s", known.data ? known.data : all[0]->name);
    ag_buf_deinit(&known);
    return rc;
}

static int find_architecture(const ag_value *root, const ag_architecture **out, ag_err *err)
{
    ag_str type;
    if (root->kind != AG_OBJECT) return ag_fail(err, AG_EPARSE, "config.json must hold an object");
    if (!ag_value_string(ag_value_get(root, "model_type"), &type) && !type_of_class(root, &type)) {
        ag_fail(err, AG_EINVAL, "the configuration does not say its model_type");
        return ag_err_hint(err, "add \"model_type\": \"patchtsmixer\"");
    }
    size_t count;
    const ag_architecture *const *all = ag_architecture_all(&count);
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(type, all[i]->name)) {
            *out = all[i];
            return 0;
        }
    return refuse_type(type, all, count, err);
}

/* A file of our own: the description's keys and nothing else beside the type. */
static int read_plain(ag_config_reading *reading, ag_err *err)
{
    for (size_t i = 0; i < reading->root->object.count; i++) {
        const ag_member *member = &reading->root->object.members[i];
        int rc = 0;
        if (ag_str_is(member->name, "model_type")) continue;
        if (ag_config_field(reading->description, member->name))
            rc = ag_vec_push(&reading->members, member, err);
        else
            rc = ag_config_name_it(reading->arena, &reading->unknown, member->name, err);
        if (rc < 0) return rc;
    }
    return 0;
}

static int copy_names(ag_arena *arena, const ag_vec *names, const char ***out, size_t *count, ag_err *err)
{
    if (!(*out = ag_arena_array(arena, names->count + 1, sizeof **out)))
        return ag_fail_memory(err, names->count * sizeof **out);
    if (names->count) memcpy(*out, names->items, names->count * sizeof **out);
    *count = names->count;
    return 0;
}

static int read_values(ag_config_reading *reading, const ag_config_dialect *dialect, const char *file,
                       ag_model_config *out, ag_err *err)
{
    int rc = dialect ? dialect->read(reading, err) : read_plain(reading, err);
    if (rc < 0) return rc;
    ag_value tree = {.kind = AG_OBJECT, .line = reading->root->line, .column = reading->root->column};
    tree.object.members = reading->members.items;
    tree.object.count = reading->members.count;
    if ((rc = ag_describe_read(reading->description, reading->arena, &tree, file, out->values, err)) < 0) return rc;
    if (dialect && (rc = dialect->finish(reading, out->values, err)) < 0) return rc;
    if ((rc = copy_names(reading->arena, &reading->ignored, &out->ignored, &out->ignored_count, err)) < 0) return rc;
    return copy_names(reading->arena, &reading->unknown, &out->unknown, &out->unknown_count, err);
}

int ag_model_config_read(ag_arena *arena, ag_str json, const char *file, const ag_safetensors *tensors,
                         ag_model_config *out, ag_err *err)
{
    ag_model_config config = {0};
    ag_json_options options = {
        .file = file, .max_bytes = AG_CONFIG_MAX_BYTES, .max_depth = 32, .nonfinite = AG_JSON_NONFINITE_WORDS};
    ag_config_reading reading = {.arena = arena, .tensors = tensors};
    ag_vec_init(&reading.members, sizeof(ag_member));
    ag_vec_init(&reading.ignored, sizeof(const char *));
    ag_vec_init(&reading.unknown, sizeof(const char *));
    int rc = ag_json_parse(arena, json, &options, &config.original, err);
    if (rc < 0) goto out;
    reading.root = config.original;
    if ((rc = find_architecture(reading.root, &config.architecture, err)) < 0) goto out;
    reading.description = config.architecture->configuration;
    if (!(config.values = ag_arena_alloc(arena, reading.description->size))) {
        rc = ag_fail_memory(err, reading.description->size);
        goto out;
    }
    if ((rc = read_values(&reading, dialect_of(config.architecture->name), file, &config, err)) < 0) goto out;
    *out = config;
out:
    if (rc < 0 && err && !*err->file && file) ag_err_place(err, file, err->line, err->column);
    ag_vec_deinit(&reading.members);
    ag_vec_deinit(&reading.ignored);
    ag_vec_deinit(&reading.unknown);
    return rc;
}

/* ---- writing ---- */

static int by_name(const void *a, const void *b)
{
    const ag_member *x = a, *y = b;
    return ag_str_compare(x->name, y->name);
}

/* The struct as a tree, by way of its JSON. */
static int tree_of(ag_arena *arena, const ag_model_config *config, const ag_value **out, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, AG_CONFIG_MAX_BYTES);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    ag_describe_write(config->architecture->configuration, config->values, &json);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&buf), &options, out, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int write_plain(const ag_model_config *config, const ag_value *tree, ag_vec *members, ag_err *err)
{
    int rc = ag_config_add(members, "model_type", ag_config_text(config->architecture->name), err);
    for (size_t i = 0; i < tree->object.count && rc >= 0; i++) rc = ag_vec_push(members, &tree->object.members[i], err);
    return rc;
}

/* Keys of the file that was read which nobody has written yet. */
static int keep_others(const ag_model_config *config, ag_vec *members, ag_err *err)
{
    if (!config->original) return 0;
    for (int kind = 0; kind < 2; kind++) {
        const char **names = kind ? config->unknown : config->ignored;
        size_t count = kind ? config->unknown_count : config->ignored_count;
        for (size_t i = 0; i < count; i++) {
            const ag_value *value = ag_value_get(config->original, names[i]);
            int rc = value ? ag_config_add(members, names[i], *value, err) : 0;
            if (rc < 0) return rc;
        }
    }
    return 0;
}

int ag_model_config_write(const ag_model_config *config, ag_buf *out, ag_err *err)
{
    const ag_value *tree = NULL;
    ag_vec members;
    ag_vec_init(&members, sizeof(ag_member));
    const ag_config_dialect *dialect = dialect_of(config->architecture->name);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? tree_of(arena, config, &tree, err) : ag_fail_memory(err, 64);
    if (rc < 0) goto out;
    rc =
        dialect ? dialect->write(arena, config->values, tree, &members, err) : write_plain(config, tree, &members, err);
    if (rc < 0 || (rc = keep_others(config, &members, err)) < 0) goto out;
    qsort(members.items, members.count, sizeof(ag_member), by_name);
    ag_value object = {.kind = AG_OBJECT};
    object.object.members = members.items;
    object.object.count = members.count;
    ag_json json = ag_json_writer(out, 2, AG_JSON_NONFINITE_WORDS);
    ag_json_value(&json, &object);
    if ((rc = ag_json_end_document(&json, err)) < 0) goto out;
    ag_buf_add_char(out, '\n');
    rc = ag_buf_check(out, "configuration", err);
out:
    ag_vec_deinit(&members);
    ag_arena_free(arena);
    return rc;
}
