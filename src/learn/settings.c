// SPDX-License-Identifier: Apache-2.0
/* settings.c: from a file and assignments to the structs that the rest of the floor takes. The tree is normalised
 * before the tables see it: two spellings that people use ("optimizer: adamw", and optimizer or seed inside
 * training_config) become the one that the table describes. Places of values survive all of that, so that every refusal
 * has its line. */
#include "learn/settings.h"

#include <math.h>
#include <string.h>

#include "core/base/vec.h"
#include "core/doc/json.h"
#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "learn/nn/optim.h"
#include "ledger/ledger.h"

#define TRAINING "training_config"

enum { MAX_BYTES = 1 << 20 };

/* ---- spellings ---- */

static bool has_key(const ag_description *description, ag_str name)
{
    for (size_t i = 0; i < description->count; i++)
        if (ag_str_is(name, description->fields[i].name)) return true;
    return false;
}

static const ag_field *field_of(const ag_description *description, ag_str name)
{
    for (size_t i = 0; i < description->count; i++)
        if (ag_str_is(name, description->fields[i].name)) return &description->fields[i];
    return NULL;
}

/* A key of the top that people also write into training_config. */
static bool is_hoisted(ag_str name)
{
    const ag_field *training = field_of(&ag_settings_description, AG_STR(TRAINING));
    return has_key(&ag_settings_description, name) && !has_key(training->inner, name) && !ag_str_is(name, TRAINING) &&
           !ag_str_is(name, "model_config") && !ag_str_is(name, "data_config");
}

static bool takes_name(ag_str name)
{
    return ag_str_is(name, "optimizer") || ag_str_is(name, "scheduler") || ag_str_is(name, "register");
}

static int spell_member(ag_arena *arena, const ag_member *from, ag_vec *into, ag_err *err)
{
    ag_member member = *from;
    if (takes_name(member.name) && member.value.kind == AG_STRING) {
        ag_member *inner = ag_arena_alloc(arena, sizeof *inner);
        if (!inner) return ag_fail_memory(err, sizeof *inner);
        *inner = (ag_member){.name = AG_STR("name"), .line = from->line, .column = from->column, .value = from->value};
        member.value = (ag_value){.kind = AG_OBJECT, .line = from->value.line, .column = from->value.column};
        member.value.object.members = inner;
        member.value.object.count = 1;
    }
    return ag_vec_push(into, &member, err);
}

static int give_object(ag_arena *arena, const ag_vec *members, ag_value *out, ag_err *err)
{
    ag_member *items = ag_arena_array(arena, members->count + 1, sizeof *items);
    if (!items) return ag_fail_memory(err, members->count * sizeof *items);
    if (members->count) memcpy(items, members->items, members->count * sizeof *items);
    out->kind = AG_OBJECT;
    out->object.members = items;
    out->object.count = members->count;
    return 0;
}

static int check_twice(const ag_vec *top, const char *file, ag_err *err)
{
    const ag_member *members = top->items;
    for (size_t i = 0; i < top->count; i++)
        for (size_t k = 0; k < i; k++)
            if (ag_str_equal(members[i].name, members[k].name))
                return ag_fail_at(err, AG_EINVAL, file, members[i].line, members[i].column,
                                  "'%.*s' stands at the top and in " TRAINING " too: keep one",
                                  AG_STR_ARG(members[i].name));
    return 0;
}

static int hoist(ag_arena *arena, const ag_value *training, ag_vec *top, ag_vec *rest, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; training->kind == AG_OBJECT && i < training->object.count && rc >= 0; i++) {
        const ag_member *member = &training->object.members[i];
        rc = is_hoisted(member->name) ? spell_member(arena, member, top, err) : ag_vec_push(rest, member, err);
    }
    return rc;
}

static int normalise(ag_arena *arena, const ag_value *root, const char *file, const ag_value **out, ag_err *err)
{
    int rc = 0;
    if (root->kind != AG_OBJECT) return *out = root, 0;
    ag_vec top, rest;
    ag_vec_init(&top, sizeof(ag_member));
    ag_vec_init(&rest, sizeof(ag_member));
    ag_value *result = ag_arena_alloc(arena, sizeof *result);
    if (!result) return ag_fail_memory(err, sizeof *result);
    *result = *root;
    for (size_t i = 0; i < root->object.count && rc >= 0; i++) {
        const ag_member *member = &root->object.members[i];
        if (!ag_str_is(member->name, TRAINING) || member->value.kind != AG_OBJECT) {
            rc = spell_member(arena, member, &top, err);
            continue;
        }
        ag_member training = *member;
        rc = hoist(arena, &member->value, &top, &rest, err);
        if (rc >= 0) rc = give_object(arena, &rest, &training.value, err);
        if (rc >= 0) rc = ag_vec_push(&top, &training, err);
    }
    if (rc >= 0) rc = check_twice(&top, file, err);
    if (rc >= 0) rc = give_object(arena, &top, result, err);
    ag_vec_deinit(&top);
    ag_vec_deinit(&rest);
    *out = result;
    return rc;
}

