// SPDX-License-Identifier: Apache-2.0
/* training_save.c: writing a training checkpoint, and letting old ones go.
 *
 * A checkpoint is written beside its place, under a name that nobody reads, each file forced to the disk, the manifest
 * last; then one rename puts it where it belongs. A kill leaves either the old state of the directory or the new one,
 * and perhaps an unfinished directory, which the next save removes. Removing goes the other way round: a rename to a
 * name that nobody reads, then the files. When a step is saved a second time (with its score, say) the old one steps
 * aside just before; a kill in between costs that step, not the ones before it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/io/path.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/checkpoint/training_parts.h"

#define UNFINISHED ".unfinished-"
#define GONE ".gone-"

typedef struct saving {
    const char *directory, *part; /* being written */
    ag_arena *arena;
    const ag_training_state *state;
    struct {
        const char *name;
        uint64_t size;
        ag_sha256 digest;
    } files[AG_TRAINING_FILES];
    int count;
} saving;

static const char *begin_file(saving *s, const char *name)
{
    s->files[s->count].name = name;
    return ag_path_join(s->arena, s->part, name);
}

static int write_text(saving *s, const char *name, const ag_buf *text, ag_err *err)
{
    const char *path = begin_file(s, name);
    if (!path) return ag_fail_memory(err, strlen(name));
    int rc = ag_sha256_of(text->data, text->size, &s->files[s->count].digest, err);
    s->files[s->count++].size = text->size;
    return rc < 0 ? rc : ag_file_replace(path, text->data, text->size, err);
}

/* Flat arrays with their prefixes as one file of tensors. */
static int write_arrays(saving *s, const char *name, ag_real *const *arrays, int count, bool prefixed, ag_err *err)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    ag_vec sources;
    ag_vec_init(&sources, sizeof(ag_tensor_source));
    const char *path = begin_file(s, name);
    int rc = path ? 0 : ag_fail_memory(err, strlen(name));
    for (int i = 0; i < count && rc >= 0; i++)
        rc = ag_tensors_describe(s->arena, s->state->graph, prefixed ? ag_training_prefix(i) : "", arrays[i], true,
                                 &sources, err);
    if (rc >= 0) {
        ag_safetensors_writing writing = {.tensors = sources.items,
                                          .count = sources.count,
                                          .metadata = metadata,
                                          .digest = &s->files[s->count].digest,
                                          .size = &s->files[s->count].size};
        rc = ag_safetensors_write(path, &writing, err);
    }
    s->count++;
    ag_vec_deinit(&sources);
    return rc;
}

static void put_word(ag_json *json, const char *name, uint64_t value)
{
    char text[24];
    ag_format(text, sizeof text, "%llu", (unsigned long long)value); /* as text: JSON's numbers end at 2^53 for many */
    ag_json_put_text(json, name, text);
}

static void state_json(ag_json *json, const ag_training_state *state)
{
    ag_json_begin_object(json);
    ag_json_put_int(json, "format", AG_TRAINING_FORMAT);
    ag_json_put_int(json, "step", state->step);
    ag_json_put_int(json, "epoch", state->epoch);
    ag_json_put_int(json, "sample", state->sample);
    ag_json_name(json, "score");
    isfinite(state->score) ? ag_json_real(json, state->score) : ag_json_null(json);
    ag_json_put_text(json, "optimizer", state->optimizer);
    ag_json_put_int(json, "optimizer_steps", state->optimizer_steps);
    ag_json_put_int(json, "moments", state->moments);
    ag_json_put_bool(json, "average", state->average != NULL);
    ag_json_put_bool(json, "best", state->best && state->best_known);
    ag_json_name(json, "rng");
    ag_json_begin_object(json);
    put_word(json, "seed", state->rng.seed);
    put_word(json, "stream", state->rng.stream);
    put_word(json, "index", state->rng.index);
    ag_json_end_object(json);
    ag_json_name(json, "more");
    state->more ? ag_json_value(json, state->more) : ag_json_null(json);
    ag_json_end_object(json);
}

