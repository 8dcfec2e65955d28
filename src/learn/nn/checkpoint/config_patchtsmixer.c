// SPDX-License-Identifier: Apache-2.0
/* config_patchtsmixer.c: Hugging Face's config.json of PatchTSMixer. Three things differ from the description: the task
 * stands in `architectures`, "none" is null, and what only we have (another loss, more pretraining terms) stands in an
 * object "auger" that other programs pass over. The tensors are the better witness: config.json is the same for the
 * stock and the stacked head, so head, task and loss come from their names, and a config.json that says otherwise is
 * refused. The stacked head was only ever trained with the focal loss, unless channels were selected. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "learn/nn/checkpoint/config_parts.h"
#include "learn/nn/models/patchtsmixer.h"

static const char *const class_names[] = {
    "PatchTSMixerForPrediction",  "PatchTSMixerForRegression", "PatchTSMixerForTimeSeriesClassification",
    "PatchTSMixerForPretraining", "PatchTSMixerModel",         "AugerPatchTSMixerForHeatmap",
};
static const char *const task_names[] = {"forecast",    "regression", "classification",
                                         "pretraining", "backbone",   "heatmap"};
enum { TASKS = 6, UNKNOWN_TASK = -1 };

/* Keys without effect on the model. */
static const char *const without_effect[] = {
    "patch_last",
    "mask_input",
    "return_loss",
    "torch_dtype",
    "dtype",
    "transformers_version",
    "_name_or_path",
    "_attn_implementation_autoset",
    "return_dict",
    "use_return_dict",
    "output_hidden_states",
    "output_attentions",
    "channel_attention",
    "use_cache",
    "tie_word_embeddings",
    "is_encoder_decoder",
    "chunk_size_feed_forward",
    "problem_type",
    "id2label",
    "label2id",
    "scaling_dim",
    "keepdim",
};

/* Of the time before the release: the meaning of other keys differs too. */
static const char *const before_release[] = {"seq_len", "num_features", "revin", "forecast_len", "num_patch"};

static bool is_one_of(ag_str name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(name, list[i])) return true;
    return false;
}
#define IS_ONE_OF(name, list) is_one_of(name, list, sizeof(list) / sizeof *(list))

static bool has(const ag_config_reading *reading, const char *name)
{
    return reading->tensors && ag_safetensors_find(reading->tensors, name);
}

static int fail_at(const ag_value *value, ag_err *err, const char *text)
{
    return ag_fail_at(err, AG_EINVAL, NULL, value->line, value->column, "%s", text);
}

/* ---- what the file and the tensors say about the task ---- */

static int named_task(const ag_config_reading *reading, int *out, ag_err *err)
{
    const ag_value *list = ag_value_get(reading->root, "architectures");
    ag_str name;
    *out = UNKNOWN_TASK;
    if (!list || list->kind == AG_NULL || (list->kind == AG_ARRAY && !list->array.count)) return 0;
    if (!ag_value_string(ag_value_item(list, 0), &name))
        return fail_at(list, err, "architectures must be a list of names");
    for (int i = 0; i < TASKS; i++)
        if (ag_str_is(name, class_names[i])) *out = i;
    if (*out != UNKNOWN_TASK) return 0;
    ag_fail_at(err, AG_EUNSUPPORTED, NULL, list->line, list->column,
               "architectures names '%.*s', which is not known here", AG_STR_ARG(ag_str_slice(name, 0, 80)));
    const char *near = ag_nearest(name, class_names, TASKS);
    return near ? ag_err_hint(err, "did you mean '%s'?", near) : (int)err->code;
}

static bool has_distribution(const ag_config_reading *reading)
{
    return has(reading, "head.base_forecast_block.proj.0.weight") || has(reading, "head.projection.proj.0.weight");
}

static int choose_task(const ag_config_reading *reading, int *out, ag_err *err)
{
    int named, rc = named_task(reading, &named, err);
    if (rc < 0) return rc;
    bool forecast =
        has(reading, "head.base_forecast_block.weight") || has(reading, "head.base_forecast_block.proj.0.weight");
    bool pretraining = has(reading, "head.base_pt_block.weight");
    bool linear = has(reading, "head.projection.weight") || has(reading, "head.projection.proj.0.weight");
    bool bare = has(reading, "encoder.patcher.weight");
    if (forecast + pretraining + linear + bare > 1)
        return ag_fail(err, AG_EINVAL, "the file holds tensors of more than one head");
    int found = forecast ? AG_MIXER_FORECAST : pretraining ? AG_MIXER_PRETRAINING : bare ? AG_MIXER_BACKBONE : named;
    if (linear && named != AG_MIXER_CLASSIFICATION && named != AG_MIXER_HEATMAP) found = AG_MIXER_REGRESSION;
    if (linear && named == UNKNOWN_TASK) {
        ag_fail(err, AG_EINVAL, "the tensors alone do not tell a regression from a classification");
        return ag_err_hint(err, "add \"architectures\": [\"PatchTSMixerForRegression\"] to config.json");
    }
    if (named != UNKNOWN_TASK && found != named)
        return ag_fail(err, AG_EINVAL, "config.json says %s, but the tensors are those of a %s model",
                       class_names[named], task_names[found]);
    *out = found == UNKNOWN_TASK ? AG_MIXER_FORECAST : found;
    return 0;
}