/* "training_config.optimizer=adamw" -> "optimizer.name=adamw" */
static int spell_assignment(ag_arena *arena, ag_str from, ag_str *out, ag_err *err)
{
    ag_str prefix = AG_STR(TRAINING ".");
    size_t equals = ag_str_find_char(from, '=', 0);
    if (equals == SIZE_MAX) return *out = from, 0;
    ag_str key = ag_str_slice(from, 0, equals), value = ag_str_slice(from, equals + 1, SIZE_MAX);
    if (ag_str_starts(key, prefix)) {
        ag_str rest = ag_str_slice(key, prefix.size, SIZE_MAX), head = rest;
        size_t dot = ag_str_find_char(rest, '.', 0);
        if (dot != SIZE_MAX) head.size = dot;
        if (is_hoisted(head)) key = rest;
    }
    bool plain = value.size && value.data[0] != '{' && !ag_str_is(value, "true") && !ag_str_is(value, "false");
    const char *text = ag_arena_printf(arena, "%.*s%s=%.*s", AG_STR_ARG(key), takes_name(key) && plain ? ".name" : "",
                                       AG_STR_ARG(value));
    if (!text) return ag_fail_memory(err, from.size);
    *out = ag_str_of(text);
    return 0;
}

/* ---- reading ---- */

static int parse_text(ag_arena *arena, ag_str text, const char *name, const ag_value **out, ag_err *err)
{
    static const ag_value nothing = {.kind = AG_OBJECT};
    ag_yaml_options options = {.file = name, .max_bytes = MAX_BYTES};
    int rc = text.size ? ag_describe_parse(arena, text, &options, out, err) : 0;
    if (rc >= 0 && (!text.size || (*out)->kind == AG_NULL)) *out = &nothing;
    return rc;
}

static int parse_file(ag_arena *arena, const char *path, const ag_value **out, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_BYTES);
    int rc = path ? ag_file_read(path, MAX_BYTES, &text, err) : 0;
    if (rc >= 0) rc = parse_text(arena, ag_buf_str(&text), path, out, err);
    ag_buf_deinit(&text);
    return rc;
}

/* What was not said is the optimiser's own, so that the effective configuration tells it. */
static void fill_optimizer(ag_settings_optimizer *s)
{
    const ag_optimizer *own = ag_optimizer_find(s->name);
    if (s->weight_decay < 0.0) s->weight_decay = own->weight_decay;
    if (s->momentum < 0.0) s->momentum = own->momentum;
    if (s->beta1 < 0.0) s->beta1 = own->beta1;
    if (s->beta2 < 0.0) s->beta2 = own->beta2;
    if (s->epsilon < 0.0) s->epsilon = own->epsilon;
}

static int take_tree(ag_arena *arena, const ag_value *root, const char *path, const ag_str *sets, size_t set_count,
                     ag_settings *out, ag_err *err)
{
    ag_settings named = {.file = path ? ag_arena_strdup(arena, path) : NULL,
                         .empty = path && root->kind == AG_OBJECT && !root->object.count};
    int rc = path && !named.file ? ag_fail_memory(err, strlen(path)) : normalise(arena, root, path, &root, err);
    /* What is no mapping is refused below, with its place: no assignment is to blame. */
    for (size_t i = 0; root->kind == AG_OBJECT && i < set_count && rc >= 0; i++) {
        ag_str assignment;
        named.strategy_named |= ag_str_starts(sets[i], AG_STR("strategy="));
        rc = spell_assignment(arena, sets[i], &assignment, err);
        if (rc >= 0) rc = ag_describe_override(&ag_settings_description, arena, root, assignment, &root, err);
        if (rc < 0) ag_err_prefix(err, "--set %.*s", AG_STR_ARG(ag_str_slice(sets[i], 0, 80)));
    }
    return rc < 0 ? rc : ag_settings_again(&named, root, arena, out, err);
}

