// SPDX-License-Identifier: Apache-2.0
/* run.c: from settings and a prepared directory to a trained model. The model's configuration is what the user wrote,
 * with what heat maps over a position grid need filled in where nothing was said; numbers that follow from the data
 * must agree. Nothing here knows how many models a strategy trains. */
#include "learn/drilling/run.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/io/path.h"
#include "learn/drilling/score.h"
#include "learn/strategy_tools.h"

/* ---- the model's configuration ---- */

typedef struct usual { /* what a key is when nobody says it; keys that the architecture does not have are left out */
    const char *key, *value; /* a flow of YAML would be more than is needed: JSON */
} usual;
static const usual usuals[] = {
    {"task", "\"heatmap\""}, {"mode", "\"mix_channel\""}, {"scaling", "\"none\""},   {"context_length", "512"},
    {"patch_length", "16"},  {"num_targets", "3"},        {"d_model", "24"},         {"num_layers", "3"},
    {"dropout", "0.05"},     {"head_dropout", "0"},       {"bidirectional", "true"},
};

static const ag_field *field_of(const ag_description *description, const char *key)
{
    for (size_t i = 0; i < description->count; i++)
        if (strcmp(description->fields[i].name, key) == 0) return &description->fields[i];
    return NULL;
}

static const ag_value *said_of(const ag_value *config, const ag_description *description, const char *key)
{
    const ag_field *field = field_of(description, key);
    const ag_value *said = ag_value_get(config, key);
    return said || !field || !field->alias ? said : ag_value_get(config, field->alias);
}

static int add_text(ag_vec *members, ag_arena *arena, const char *key, const char *json, ag_err *err)
{
    const ag_value *value;
    int rc = ag_json_parse(arena, ag_str_of(json), NULL, &value, err);
    ag_member member = {.name = ag_str_of(key)};
    if (rc < 0) return rc;
    member.value = *value;
    member.value.line = member.value.column = 0; /* it stands in no file */
    return ag_vec_push(members, &member, err);
}

/* Patches lie side by side unless somebody says otherwise. */
static int add_stride(const ag_value *config, const ag_description *d, ag_vec *members, ag_arena *arena, ag_err *err)
{
    char text[32] = "16";
    int64_t length;
    if (!field_of(d, "patch_stride") || said_of(config, d, "patch_stride")) return 0;
    if (ag_value_int(said_of(config, d, "patch_length"), &length))
        ag_format(text, sizeof text, "%lld", (long long)length);
    return add_text(members, arena, "patch_stride", text, err);
}

static int fill_in(const ag_value *config, const ag_description *d, ag_vec *members, ag_arena *arena, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof usuals / sizeof *usuals && rc >= 0; i++)
        if (field_of(d, usuals[i].key) && !said_of(config, d, usuals[i].key))
            rc = add_text(members, arena, usuals[i].key, usuals[i].value, err);
    return rc < 0 ? rc : add_stride(config, d, members, arena, err);
}

/* Depths are found in heat maps over a series of cells. */
static bool has_heat_maps(const ag_architecture *architecture)
{
    return field_of(architecture->configuration, "task") && field_of(architecture->configuration, "context_length");
}

static int check_heat_maps(const ag_settings *settings, const ag_value *config, ag_err *err)
{
    const ag_value *named = ag_value_get(config, "architecture"), *task = ag_value_get(config, "task");
    size_t count;
    ag_str name;
    char list[160] = "";
    const ag_architecture *const *all = ag_architecture_all(&count), *wrong = NULL;
    for (size_t i = 0; i < count; i++) {
        bool this = ag_value_string(named, &name) && ag_str_equal_nocase(name, ag_str_of(all[i]->name));
        size_t used = strlen(list);
        if (has_heat_maps(all[i]))
            ag_format(list + used, sizeof list - used, "%s%s", used ? ", " : "", all[i]->name);
        else if (this)
            wrong = all[i];
    }
    if (wrong) {
        ag_fail_at(err, AG_EINVAL, settings->file, named->line, named->column,
                   "the architecture %s does not say where in a hole a point lies", wrong->name);
        return ag_err_hint(err, "these do: %s", list);
    }
    if (!ag_value_string(task, &name) || ag_str_is(name, "heatmap")) return 0;
    ag_fail_at(err, AG_EINVAL, settings->file, task->line, task->column,
               "model_config.task must be heatmap: depths are found in heat maps");
    return ag_err_hint(err, "leave it out, and it follows");
}