static int write_state(saving *s, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, AG_TRAINING_MAX_TEXT);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_WORDS);
    state_json(&json, s->state);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0) rc = write_text(s, AG_TRAINING_STATE, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int write_config(saving *s, const ag_model_config *config, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, AG_CONFIG_MAX_BYTES);
    int rc = ag_model_config_write(config, &text, err);
    if (rc >= 0) rc = write_text(s, AG_CONFIG_FILE, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int write_manifest(saving *s, ag_err *err)
{
    const char *path = ag_path_join(s->arena, s->part, AG_TRAINING_MANIFEST);
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "format", AG_TRAINING_FORMAT);
    ag_json_name(&json, "files");
    ag_json_begin_object(&json);
    for (int i = 0; i < s->count; i++) {
        char digest[65];
        ag_sha256_format(&s->files[i].digest, digest);
        ag_json_name(&json, s->files[i].name);
        ag_json_begin_object(&json);
        ag_json_put_int(&json, "size", (int64_t)s->files[i].size);
        ag_json_put_text(&json, "sha256", digest);
        ag_json_end_object(&json);
    }
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    int rc = path ? ag_json_end_document(&json, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_file_replace(path, text.data, text.size, err);
    ag_buf_deinit(&text);
    return rc;
}

static int write_files(saving *s, const ag_model_config *config, ag_err *err)
{
    const ag_training_state *state = s->state;
    ag_real *values[] = {state->values}, *average[] = {state->average}, *best[] = {state->best};
    int rc = write_arrays(s, AG_WEIGHTS_FILE, values, 1, false, err);
    if (rc >= 0) rc = write_config(s, config, err);
    if (rc >= 0) rc = write_arrays(s, AG_TRAINING_OPTIMIZER, state->moment, state->moments, true, err);
    if (rc >= 0 && state->average) rc = write_arrays(s, AG_TRAINING_AVERAGE, average, 1, false, err);
    if (rc >= 0 && state->best && state->best_known) rc = write_arrays(s, AG_TRAINING_BEST, best, 1, false, err);
    if (rc >= 0) rc = write_state(s, err);
    return rc < 0 ? rc : write_manifest(s, err);
}

/* ---- letting go ---- */

/* Takes a checkpoint out of sight with one rename, then removes its files. */
static int remove_one(ag_arena *arena, const char *directory, const char *path, ag_err *err)
{
    ag_str name = ag_path_name(ag_str_of(path));
    const char *gone = ag_arena_printf(arena, "%s/" GONE "%.*s", directory, AG_STR_ARG(name));
    if (!gone) return ag_fail_memory(err, name.size);
    int rc = ag_dir_remove(gone, err);
    if (rc >= 0) rc = ag_file_rename(path, gone, err);
    return rc < 0 ? rc : ag_dir_remove(gone, err);
}

/* What killed processes left. */
static int sweep(ag_arena *arena, const char *directory, ag_err *err)
{
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_dir_list(directory, arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        bool left = ag_str_starts(ag_str_of(name), AG_STR(UNFINISHED)) || ag_str_starts(ag_str_of(name), AG_STR(GONE));
        const char *path = left ? ag_path_join(arena, directory, name) : NULL;
        if (left) rc = path ? ag_dir_remove(path, err) : ag_fail_memory(err, strlen(name));
    }
    ag_vec_deinit(&names);
    return rc;
}

/* How many others have a better score (an equal one that is older counts as better). */
static int rank_of(const ag_vec *found, size_t index)
{
    const ag_training_found *self = ag_vec_at(found, index);
    int better = 0;
    for (size_t i = 0; i < found->count; i++) {
        const ag_training_found *other = ag_vec_at(found, i);
        if (isnan(other->score) || i == index) continue;
        better += isnan(self->score) || other->score < self->score || (other->score == self->score && i < index);
    }
    return better;
}

static int prune(ag_arena *arena, const char *directory, const ag_training_keep *keep, ag_err *err)
{
    size_t last = keep && keep->last > 0 ? (size_t)keep->last : 3;
    int best = keep && keep->best > 0 ? keep->best : 1;
    ag_vec found;
    ag_vec_init(&found, sizeof(ag_training_found));
    int rc = ag_training_list(arena, directory, &found, err);
    for (size_t i = 0; rc >= 0 && i + last < found.count; i++) {
        const ag_training_found *one = ag_vec_at(&found, i);
        bool good = !isnan(one->score) && rank_of(&found, i) < best;
        if (!good) rc = remove_one(arena, directory, one->path, err);
    }
    ag_vec_deinit(&found);
    return rc;
}

/* ---- the whole ---- */

static int publish(const saving *s, const char *final, ag_err *err)
{
    int rc = ag_dir_sync(s->part, err);
    if (rc >= 0 && ag_file_exists(final)) rc = remove_one(s->arena, s->directory, final, err);
    return rc < 0 ? rc : ag_file_rename(s->part, final, err);
}

static int check(const ag_training_state *state, ag_err *err)
{
    if (state->step < 0 || state->step > INT64_C(999999999999))
        return ag_fail(err, AG_EINVAL, "step %lld cannot be saved", (long long)state->step);
    if (state->moments < 0 || state->moments > AG_MAX_MOMENTS)
        return ag_fail(err, AG_EINVAL, "an optimiser with %d arrays cannot be saved", state->moments);
    return 0;
}

int ag_training_save(const char *directory, const ag_model_config *config, const ag_training_state *state,
                     const ag_training_keep *keep, ag_err *err)
{
    ag_lock *lock = NULL;
    saving s = {.directory = directory, .state = state, .arena = ag_arena_new(0)};
    int rc = s.arena ? check(state, err) : ag_fail_memory(err, 64);
    if (rc < 0) goto out;
    s.part = ag_arena_printf(s.arena, "%s/" UNFINISHED "%012lld", directory, (long long)state->step);
    const char *final = ag_arena_printf(s.arena, "%s/" AG_TRAINING_STEP "%012lld", directory, (long long)state->step);
    const char *locked = ag_path_join(s.arena, directory, ".lock");
    if (!s.part || !final || !locked) {
        rc = ag_fail_memory(err, strlen(directory));
        goto out;
    }
    if ((rc = ag_dir_make(directory, err)) < 0 || (rc = ag_lock_take(locked, 0, &lock, err)) < 0) goto out;
    if ((rc = sweep(s.arena, directory, err)) < 0 || (rc = ag_dir_make(s.part, err)) < 0) goto out;
    if ((rc = write_files(&s, config, err)) < 0 || (rc = publish(&s, final, err)) < 0) goto out;
    rc = prune(s.arena, directory, keep, err);
out:
    if (rc < 0) ag_err_prefix(err, "checkpoint of step %lld", (long long)state->step);
    if (lock) ag_lock_release(lock);
    ag_arena_free(s.arena);
    return rc;
}
