// SPDX-License-Identifier: Apache-2.0
/* training_load.c: finding, verifying and reading training checkpoints. A checkpoint counts when every file that its
 * manifest names has the size and the hash that stand there; so a flipped bit, a cut file or an unfinished directory is
 * seen before a number of it is used. What then does not fit the model is another matter: that is told, not passed
 * over, because an older checkpoint would not fit either. */
#include <math.h>
#include <string.h>

#include "core/doc/json_file.h"
#include "core/io/path.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/checkpoint/training_parts.h"

int ag_training_read_json(ag_arena *arena, const char *directory, const char *name, const ag_value **out, ag_err *err)
{
    const char *path = ag_path_join(arena, directory, name);
    const ag_json_options options = {.max_bytes = AG_TRAINING_MAX_TEXT, .nonfinite = AG_JSON_NONFINITE_WORDS};
    return path ? ag_json_file_read(arena, path, &options, out, err) : ag_fail_memory(err, strlen(name));
}

/* ---- finding ---- */

static bool step_of(const char *name, int64_t *out)
{
    ag_str text = ag_str_of(name);
    if (!ag_str_starts(text, AG_STR(AG_TRAINING_STEP)) || text.size != sizeof AG_TRAINING_STEP - 1 + 12) return false;
    return ag_str_to_int(ag_str_slice(text, sizeof AG_TRAINING_STEP - 1, 12), out) && *out >= 0;
}

static double score_of(ag_arena *arena, const char *path)
{
    const ag_value *state = NULL;
    double score;
    if (ag_training_read_json(arena, path, AG_TRAINING_STATE, &state, NULL) < 0) return (double)NAN;
    return ag_value_real(ag_value_get(state, "score"), &score) ? score : (double)NAN;
}

int ag_training_list(ag_arena *arena, const char *directory, ag_vec *found, ag_err *err)
{
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_file_exists(directory) ? ag_dir_list(directory, arena, &names, err) : 0;
    for (size_t i = 0; i < names.count && rc >= 0; i++) { /* sorted, and steps have the same width */
        ag_training_found one = {0};
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        if (!step_of(name, &one.step)) continue;
        if (!(one.path = ag_path_join(arena, directory, name))) {
            rc = ag_fail_memory(err, strlen(name));
            break;
        }
        one.score = score_of(arena, one.path);
        rc = ag_vec_push(found, &one, err);
    }
    ag_vec_deinit(&names);
    return rc;
}

/* ---- verifying ---- */

static int verify_file(ag_arena *arena, const char *directory, const ag_member *member, ag_err *err)
{
    int64_t wanted_size;
    uint64_t size;
    ag_str hex;
    ag_sha256 wanted, found;
    char *path = NULL;
    if (!ag_value_int(ag_value_get(&member->value, "size"), &wanted_size) ||
        !ag_value_string(ag_value_get(&member->value, "sha256"), &hex) || !ag_sha256_parse(hex, &wanted))
        return ag_fail(err, AG_ECORRUPT, "%s/" AG_TRAINING_MANIFEST " is not a manifest", directory);
    int rc = ag_path_under(arena, directory, member->name, &path, err);
    if (rc < 0 || (rc = ag_sha256_of_file(path, &found, &size, err)) < 0) return rc;
    if (size == (uint64_t)wanted_size && ag_sha256_equal(&wanted, &found)) return 0;
    return ag_fail(err, AG_ECORRUPT, "%s is not what was written", path);
}

static int verify(ag_arena *arena, const char *path, ag_err *err)
{
    static const char *const needed[] = {AG_WEIGHTS_FILE, AG_CONFIG_FILE, AG_TRAINING_OPTIMIZER, AG_TRAINING_STATE};
    const ag_value *manifest = NULL;
    int64_t format = 0;
    int rc = ag_training_read_json(arena, path, AG_TRAINING_MANIFEST, &manifest, err);
    if (rc < 0) return rc;
    const ag_value *files = ag_value_get(manifest, "files");
    if (!ag_value_int(ag_value_get(manifest, "format"), &format) || !files || files->kind != AG_OBJECT)
        return ag_fail(err, AG_ECORRUPT, "%s/" AG_TRAINING_MANIFEST " is not a manifest", path);
    if (format != AG_TRAINING_FORMAT)
        return ag_fail(err, AG_EUNSUPPORTED, "%s has format %lld; this version reads %d", path, (long long)format,
                       AG_TRAINING_FORMAT);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!ag_value_get(files, needed[i]))
            return ag_fail(err, AG_ECORRUPT, "%s/" AG_TRAINING_MANIFEST " does not name %s", path, needed[i]);
    for (size_t i = 0; i < files->object.count && rc >= 0; i++)
        rc = verify_file(arena, path, &files->object.members[i], err);
    return rc;
}

int ag_training_verify(const char *path, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? verify(arena, path, err) : ag_fail_memory(err, 64);
    ag_arena_free(arena);
    return rc;
}

/* ---- reading ---- */

static bool read_word(const ag_value *object, const char *name, uint64_t *out)
{
    ag_str text;
    return ag_value_string(ag_value_get(object, name), &text) && ag_str_to_uint(text, out);
}

static bool read_numbers(const ag_value *tree, ag_training_state *state)
{
    const ag_value *rng = ag_value_get(tree, "rng");
    double score;
    state->score = ag_value_real(ag_value_get(tree, "score"), &score) ? score : (double)NAN;
    return ag_value_int(ag_value_get(tree, "step"), &state->step) &&
           ag_value_int(ag_value_get(tree, "epoch"), &state->epoch) &&
           ag_value_int(ag_value_get(tree, "sample"), &state->sample) &&
           ag_value_int(ag_value_get(tree, "optimizer_steps"), &state->optimizer_steps) &&
           read_word(rng, "seed", &state->rng.seed) && read_word(rng, "stream", &state->rng.stream) &&
           read_word(rng, "index", &state->rng.index);
}