/* model_config with its architecture, and with what is usual. */
static int complete(const ag_drilling_run *run, ag_settings *settings, ag_arena *arena, ag_err *err)
{
    const ag_value *given = settings->model_config;
    ag_model_config named;
    ag_vec members;
    char quoted[80];
    ag_value *object = ag_arena_alloc(arena, sizeof *object);
    if (given && given->kind != AG_OBJECT) given = NULL; /* refused by ag_settings_model() */
    ag_vec_init(&members, sizeof(ag_member));
    int rc = object ? check_heat_maps(settings, given, err) : ag_fail_memory(err, sizeof *object);
    for (size_t i = 0; given && i < given->object.count && rc >= 0; i++)
        rc = ag_vec_push(&members, &given->object.members[i], err);
    ag_format(quoted, sizeof quoted, "\"%s\"", run->architecture);
    if (rc >= 0 && !ag_value_get(given, "architecture")) rc = add_text(&members, arena, "architecture", quoted, err);
    for (int pass = 0; pass < 2 && rc >= 0; pass++) {
        ag_member *items = ag_arena_array(arena, members.count + 1, sizeof *items);
        if (!items) rc = ag_fail_memory(err, members.count * sizeof *items);
        if (rc < 0) break;
        memcpy(items, members.items, members.count * sizeof *items);
        *object = (ag_value){.kind = AG_OBJECT};
        object->object.members = items;
        object->object.count = members.count;
        if (given) object->line = given->line, object->column = given->column;
        if (!settings->model_config || settings->model_config->kind == AG_OBJECT) settings->model_config = object;
        if (pass == 1) break;
        if ((rc = ag_settings_model(settings, NULL, 0, arena, &named, err)) < 0) break;
        rc = fill_in(given, named.architecture->configuration, &members, arena, err);
    }
    ag_vec_deinit(&members);
    return rc;
}

static int64_t cells_of(const ag_settings *settings, const ag_description *d)
{
    int64_t cells = 512;
    (void)ag_value_int(said_of(settings->model_config, d, "context_length"), &cells);
    return cells;
}

/* A view that cannot be comes of one of two lists; where it stands is told. */
static int place_view(const ag_settings *settings, ag_err *err)
{
    static const char *const lists[] = {"channels", "conditions"};
    const ag_value *preprocessing = ag_value_get(settings->data_config, "preprocessing");
    for (size_t i = 0; i < sizeof lists / sizeof *lists && err; i++) {
        const ag_value *list = ag_value_get(preprocessing, lists[i]);
        if (list && strstr(err->text, lists[i])) return ag_err_place(err, settings->file, list->line, list->column);
    }
    return err ? (int)err->code : AG_EINVAL;
}