int ag_settings_read(ag_arena *arena, const char *path, const ag_str *sets, size_t set_count, ag_settings *out,
                     ag_err *err)
{
    const ag_value *root = NULL;
    int rc = parse_file(arena, path, &root, err);
    return rc < 0 ? rc : take_tree(arena, root, path, sets, set_count, out, err);
}

int ag_settings_parse(ag_arena *arena, ag_str text, const char *name, const ag_str *sets, size_t set_count,
                      ag_settings *out, ag_err *err)
{
    const ag_value *root = NULL;
    int rc = parse_text(arena, text, name, &root, err);
    return rc < 0 ? rc : take_tree(arena, root, name, sets, set_count, out, err);
}

/* What the ledger would refuse when the data have been read, and names that no terminal shows as they are. */
static int check_name(const ag_settings *settings, const char *key, const char *name, size_t most, ag_err *err)
{
    if (!name) return 0;
    const ag_value *said = ag_value_get(settings->root, key);
    const ag_str text = ag_str_of(name);
    const char *wrong = ag_str_trim(text).size ? NULL : "is empty";
    for (size_t i = 0; i < text.size && !wrong; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            wrong = "holds a control character (a tab, the end of a line)";
    if (!wrong && ag_utf8_count(text) <= most) return 0;
    uint32_t line = said ? said->line : 0, column = said ? said->column : 0;
    if (!wrong)
        return ag_fail_at(err, AG_EINVAL, settings->file, line, column, "%s has %zu characters, and at most %zu can be",
                          key, ag_utf8_count(text), most);
    return ag_fail_at(err, AG_EINVAL, settings->file, line, column, "%s %s", key, wrong);
}

int ag_settings_again(const ag_settings *from, const ag_value *root, ag_arena *arena, ag_settings *out, ag_err *err)
{
    int rc = ag_describe_read(&ag_settings_description, arena, root, from->file, out, err);
    if (rc < 0) return rc;
    fill_optimizer(&out->optimizer);
    out->file = from->file;
    out->root = root;
    out->strategy_named = from->strategy_named;
    out->empty = from->empty;
    rc = check_name(out, "experiment_name", out->experiment_name, AG_MAX_EXPERIMENT_NAME, err);
    return rc < 0 ? rc : check_name(out, "run_name", out->run_name, AG_MAX_TAG_VALUE, err);
}

int ag_settings_data(const ag_settings *settings, const ag_description *description, ag_arena *arena, void *into,
                     ag_err *err)
{
    int rc = ag_describe_read(description, arena, settings->data_config, settings->file, into, err);
    return rc < 0 ? ag_err_prefix(err, "data_config") : rc;
}

/* ---- the model ---- */

static int find_architecture(const ag_settings *settings, const ag_architecture **out, ag_err *err)
{
    const char *names[64];
    size_t count;
    ag_str name;
    const ag_value *value = ag_value_get(settings->model_config, "architecture");
    const ag_architecture *const *all = ag_architecture_all(&count);
    if (!value) {
        ag_fail_at(err, AG_EINVAL, settings->file, settings->model_config ? settings->model_config->line : 0,
                   settings->model_config ? settings->model_config->column : 0,
                   "model_config does not say its architecture");
        return ag_err_hint(err, "add architecture: NAME below model_config; %s is one", all[0]->name);
    }
    if (!ag_value_string(value, &name))
        return ag_fail_at(err, AG_EINVAL, settings->file, value->line, value->column,
                          "model_config.architecture must be a name");
    for (size_t i = 0; i < count; i++)
        if (ag_str_equal_nocase(name, ag_str_of(all[i]->name))) return *out = all[i], 0;
    for (size_t i = 0; i < count && i < 64; i++) names[i] = all[i]->name;
    ag_fail_at(err, AG_EINVAL, settings->file, value->line, value->column, "there is no architecture '%.*s'",
               AG_STR_ARG(ag_str_slice(name, 0, 80)));
    ag_nearest_hint(err, name, names, count < 64 ? count : 64);
    return AG_EINVAL;
}

static int check_fact(const ag_settings *settings, const ag_model_fact *fact, const ag_value *said, ag_err *err)
{
    int64_t number;
    if (ag_value_int(said, &number) && number == fact->value) return 0;
    ag_fail_at(err, AG_EINVAL, settings->file, said->line, said->column, "model_config.%s must be %lld: %s", fact->key,
               (long long)fact->value, fact->why);
    return ag_err_hint(err, "leave it out, and it follows");
}

static int model_tree(const ag_settings *settings, const ag_architecture *architecture, ag_arena *arena,
                      const ag_model_fact *facts, size_t count, ag_vec *members, ag_err *err)
{
    const ag_description *description = architecture->configuration;
    static const ag_value nothing = {.kind = AG_OBJECT};
    const ag_value *given = settings->model_config ? settings->model_config : &nothing;
    int rc = 0;
    for (size_t i = 0; i < given->object.count && rc >= 0; i++) {
        ag_member member = given->object.members[i];
        if (ag_str_is(member.name, "architecture")) continue;
        const ag_field *field = field_of(description, member.name);
        if (field) member.value = ag_model_config_spelling(architecture, arena, field, &member.value);
        rc = ag_vec_push(members, &member, err);
    }
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const ag_field *field = field_of(description, ag_str_of(facts[i].key));
        if (!field) continue;
        const ag_value *said = ag_value_get(given, field->name);
        if (!said && field->alias) said = ag_value_get(given, field->alias);
        ag_member member = {.name = ag_str_of(facts[i].key), .value = {.kind = AG_INT, .integer = facts[i].value}};
        rc = said ? check_fact(settings, &facts[i], said, err) : ag_vec_push(members, &member, err);
    }
    return rc;
}