/* Optimiser and average are those that the caller trains with. */
static int check_parts(const ag_value *tree, const ag_training_state *state, ag_err *err)
{
    int64_t moments = -1;
    bool average = false;
    ag_str name;
    if (!ag_value_string(ag_value_get(tree, "optimizer"), &name) ||
        !ag_value_int(ag_value_get(tree, "moments"), &moments) ||
        !ag_value_bool(ag_value_get(tree, "average"), &average))
        return ag_fail(err, AG_ECORRUPT, AG_TRAINING_STATE " lacks the optimiser");
    if (!ag_str_is(name, state->optimizer) || moments != state->moments)
        return ag_fail(err, AG_EINVAL, "the checkpoint was made with the optimiser '%.*s', not with '%s'",
                       AG_STR_ARG(ag_str_slice(name, 0, 40)), state->optimizer);
    if (average != (state->average != NULL))
        return ag_fail(err, AG_EINVAL,
                       average ? "the checkpoint keeps a moving average of the weights, this training none"
                               : "the checkpoint has no moving average of the weights");
    return 0;
}

static int load_arrays(ag_arena *arena, const char *directory, const char *name, const ag_graph *graph,
                       ag_real *const *arrays, int count, bool prefixed, ag_err *err)
{
    const char *prefixes[AG_MAX_MOMENTS] = {""};
    const char *path = ag_path_join(arena, directory, name);
    ag_safetensors *file = NULL;
    for (int i = 0; prefixed && i < count; i++) prefixes[i] = ag_training_prefix(i);
    int rc = path ? ag_safetensors_open(path, &file, err) : ag_fail_memory(err, strlen(name));
    if (rc >= 0) rc = ag_tensors_match(file, graph, prefixes, count, err);
    for (int i = 0; i < count && rc >= 0; i++) ag_tensors_load(file, graph, prefixes[i], arrays[i]);
    if (rc < 0 && path && err && !*err->file) ag_err_place(err, path, 0, 0);
    ag_safetensors_free(file);
    return rc;
}

/* After a verification. */
static int load(ag_arena *arena, const char *path, ag_training_state *state, ag_err *err)
{
    const ag_value *tree = NULL;
    ag_training_state next = *state;
    ag_real *values[] = {state->values}, *average[] = {state->average}, *best[] = {state->best};
    int rc = ag_training_read_json(arena, path, AG_TRAINING_STATE, &tree, err);
    if (rc < 0 || (rc = check_parts(tree, state, err)) < 0) return rc;
    if (!read_numbers(tree, &next)) return ag_fail(err, AG_ECORRUPT, "%s/" AG_TRAINING_STATE " lacks a number", path);
    next.more = ag_value_get(tree, "more");
    if (next.more && next.more->kind == AG_NULL) next.more = NULL;
    rc = load_arrays(arena, path, AG_WEIGHTS_FILE, state->graph, values, 1, false, err);
    if (rc >= 0)
        rc = load_arrays(arena, path, AG_TRAINING_OPTIMIZER, state->graph, state->moment, state->moments, true, err);
    if (rc >= 0 && state->average)
        rc = load_arrays(arena, path, AG_TRAINING_AVERAGE, state->graph, average, 1, false, err);
    next.best_known = false;
    (void)ag_value_bool(ag_value_get(tree, "best"), &next.best_known);
    if (!state->best) next.best_known = false;
    if (rc >= 0 && next.best_known) rc = load_arrays(arena, path, AG_TRAINING_BEST, state->graph, best, 1, false, err);
    if (rc >= 0) *state = next;
    return rc;
}

int ag_training_load(ag_arena *arena, const char *path, ag_training_state *state, ag_err *err)
{
    int rc = verify(arena, path, err);
    return rc < 0 ? rc : load(arena, path, state, err);
}

/* Notes why a checkpoint does not count. Without memory for the note there is none to go on with either. */
static int pass_over(ag_arena *arena, const ag_err *why, ag_vec *passed_over, ag_err *err)
{
    char text[900];
    (void)ag_err_format(why, text, sizeof text);
    const char *copy = ag_arena_strdup(arena, text);
    if (!copy) return ag_fail_memory(err, strlen(text));
    return passed_over ? ag_vec_push(passed_over, &copy, err) : 0;
}

int ag_training_resume(ag_arena *arena, const char *directory, ag_training_state *state, const char **path,
                       ag_vec *passed_over, ag_err *err)
{
    ag_err why = {0};
    ag_vec found;
    ag_vec_init(&found, sizeof(ag_training_found));
    int rc = ag_training_list(arena, directory, &found, err);
    size_t left = found.count;
    while (rc >= 0 && left > 0) {
        const ag_training_found *one = ag_vec_at(&found, left - 1);
        int whole = verify(arena, one->path, &why);
        if (whole >= 0) {
            if ((rc = load(arena, one->path, state, err)) >= 0) {
                *path = one->path;
                rc = 1;
            }
            break;
        }
        if (whole == AG_ENOMEM || whole == AG_EUNSUPPORTED) {
            if (err) *err = why;
            rc = whole;
            break;
        }
        rc = pass_over(arena, &why, passed_over, err);
        left--;
    }
    if (rc == 0 && found.count) {
        rc = ag_fail(err, AG_ECORRUPT, "none of the %zu checkpoints in %s is whole; the last: %.200s", found.count,
                     directory, why.text);
        ag_err_hint(err, "begin anew in another directory, or restore one from a backup");
    }
    ag_vec_deinit(&found);
    return rc;
}