int ag_drilling_configure(ag_drilling_run *run, ag_strategy_task *task, ag_err *err)
{
    run->task = task;
    ag_settings *settings = ag_arena_alloc(task->arena, sizeof *settings);
    ag_model_config named;
    char channels[64], conditions[64];
    if (!settings) return ag_fail_memory(err, sizeof *settings);
    *settings = *task->settings;
    int rc = complete(run, settings, task->arena, err);
    if (rc >= 0) rc = ag_settings_model(settings, NULL, 0, task->arena, &named, err);
    if (rc < 0) return rc;
    rc = ag_view_init(&run->data, cells_of(settings, named.architecture->configuration), &run->view, err);
    if (rc < 0) return place_view(settings, err);
    ag_format(channels, sizeof channels, "data_config names %zu channels", run->view.channel_count);
    ag_format(conditions, sizeof conditions, "data_config names %zu conditions", run->view.condition_count);
    const ag_model_fact facts[] = {
        {"num_input_channels", (int64_t)run->view.channel_count, channels},
        {"num_conditions", (int64_t)run->view.condition_count, conditions},
        {"num_targets", AG_POINTS, "entry, transition and exit are looked for"},
    };
    const ag_model_fact *first = facts;
    size_t count = sizeof facts / sizeof *facts - 1; /* num_targets was filled in; it is checked below */
    const ag_value *targets = said_of(settings->model_config, named.architecture->configuration, "num_targets");
    int64_t said = AG_POINTS;
    if (targets && (!ag_value_int(targets, &said) || said != AG_POINTS))
        return ag_fail_at(err, AG_EINVAL, settings->file, targets->line, targets->column,
                          "model_config.num_targets must be %d: %s", AG_POINTS, facts[2].why);
    return ag_settings_model(settings, first, count, task->arena, &task->model_config, err);
}

/* ---- preparing ---- */

/* Labels that can hardly be right are told before hours go into them. */
static void tell_doubts(const ag_drilling_run *run, ag_strategy_task *task)
{
    enum { LEAST = 5 };
    const ag_example_doubt *d = &run->set.doubt;
    if (run->set.truth_unmatched)
        ag_strategy_remark(task,
                           run->set.truth_matched ? "%zu rows of %s belong to no hole"
                                                  : "none of the %zu rows of %s belongs to a hole: its column "
                                                    "path must name holes as holes.csv does",
                           run->set.truth_unmatched, run->set.truth);
    if (d->senseless)
        ag_strategy_remark(task,
                           "%zu labels are not learned from: their points are out of order, or beyond the end of the "
                           "hole (%s among them)",
                           d->senseless, d->first);
    if (d->compared >= LEAST && (fabs(d->entry_mm) > 1.0 || fabs(d->exit_mm) > 1.0))
        ag_strategy_remark(task,
                           "the labels lie %+.2f mm (entry) and %+.2f mm (exit) from the automatic ones on the median "
                           "of %zu holes: are they in mm, and from the machine's zero? The model learns them as they "
                           "are",
                           d->entry_mm, d->exit_mm, d->compared);
}

typedef struct labels { /* the labelled holes of a directory: one of these each */
    size_t air;         /* nothing was cut: there are no depths */
    size_t doubted;     /* no weight: not sure enough, or depths that cannot be */
    size_t sure;        /* to learn from */
} labels;

static labels count_labels(const ag_example_set *set)
{
    labels l = {0};
    for (size_t i = 0; i < set->count; i++) {
        const ag_example *e = &set->items[i];
        if (e->known.outcome == AG_LABEL_NONE) continue;
        if (ag_drilled_silent(&e->drilled))
            l.air++;
        else if (e->known.weight > 0)
            l.sure++;
        else
            l.doubted++;
    }
    return l;
}

static int tell_labels(const ag_drilling_run *run, ag_strategy_task *task, ag_err *err)
{
    int rc = ag_strategy_tell_links(task, err);
    if (rc < 0) return rc;
    const labels l = count_labels(&run->set);
    char beside[96] = "";
    if (l.air && l.doubted)
        ag_format(beside, sizeof beside, " (%zu of them in air, %zu too doubtful)", l.air, l.doubted);
    else if (l.air || l.doubted)
        ag_format(beside, sizeof beside, " (%zu of them %s)", l.air + l.doubted, l.air ? "in air" : "too doubtful");
    ag_strategy_remark(task, "%s: %zu holes, %zu with a label%s, %zu to learn from", task->data_dir, run->set.count,
                       run->set.known, beside, l.sure);
    size_t independent = 0;
    for (size_t i = 0; i < run->set.count; i++) {
        const ag_known *known = &run->set.items[i].known;
        independent += known->outcome != AG_LABEL_NONE && !ag_known_by_labeller(known);
    }
    if (run->set.known && !independent)
        ag_strategy_remark(task,
                           "all labels are the labellers' own: scores tell how near the models come to them, not "
                           "to the truth, and intervals are not fitted; labels of people ('auger label set') or a "
                           "truth.csv change that");
    if (run->set.left_out)
        ag_strategy_remark(task, "%zu rows were left out: copies, or hardly any samples", run->set.left_out);
    tell_doubts(run, task);
    return 0;
}

