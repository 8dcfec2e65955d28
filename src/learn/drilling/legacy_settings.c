// SPDX-License-Identifier: Apache-2.0
/* legacy_settings.c: the keys of legacy_patchtsmixer, and its part of the file beside the weights. The numbers of the
 * reference table are stored, not its path: a model answers the same wherever it lies. */
#include "learn/drilling/legacy_settings.h"

#include <math.h>
#include <string.h>

#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/data.h"
#include "learn/strategy.h"
#include "learn/strategy_made.h"

#define AT(member) offsetof(ag_legacy_reference_keys, member)
static const ag_field reference_fields[] = {
    {.name = "file",
     .type = AG_FIELD_TEXT,
     .offset = AT(file),
     .doc = "A table with the columns torque1 to torque15 (ref_15T.csv), instead of the numbers below."},
    {.name = "rows",
     .type = AG_FIELD_INT,
     .offset = AT(rows),
     .fallback = "0",
     .min = 0,
     .max = 1e12,
     .doc = "Rows of the reference table; 0: there is none."},
    {.name = "mean",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_REAL,
     .offset = AT(mean),
     .min = 0,
     .max = AG_LEGACY_TORQUES,
     .doc = "Mean of each of its 15 columns."},
    {.name = "deviation",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_REAL,
     .offset = AT(deviation),
     .min = 0,
     .max = AG_LEGACY_TORQUES,
     .doc = "Population standard deviation of each of its 15 columns."},
    {.name = "training_rows",
     .type = AG_FIELD_BOOL,
     .offset = AT(training_rows),
     .fallback = "true",
     .doc = "Where there is no such table: the rows of the holes that are trained on stand in for it; false: each hole "
            "is scaled by itself. A model that is taken as it is keeps what lies beside it."},
};
static int check_reference(const void *into, ag_err *err)
{
    const ag_legacy_reference_keys *keys = into;
    if (keys->file || keys->rows == 0) return AG_OK;
    if (keys->mean.count == AG_LEGACY_TORQUES && keys->deviation.count == AG_LEGACY_TORQUES) return AG_OK;
    return ag_fail(err, AG_EINVAL, "a reference of %lld rows needs 15 numbers as mean and 15 as deviation",
                   (long long)keys->rows);
}
static const ag_description reference = {.name = "reference",
                                         .doc = "The table that torque is scaled together with.",
                                         .size = sizeof(ag_legacy_reference_keys),
                                         .fields = reference_fields,
                                         .count = sizeof reference_fields / sizeof *reference_fields,
                                         .check = check_reference};
#undef AT

#define AT(member) offsetof(ag_legacy_data, member)
static const ag_field fields[] = {
    {.name = "model",
     .type = AG_FIELD_TEXT,
     .offset = AT(model),
     .doc = "An existing checkpoint (config.json and model.safetensors), which is taken as it is; when absent one is "
            "trained."},
    {.name = "truth",
     .type = AG_FIELD_TEXT,
     .offset = AT(truth),
     .doc = "A table with path (or sha256), entry_mm, transition_mm and exit_mm to train on; truth.csv in the data "
            "directory, experts' and automatic labels when absent."},
    {.name = "local",
     .type = AG_FIELD_REAL,
     .offset = AT(local),
     .fallback = "0",
     .min = -1e9,
     .max = 1e9,
     .doc = "The tool's age that the model is told of files; of MQTT it is told the number of the result."},
    {.name = "predrilled",
     .type = AG_FIELD_BOOL,
     .offset = AT(predrilled),
     .fallback = "true",
     .doc = "Whether the model is told that the hole was drilled before."},
    {.name = "reference",
     .type = AG_FIELD_STRUCT,
     .offset = AT(reference),
     .inner = &reference,
     .doc = "The table that torque is scaled together with."},
    {.name = "windows",
     .type = AG_FIELD_INT,
     .offset = AT(windows),
     .fallback = "8",
     .min = 1,
     .max = AG_LEGACY_WINDOWS,
     .doc = "Windows of each hole in an epoch, of the 40 that are asked; in every epoch others."},
    {.name = "group_by",
     .type = AG_FIELD_CHOICE,
     .offset = AT(group_by),
     .fallback = "tool",
     .choices = ag_drilling_groupings,
     .doc = "Holes that share it never lie on both sides of validation_split; near-twins never do. Where there are too "
            "few tools to part, holes are."},
    {.name = "target_height",
     .type = AG_FIELD_REAL,
     .offset = AT(target_height),
     .fallback = "4",
     .min = 0.01,
     .max = 1000,
     .doc = "Height of the heat map at the exit, in scaled amperes."},
    {.name = "target_rows",
     .type = AG_FIELD_REAL,
     .offset = AT(target_rows),
     .fallback = "6",
     .min = 0.1,
     .max = 512,
     .doc = "Standard deviation of the heat map, in rows of three samples."},
};
const ag_description ag_legacy_data_description = {
    .name = "data_config",
    .doc = "The old three-point pipeline: entry and transition by rules, the exit by heat maps over samples of step 2.",
    .size = sizeof(ag_legacy_data),
    .fields = fields,
    .count = sizeof fields / sizeof *fields};