/* ---- keys ---- */

/* Hugging Face's ways to write a value that are not those of the description. */
static ag_value spelling(ag_arena *arena, const ag_field *field, const ag_value *value)
{
    ag_value out = *value;
    bool flag, is_flag = ag_value_bool(value, &flag), null = value->kind == AG_NULL;
    if (strcmp(field->name, "scaling") == 0 && (is_flag || null)) {
        out = ag_config_text(is_flag && flag ? "std" : "none");
    } else if (strcmp(field->name, "head_aggregation") == 0 && null) {
        out = ag_config_text("none");
    } else if (strcmp(field->name, "num_forecast_mask_patches") == 0 && null) {
        out = (ag_value){.kind = AG_ARRAY};
    } else if (strcmp(field->name, "num_forecast_mask_patches") == 0 && value->kind == AG_INT) {
        ag_value *item = ag_arena_alloc(arena, sizeof *item);
        if (!item) return out; /* refused by its type then */
        *item = *value;
        out.kind = AG_ARRAY;
        out.array.items = item;
        out.array.count = 1;
    }
    out.line = value->line;
    out.column = value->column;
    return out;
}

/* In a file, words that transformers does not know mean what it makes of them. */
static ag_value converted(const ag_config_reading *reading, const ag_field *field, const ag_value *value)
{
    ag_value out = spelling(reading->arena, field, value);
    ag_str text;
    bool is_text = ag_value_string(value, &text);
    if (strcmp(field->name, "scaling") == 0 && out.kind == value->kind &&
        !(is_text && (ag_str_is(text, "std") || ag_str_is(text, "mean"))))
        out = ag_config_text("none");
    if (strcmp(field->name, "mode") == 0 && is_text && !ag_str_is(text, "mix_channel"))
        out = ag_config_text("common_channel");
    out.line = value->line;
    out.column = value->column;
    return out;
}

/* A zero means "choose" in the description; the smallest number is what the file's zero does. */
static ag_value not_zero(const ag_value *value)
{
    double real;
    ag_value out = *value;
    if (ag_value_real(value, &real) && real == 0.0) {
        out.kind = AG_REAL;
        out.real = DBL_MIN;
    }
    return out;
}

static int check_lists(const char *name, const ag_value *value, ag_err *err)
{
    bool list = value->kind == AG_ARRAY;
    if (strcmp(name, "prediction_channel_indices") == 0 && list && !value->array.count)
        return fail_at(value, err, "prediction_channel_indices is empty: leave it out to forecast every channel");
    if (strcmp(name, "output_range") == 0 && list && value->array.count != 2)
        return fail_at(value, err, "output_range must be a least and a greatest value");
    return 0;
}

/* Two spellings of one key, as an attribute map allows them, must agree. */
static int check_alias(const ag_config_reading *reading, const ag_field *field, const ag_value *value, ag_err *err)
{
    const ag_value *other = ag_value_get(reading->root, field->name);
    if (!other || ag_value_equal(other, value)) return 0;
    return ag_fail_at(err, AG_EINVAL, NULL, value->line, value->column, "%s and %s are the same key, but differ",
                      field->alias, field->name);
}

static int read_field(ag_config_reading *reading, const ag_member *member, const ag_field *field, ag_err *err)
{
    int rc = check_lists(field->name, &member->value, err);
    if (rc < 0) return rc;
    if (!ag_str_is(member->name, field->name)) {
        if ((rc = check_alias(reading, field, &member->value, err)) < 0) return rc;
        if (ag_value_get(reading->root, field->name)) return 0;
    }
    ag_member copy = *member;
    bool scale = strcmp(field->name, "minimum_scale") == 0 || strcmp(field->name, "default_scale") == 0;
    copy.value = scale ? not_zero(&member->value) : converted(reading, field, &member->value);
    if (scale && copy.value.kind == AG_NULL) return 0;
    copy.name = ag_str_of(field->name);
    return ag_vec_push(&reading->members, &copy, err);
}