static int tell_dataset(ag_drilling_run *run, ag_strategy_task *task, ag_err *err)
{
    ag_str name = ag_path_name(ag_str_of(task->data_dir));
    ag_strategy_dataset dataset = {.name = ag_arena_strndup(task->arena, name.data, name.size),
                                   .path = task->data_dir,
                                   .context = "training",
                                   .digest = run->set.digest};
    ag_sha256_format(&run->set.digest, run->digest);
    return dataset.name ? ag_strategy_dataset_seen(task, &dataset, err) : ag_fail_memory(err, name.size);
}

/* Simulated holes that nothing would learn from are not made. */
static int check_simulated(ag_drilling_simulated *s, ag_strategy_task *task, ag_err *err)
{
    const ag_settings_pretrain *pretrain = &task->settings->pretrain;
    bool pretrains = pretrain->enabled && pretrain->method == AG_PRETRAIN_SIMULATED;
    if (pretrains && s->holes == 0) {
        ag_fail(err, AG_EINVAL, "pretrain.method: simulated learns from simulated holes, and there are none");
        return ag_err_hint(err, "set data_config.simulated.holes, to 1000 for example");
    }
    if (pretrains || s->holes == 0 || s->own_share < 1) return 0;
    ag_strategy_remark(task, "no simulated holes: data_config.simulated.own_share: 1 leaves them to a pretraining "
                             "(pretrain.method: simulated), and there is none");
    s->holes = 0;
    return 0;
}

int ag_drilling_simulate(ag_drilling_run *run, ag_strategy_task *task, ag_err *err)
{
    const ag_drilling_simulated *s = &run->data.simulated;
    ag_progress *progress = s->holes ? ag_strategy_progress(task, "simulated holes", 0) : NULL;
    int rc = ag_examples_simulate(&run->set, &run->data, task->pool, progress, task->cancel, task->arena, err);
    ag_progress_free(progress);
    if (rc >= 0 && s->holes)
        ag_strategy_remark(task, "%zu simulated holes beside them (seed %lld, %lld by a tool), to learn from alone%s",
                           run->set.simulated, (long long)s->seed, (long long)s->tool_holes,
                           s->own_share < 1 ? "" : ", before the others");
    return rc < 0 ? rc : tell_dataset(run, task, err);
}

int ag_drilling_read(ag_drilling_run *run, ag_strategy_task *task, ag_err *err)
{
    ag_model *model = NULL; /* refuses a model that cannot be before the data are read */
    int rc = check_simulated(&run->data.simulated, task, err);
    if (rc >= 0) rc = ag_strategy_model(task, true, &model, err);
    if (rc < 0) return rc;
    task->parameters = ag_model_count(model, false);
    ag_model_free(model);
    ag_progress *progress = ag_strategy_progress(task, "holes", 0);
    rc = ag_examples_load(task->data_dir, &run->data, task->pool, progress, task->cancel, task->arena, &run->set, err);
    ag_progress_free(progress);
    return rc < 0 ? rc : tell_labels(run, task, err);
}

int ag_drilling_prepare(ag_drilling_run *run, ag_strategy_task *task, ag_err *err)
{
    int rc = ag_drilling_configure(run, task, err);
    return rc < 0 ? rc : ag_drilling_read(run, task, err);
}