#undef AT

int ag_legacy_settings_of(const ag_legacy_data *data, ag_legacy_settings *out, ag_err *err)
{
    ag_legacy_settings s = {.local = data->local, .predrilled = data->predrilled};
    const ag_legacy_reference_keys *keys = &data->reference;
    int rc = AG_OK;
    if (keys->file) {
        rc = ag_legacy_reference_read(keys->file, &s.reference, err);
        if (rc < 0) ag_err_prefix(err, "data_config.reference.file");
    } else if (keys->rows > 0) {
        s.reference.rows = keys->rows;
        memcpy(s.reference.mean, keys->mean.items, sizeof s.reference.mean);
        memcpy(s.reference.deviation, keys->deviation.items, sizeof s.reference.deviation);
    }
    if (rc == AG_OK) *out = s;
    return rc;
}

/* ---- beside the weights ---- */

static void put_numbers(ag_json *json, const char *name, const double *values)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (int i = 0; i < AG_LEGACY_TORQUES; i++) ag_json_real(json, values[i]);
    ag_json_end_array(json);
}

void ag_legacy_settings_write(const ag_legacy_settings *settings, ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_put_real(json, "local", settings->local);
    ag_json_put_bool(json, "predrilled", settings->predrilled);
    ag_json_put_int(json, "reference_rows", settings->reference.rows);
    if (settings->reference.rows > 0) {
        put_numbers(json, "reference_mean", settings->reference.mean);
        put_numbers(json, "reference_deviation", settings->reference.deviation);
    }
    ag_json_end_object(json);
}

static int take_numbers(const ag_value *object, const char *name, double *out)
{
    const ag_value *array = ag_value_get(object, name);
    if (!array || array->kind != AG_ARRAY || array->array.count != AG_LEGACY_TORQUES) return AG_EPARSE;
    for (size_t i = 0; i < AG_LEGACY_TORQUES; i++)
        if (!ag_value_real(&array->array.items[i], &out[i]) || !isfinite(out[i])) return AG_EPARSE;
    return AG_OK;
}

static int take_settings(const ag_value *object, ag_legacy_settings *out)
{
    ag_legacy_settings s = {0};
    if (!ag_value_real(ag_value_get(object, "local"), &s.local)) return AG_EPARSE;
    if (!ag_value_bool(ag_value_get(object, "predrilled"), &s.predrilled)) return AG_EPARSE;
    if (!ag_value_int(ag_value_get(object, "reference_rows"), &s.reference.rows) || s.reference.rows < 0)
        return AG_EPARSE;
    if (s.reference.rows > 0 && (take_numbers(object, "reference_mean", s.reference.mean) < 0 ||
                                 take_numbers(object, "reference_deviation", s.reference.deviation) < 0))
        return AG_EPARSE;
    *out = s;
    return AG_OK;
}

int ag_legacy_settings_load(const char *model_dir, ag_legacy_settings *into, ag_err *err)
{
    const ag_value *root = NULL;
    ag_arena *arena = ag_arena_new(0);
    char *path = arena ? ag_path_join(arena, model_dir, AG_STRATEGY_FILE) : NULL;
    int rc = path ? AG_OK : ag_fail_memory(err, strlen(model_dir));
    if (rc == AG_OK && ag_file_exists(path)) {
        rc = ag_json_file_read(arena, path, NULL, &root, err);
        if (rc >= 0 && ag_value_get(root, "format")) rc = ag_strategy_format_check(root, path, err); /* else by hand */
        const ag_value *legacy = rc >= 0 ? ag_value_get(root, "legacy") : NULL;
        if (legacy && take_settings(legacy, into) < 0)
            rc = ag_fail(err, AG_EPARSE, "%s: the object 'legacy' lacks local, predrilled or the reference's numbers",
                         path);
    }
    ag_arena_free(arena);
    return rc < 0 ? rc : AG_OK;
}