int ag_settings_model(const ag_settings *settings, const ag_model_fact *facts, size_t count, ag_arena *arena,
                      ag_model_config *out, ag_err *err)
{
    ag_model_config model = {0};
    ag_vec members;
    if (settings->model_config && settings->model_config->kind != AG_OBJECT)
        return ag_fail_at(err, AG_EINVAL, settings->file, settings->model_config->line, settings->model_config->column,
                          "model_config must be a mapping, not %s", ag_kind_name(settings->model_config->kind));
    int rc = find_architecture(settings, &model.architecture, err);
    if (rc < 0) return rc;
    const ag_description *description = model.architecture->configuration;
    ag_vec_init(&members, sizeof(ag_member));
    ag_value tree = {.kind = AG_OBJECT};
    if (settings->model_config) {
        tree.line = settings->model_config->line;
        tree.column = settings->model_config->column;
    }
    if (!(model.values = ag_arena_alloc(arena, description->size))) rc = ag_fail_memory(err, description->size);
    if (rc >= 0) rc = model_tree(settings, model.architecture, arena, facts, count, &members, err);
    if (rc >= 0) rc = give_object(arena, &members, &tree, err);
    if (rc >= 0 && (rc = ag_describe_read(description, arena, &tree, settings->file, model.values, err)) < 0)
        ag_err_prefix(err, "model_config");
    ag_vec_deinit(&members);
    if (rc >= 0) *out = model;
    return rc;
}

int ag_settings_refuse_model(const ag_settings *settings, ag_err *err)
{
    const ag_value *said = settings->model_config;
    bool in_file = said && said->kind == AG_OBJECT && said->line && settings->ensemble.members.count == 0;
    int rc = ag_err_prefix(err, "model_config");
    for (size_t i = 0; in_file && i < said->object.count; i++)
        in_file = said->object.members[i].value.line != AG_LINE_SET; /* what --set said is in no file */
    return in_file ? ag_err_place(err, settings->file, said->line, said->column) : rc;
}

int ag_settings_place(const ag_settings *settings, const char *key, ag_err *err)
{
    const ag_value *said = ag_value_at(settings->root, key);
    if (said && err && said->line != AG_LINE_SET) return ag_err_place(err, settings->file, said->line, said->column);
    return err ? (int)err->code : AG_EINVAL;
}

/* ---- the loop's options ---- */

static ag_optim_options optimizer_of(const ag_settings *settings)
{
    const ag_settings_optimizer *s = &settings->optimizer;
    return (ag_optim_options){.optimizer = ag_optimizer_find(s->name),
                              .learning_rate = settings->training.learning_rate,
                              .weight_decay = s->weight_decay,
                              .momentum = s->momentum,
                              .beta1 = s->beta1,
                              .beta2 = s->beta2,
                              .epsilon = s->epsilon,
                              .clip_norm = settings->training.clip_norm,
                              .decay_biases = s->decay_biases};
}

static void schedule_of(const ag_settings *settings, int64_t samples, ag_train_options *out)
{
    const ag_settings_scheduler *s = &settings->scheduler;
    int64_t each = out->batch_size * out->accumulate, steps = (samples + each - 1) / each * out->epochs;
    bool plateau = strcmp(s->name, "plateau") == 0;
    out->schedule = ag_schedule_find(plateau ? "constant" : s->name);
    out->warmup = s->warmup_steps ? s->warmup_steps : (int64_t)(s->warmup_ratio * (double)steps);
    out->final_factor = s->final_factor;
    if (plateau)
        out->plateau = (ag_plateau){.factor = s->factor,
                                    .patience = s->patience,
                                    .threshold = s->threshold,
                                    .cooldown = s->cooldown,
                                    .least = s->min_factor};
}