static int too_few(const ag_drilling_run *run, ag_err *err)
{
    const ag_example_set *set = &run->set;
    const labels l = count_labels(set);
    char air[64] = "", doubts[96] = "";
    if (l.air) ag_format(air, sizeof air, ", %zu of them drilled in air, which have no depths", l.air);
    if (l.doubted)
        ag_format(doubts, sizeof doubts, ", %zu of them less sure than data_config.min_confidence, or impossible",
                  l.doubted);
    ag_fail(err, AG_EINVAL,
            "%zu holes in '%s' can be learned from, %d are needed: of its %zu holes %zu are labelled%s%s", l.sure,
            set->dir, AG_DRILLING_FEWEST, set->count, set->known, air, doubts);
    if (set->known == 0)
        return ag_err_hint(err, "label them (auger prepare --auto-label, auger label); whose labels count stands in "
                                "data_config.label_sources");
    if (l.doubted) return ag_err_hint(err, "lower data_config.min_confidence, or label more: auger label queue");
    return ag_err_hint(err, "add holes that were drilled into material, or label more: auger label queue");
}

int ag_drilling_trainable(const ag_drilling_run *run, ag_arena *arena, size_t **out, size_t *count, ag_err *err)
{
    size_t *chosen = ag_arena_array(arena, run->set.count + 1, sizeof *chosen), n = 0;
    if (!chosen) return ag_fail_memory(err, run->set.count * sizeof *chosen);
    for (size_t i = 0; i < run->set.count; i++) {
        const ag_example *e = &run->set.items[i];
        if (e->known.weight > 0 && !ag_drilled_silent(&e->drilled)) chosen[n++] = i;
    }
    *out = chosen;
    *count = n;
    return n >= AG_DRILLING_FEWEST ? 0 : too_few(run, err);
}

/* ---- training ---- */

int ag_drilling_train(const ag_drilling_run *run, const ag_drilling_fold *fold, ag_model **out, ag_err *err)
{
    ag_strategy_task *task = run->task;
    const ag_settings *settings = task->settings;
    uint64_t seed = (uint64_t)settings->seed + (uint64_t)fold->index;
    const char *init_from = fold->init_from ? fold->init_from : settings->init_from;
    ag_drilling_samples training, validation;
    ag_model *model = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_drilling_samples_init(&training, "the training holes", &run->view, &run->data, &run->set,
                                              fold->training, fold->training_count, arena, err)
                   : ag_fail_memory(err, 1);
    if (rc >= 0)
        rc = ag_drilling_samples_init(&validation, "the validation holes", &run->view, &run->data, &run->set,
                                      fold->validation, fold->validation_count, arena, err);
    training.pool = validation.pool = task->pool;
    if (rc >= 0)
        rc =
            ag_strategy_model_of(task, &task->model_config, &(ag_building){.loss = true}, seed, init_from, &model, err);
    if (rc >= 0)
        rc = ag_strategy_train_model(task, fold->name, fold->index, fold->count, model, &training.samples,
                                     fold->validation_count ? &validation.samples : NULL, NULL, err);
    ag_arena_free(arena);
    if (rc >= 0)
        *out = model;
    else
        ag_model_free(model);
    return rc;
}

/* How much the intervals may be trusted: few tools say little of those to come. */
static void tell_give(const ag_drilling_run *run, const ag_calibration *calibration)
{
    double most = (double)NAN;
    size_t tools = SIZE_MAX, simulated = 0;
    for (int k = 0; k < AG_POINTS; k++) {
        double give = ag_calibration_give(&calibration->point[k]);
        if (isnan(give)) continue;
        most = fmax(most, give);
        if (calibration->point[k].tools < tools) tools = calibration->point[k].tools;
        if (calibration->point[k].simulated > simulated) simulated = calibration->point[k].simulated;
    }
    if (isnan(most)) return;
    if (simulated) {
        ag_strategy_remark(run->task,
                           "intervals were learned from %zu tools, drawn to what %zu simulated ones say as far as they "
                           "bear it",
                           tools, simulated);
        return;
    }
    ag_strategy_remark(run->task,
                       "intervals were learned from %zu tools: of other tools' points they hold 90 %%, give or take "
                       "%.0f %%",
                       tools, 100 * most);
}