static int check_fixed(const ag_member *member, ag_err *err)
{
    int64_t axis;
    bool flag;
    if (ag_str_is(member->name, "scaling_dim") && !(ag_value_int(&member->value, &axis) && axis == 1))
        return fail_at(&member->value, err, "scaling_dim must be 1: scaling runs over time");
    if (ag_str_is(member->name, "keepdim") && !(ag_value_bool(&member->value, &flag) && flag))
        return fail_at(&member->value, err, "keepdim must be true");
    return 0;
}

static int read_member(ag_config_reading *reading, const ag_member *member, ag_err *err)
{
    static const char *const elsewhere[] = {"architectures", "model_type", "auger"};
    static const char *const ours[] = {"task", "head", "pretrain_terms"};
    int rc = check_fixed(member, err);
    if (rc < 0 || IS_ONE_OF(member->name, elsewhere)) return rc;
    if (IS_ONE_OF(member->name, before_release)) {
        ag_fail_at(err, AG_EUNSUPPORTED, NULL, member->line, member->column,
                   "'%.*s' is a key of a version before the release of PatchTSMixer", AG_STR_ARG(member->name));
        return ag_err_hint(err, "load and save it with transformers 4.37 or later");
    }
    const ag_field *field = ag_config_field(reading->description, member->name);
    if (field && !IS_ONE_OF(member->name, ours)) return read_field(reading, member, field, err);
    bool known = IS_ONE_OF(member->name, without_effect);
    return ag_config_name_it(reading->arena, known ? &reading->ignored : &reading->unknown, member->name, err);
}

static int replace_text(ag_vec *members, const char *name, const char *text, ag_err *err)
{
    for (size_t i = 0; i < members->count; i++) {
        ag_member *member = ag_vec_at(members, i);
        if (!ag_str_is(member->name, name)) continue;
        member->value = ag_config_text(text);
        return 0;
    }
    return ag_config_add(members, name, ag_config_text(text), err);
}

static int choose_loss(ag_config_reading *reading, int task, ag_err *err)
{
    const ag_value *value = ag_value_get(reading->root, "loss");
    ag_str text = AG_STR("");
    if (task != AG_MIXER_FORECAST && task != AG_MIXER_REGRESSION) return 0;
    if (!reading->tensors) return 0;
    bool stated = ag_value_string(value, &text), distribution = has_distribution(reading);
    if (stated && ag_str_is(text, "nll") != distribution)
        return ag_fail_at(err, AG_EINVAL, NULL, value->line, value->column,
                          "config.json says that the loss is '%.*s', but the head's tensors are %s a distribution",
                          AG_STR_ARG(ag_str_slice(text, 0, 20)), distribution ? "those of" : "not those of");
    return distribution ? replace_text(&reading->members, "loss", "nll", err) : 0;
}

/* Our own object: only what it may say. */
static int read_own(ag_config_reading *reading, ag_err *err)
{
    const ag_value *own = ag_value_get(reading->root, "auger");
    int rc = 0;
    if (!own) return 0;
    if (own->kind != AG_OBJECT) return fail_at(own, err, "auger must be an object");
    for (size_t i = 0; i < own->object.count && rc >= 0; i++) {
        const ag_member *member = &own->object.members[i];
        ag_str text;
        if (ag_str_is(member->name, "pretrain_terms"))
            rc = ag_vec_push(&reading->members, member, err);
        else if (ag_str_is(member->name, "loss") && ag_value_string(&member->value, &text) &&
                 (ag_str_is(text, "mse") || ag_str_is(text, "focal_mse")))
            rc = replace_text(&reading->members, "loss", ag_str_is(text, "mse") ? "mse" : "focal_mse", err);
        else
            rc = ag_fail_at(err, AG_EINVAL, NULL, member->line, member->column,
                            "auger holds loss (mse or focal_mse) and pretrain_terms only");
    }
    return rc;
}

static int read_dialect(ag_config_reading *reading, ag_err *err)
{
    int task = AG_MIXER_FORECAST, rc = choose_task(reading, &task, err);
    for (size_t i = 0; i < reading->root->object.count && rc >= 0; i++)
        rc = read_member(reading, &reading->root->object.members[i], err);
    if (rc < 0) return rc;
    if ((rc = choose_loss(reading, task, err)) < 0 || (rc = read_own(reading, err)) < 0) return rc;
    if ((rc = replace_text(&reading->members, "task", task_names[task], err)) < 0) return rc;
    bool stacked = has(reading, "head.base_forecast_block1.weight");
    return replace_text(&reading->members, "head", stacked ? "stacked" : "stock", err);
}