static int names_of(const ag_settings *settings, ag_arena *arena, ag_train_options *out, ag_err *err)
{
    const ag_list *list = &settings->freeze, *groups = &settings->optimizer.groups;
    const char **freeze = ag_arena_array(arena, list->count + 1, sizeof *freeze);
    ag_train_group *rows = ag_arena_array(arena, groups->count + 1, sizeof *rows);
    if (!freeze || !rows) return ag_fail_memory(err, (list->count + groups->count + 2) * sizeof *rows);
    for (size_t i = 0; i < list->count; i++) freeze[i] = ((const char *const *)list->items)[i];
    for (size_t i = 0; i < groups->count; i++) {
        const ag_settings_group *g = (const ag_settings_group *)groups->items + i;
        rows[i] = (ag_train_group){g->pattern, g->rate_factor, g->weight_decay};
    }
    out->freeze = freeze;
    out->groups = rows;
    out->groups_count = groups->count;
    return 0;
}

int ag_settings_options(const ag_settings *settings, int64_t samples, ag_arena *arena, ag_train_options *out,
                        ag_err *err)
{
    const ag_settings_training *t = &settings->training;
    *out =
        (ag_train_options){.seed = (uint64_t)settings->seed,
                           .epochs = t->epochs,
                           .batch_size = t->batch_size,
                           .accumulate = t->accumulate,
                           .keep_order = !t->shuffle,
                           .drop_last = t->drop_last,
                           .optim = optimizer_of(settings),
                           .early = {.patience = t->early_stopping.patience, .threshold = t->early_stopping.min_delta},
                           .metric = t->early_stopping.metric,
                           .restore_best = t->early_stopping.restore_best,
                           .ema_decay = t->ema_decay};
    schedule_of(settings, samples, out);
    return names_of(settings, arena, out, err);
}

/* ---- the effective configuration ---- */

static int tree_of(const ag_description *description, const void *values, ag_arena *arena, const ag_value **out,
                   ag_err *err)
{
    static const ag_json_options words = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    ag_buf text;
    ag_buf_init(&text, MAX_BYTES);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    ag_describe_write(description, values, &json);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&text), &words, out, err);
    ag_buf_deinit(&text);
    return rc;
}

static int model_value(const ag_model_config *model, ag_arena *arena, ag_value *out, ag_err *err)
{
    const ag_value *tree = NULL;
    ag_member name = {.name = AG_STR("architecture"),
                      .value = {.kind = AG_STRING, .string = ag_str_of(model->architecture->name)}};
    ag_vec members;
    ag_vec_init(&members, sizeof(ag_member));
    int rc = tree_of(model->architecture->configuration, model->values, arena, &tree, err);
    if (rc >= 0) rc = ag_vec_push(&members, &name, err);
    for (size_t i = 0; rc >= 0 && i < tree->object.count; i++)
        rc = ag_vec_push(&members, &tree->object.members[i], err);
    if (rc >= 0) rc = give_object(arena, &members, out, err);
    ag_vec_deinit(&members);
    return rc;
}

int ag_settings_effective(const ag_settings *settings, const ag_model_config *model, const ag_description *description,
                          const void *data, ag_arena *arena, const ag_value **out, ag_err *err)
{
    const ag_value *tree = NULL, *data_tree = NULL;
    ag_vec members;
    ag_vec_init(&members, sizeof(ag_member));
    ag_value *result = ag_arena_alloc(arena, sizeof *result);
    int rc =
        result ? tree_of(&ag_settings_description, settings, arena, &tree, err) : ag_fail_memory(err, sizeof *result);
    if (rc >= 0) rc = tree_of(description, data, arena, &data_tree, err);
    for (size_t i = 0; rc >= 0 && i < tree->object.count; i++) {
        ag_member member = tree->object.members[i];
        if (ag_str_is(member.name, "data_config")) member.value = *data_tree;
        if (ag_str_is(member.name, "model_config") && model->architecture)
            rc = model_value(model, arena, &member.value, err);
        if (rc >= 0) rc = ag_vec_push(&members, &member, err);
    }
    if (rc >= 0) rc = give_object(arena, &members, result, err);
    ag_vec_deinit(&members);
    if (rc >= 0) *out = result;
    return rc;
}