int ag_drilling_by_repeats(const ag_drilling_run *run, const ag_example *const *examples, const ag_reading *readings,
                           size_t count, ag_calibration *calibration, ag_err *err)
{
    size_t grouped = 0;
    int rc = ag_calibration_by_repeats(examples, readings, count, calibration, &grouped, err);
    if (rc >= 0 && grouped)
        ag_strategy_remark(run->task,
                           "%zu holes that repeat each other decide how far the labeller is believed: as depths that "
                           "are off by %.2f mm at the entry, %.2f mm at the exit",
                           grouped, calibration->point[AG_POINT_ENTRY].labeller,
                           calibration->point[AG_POINT_EXIT].labeller);
    if (rc >= 0) tell_give(run, calibration);
    return rc;
}

/* ---- scores ---- */

static int tell(ag_strategy_task *task, const char *prefix, const char *what, const char *point, double value,
                ag_err *err)
{
    char name[96];
    if (isnan(value)) return 0;
    ag_format(name, sizeof name, "%s%s%s%s", prefix, what, *point ? "_" : "", point);
    return ag_strategy_metric_found(task, name, value, err);
}

static int tell_all(ag_strategy_task *task, const char *prefix, const ag_score *score, ag_err *err)
{
    int rc = 0;
    for (int k = 0; k < AG_POINTS && rc >= 0; k++) {
        const char *name = ag_point_names[k];
        rc = tell(task, prefix, "mae_mm", name, score->error[k].mae, err);
        if (rc >= 0) rc = tell(task, prefix, "p95_mm", name, score->error[k].p95, err);
        if (rc >= 0) rc = tell(task, prefix, "coverage", name, score->interval[k].covered, err);
    }
    double answered = (double)(score->known - score->abstained), known = (double)score->known;
    if (rc >= 0) rc = tell(task, prefix, "failures", "", (double)score->failed / answered, err);
    return rc < 0 ? rc : tell(task, prefix, "abstained", "", (double)score->abstained / known, err);
}

/* A table of numbers hides from whoever sees it for the first time that nothing was learned. */
static void tell_failures(const ag_strategy_task *task, const ag_score *score)
{
    size_t answered = score->known - score->abstained, wrong = score->failed + score->abstained;
    if (answered && wrong * 4 < score->known) return;
    ag_strategy_remark(task,
                       "of %zu holes that a model had not seen %zu failed (another outcome, or a point more than 1 mm "
                       "off) and %zu got no answer: it has not learned enough. More epochs, a lower learning_rate or "
                       "more labels help",
                       score->known, score->failed, score->abstained);
}

int ag_drilling_score(ag_strategy_task *task, const char *prefix, const ag_prediction *answers,
                      const ag_known *const *known, size_t count, ag_err *err)
{
    ag_score score;
    ag_arena *arena = ag_arena_new(0);
    ag_score_case *cases = arena ? ag_arena_array(arena, count + 1, sizeof *cases) : NULL;
    const ag_score_case **all = arena ? ag_arena_array(arena, count + 1, sizeof *all) : NULL;
    int rc = cases && all ? 0 : ag_fail_memory(err, count * sizeof *cases);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        cases[i] = (ag_score_case){.known = *known[i], .said = answers[i], .tool_age = (double)NAN};
        all[i] = &cases[i];
    }
    if (rc >= 0) rc = ag_score_make(all, count, &(ag_score_options){0}, arena, &score, err);
    if (rc >= 0) tell_failures(task, &score);
    if (rc >= 0) rc = tell_all(task, prefix, &score, err);
    if (rc >= 0) rc = ag_drilling_confusion(task, prefix, &score.confusion, err);
    ag_arena_free(arena);
    return rc;
}