/* ---- what is ours ---- */

static int usual_loss(const ag_patchtsmixer *c)
{
    if (c->loss == AG_MIXER_NLL) return AG_MIXER_NLL;
    bool focal = c->task == AG_MIXER_FORECAST && c->head == 1 && !c->prediction_channel_indices.count;
    return focal ? AG_MIXER_FOCAL : AG_MIXER_MSE;
}

static int finish_dialect(ag_config_reading *reading, void *values, ag_err *err)
{
    ag_patchtsmixer *c = values;
    const ag_value *own = ag_value_get(reading->root, "auger");
    if (c->loss == AG_MIXER_FOCAL && !(own && ag_value_get(own, "loss")))
        return ag_fail(err, AG_EINVAL, "loss must be mse or nll; another one stands in the object 'auger'");
    if (!own || !ag_value_get(own, "loss")) c->loss = usual_loss(c);
    return 0;
}

static int write_own(ag_arena *arena, const ag_patchtsmixer *c, ag_vec *members, ag_err *err)
{
    ag_member *own = ag_arena_array(arena, 2, sizeof *own);
    size_t count = 0;
    if (!own) return ag_fail_memory(err, 2 * sizeof *own);
    if (c->loss != usual_loss(c))
        own[count++] = (ag_member){.name = AG_STR("loss"),
                                   .value = ag_config_text(c->loss == AG_MIXER_FOCAL ? "focal_mse" : "mse")};
    if (c->pretrain_terms)
        own[count++] = (ag_member){.name = AG_STR("pretrain_terms"), .value = {.kind = AG_BOOL, .boolean = true}};
    ag_value object = {.kind = AG_OBJECT};
    object.object.members = own;
    object.object.count = count;
    return count ? ag_config_add(members, "auger", object, err) : 0;
}

static int write_field(const ag_patchtsmixer *c, const ag_member *member, ag_vec *members, ag_err *err)
{
    static const char *const not_written[] = {"task", "head", "pretrain_terms"};
    ag_value value = member->value;
    ag_str text;
    if (IS_ONE_OF(member->name, not_written)) return 0;
    if (ag_str_is(member->name, "num_conditions") && !c->num_conditions) return 0;
    if (ag_str_is(member->name, "minimum_scale") && c->minimum_scale == 0.0) return 0;
    if (ag_str_is(member->name, "default_scale") && !(c->default_scale > 0.0)) return 0;
    bool none = ag_value_string(&value, &text) && ag_str_is(text, "none") && !ag_str_is(member->name, "norm_mlp");
    bool empty = value.kind == AG_ARRAY && !value.array.count && !ag_str_is(member->name, "num_forecast_mask_patches");
    if (none || empty) value = (ag_value){.kind = AG_NULL};
    if (ag_str_is(member->name, "loss") && c->loss == AG_MIXER_FOCAL) value = ag_config_text("mse");
    if (ag_str_is(member->name, "num_patches")) {
        int64_t length = c->context_length > c->patch_length ? c->context_length : c->patch_length;
        value = (ag_value){.kind = AG_INT, .integer = (length - c->patch_length) / c->patch_stride + 1};
    }
    int64_t whole; /* newer versions of transformers refuse 0.0 where they declare an integer */
    if (ag_str_is(member->name, "mask_value") && ag_value_int(&value, &whole))
        value = (ag_value){.kind = AG_INT, .integer = whole};
    ag_member copy = {.name = member->name, .value = value};
    return ag_vec_push(members, &copy, err);
}

static int write_dialect(ag_arena *arena, const void *values, const ag_value *tree, ag_vec *members, ag_err *err)
{
    const ag_patchtsmixer *c = values;
    ag_value *name = ag_arena_alloc(arena, sizeof *name);
    if (!name) return ag_fail_memory(err, sizeof *name);
    *name = ag_config_text(class_names[c->task]);
    ag_value classes = {.kind = AG_ARRAY};
    classes.array.items = name;
    classes.array.count = 1;
    int rc = ag_config_add(members, "architectures", classes, err);
    if (rc >= 0) rc = ag_config_add(members, "model_type", ag_config_text("patchtsmixer"), err);
    if (rc >= 0) rc = write_own(arena, c, members, err);
    for (size_t i = 0; i < tree->object.count && rc >= 0; i++)
        rc = write_field(c, &tree->object.members[i], members, err);
    return rc;
}

const ag_config_dialect ag_config_dialect_patchtsmixer = {
    .architecture = "patchtsmixer",
    .read = read_dialect,
    .finish = finish_dialect,
    .write = write_dialect,
    .spelling = spelling,
};
