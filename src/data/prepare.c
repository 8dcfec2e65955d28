// SPDX-License-Identifier: Apache-2.0
/* prepare.c: the plan and its parts. The files of the input, sorted, are cut into parts of at most PART_FILES files and
 * about PART_BYTES bytes; a thread takes one part after the other. A part is done when its record is there: samples
 * first, then the record, each replaced atomically. The record carries a fingerprint of the files (name, size, time of
 * change), the settings and the program, so that a later call knows whether it may take it up. What all parts together
 * decide (duplicates, reports) is made at the end, from the records alone. One call at a time per output directory. */
#include "data/prepare.h"

#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/made.h"
#include "core/io/npy.h"
#include "core/io/path.h"
#include "core/sys/thread.h"
#include "data/label/labelled.h"
#include "data/prepare_parts.h"

enum { PART_FILES = 64, PART_BYTES = 4 << 20 };

typedef struct part {
    size_t first, count; /* of the inputs */
    bool reused;
    ag_arena *arena; /* of its records */
    ag_prepared *records;
} part;

typedef struct plan {
    const ag_prepare_options *options;
    ag_limits limits;
    ag_arena *arena;
    ag_vec inputs; /* ag_prepare_input */
    ag_vec parts;  /* part */
    char *skipped; /* the output directory, when it lies inside the input; with '/' at its end */
} plan;

void ag_prepare_part_name(size_t number, char out[40])
{
    ag_format(out, 40, "signals/part-%05zu.npy", number);
}

static int add_input(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    plan *p = context;
    ag_str path = ag_str_of(relative), name = ag_path_name(path);
    if (name.size > 0 && name.data[0] == '.') return AG_OK;
    if (p->skipped && ag_str_starts(path, ag_str_of(p->skipped))) return AG_OK;
    int rc = ag_cancel_check(p->options->cancel, err);
    if (rc < 0) return rc;
    ag_prepare_input input = {
        .path = ag_arena_strdup(p->arena, relative), .size = info->size, .modified = info->modified};
    if (!input.path) return ag_fail_memory(err, path.size);
    return ag_vec_push(&p->inputs, &input, err);
}

/* Where the output lies inside the input, it is no input; one that is not there yet lies nowhere. */
static int find_skipped(plan *p, ag_err *err)
{
    char *input = NULL, *output = NULL;
    if (!ag_file_exists(p->options->output_dir)) return AG_OK;
    int rc = ag_path_absolute(p->arena, p->options->input_dir, &input, err);
    if (rc == AG_OK) rc = ag_path_absolute(p->arena, p->options->output_dir, &output, err);
    if (rc != AG_OK) return rc;
    size_t size = strlen(input);
    if (strcmp(input, output) == 0)
        return ag_fail(err, AG_EINVAL, "the output directory is the input directory '%s'", p->options->input_dir);
    if (strncmp(input, output, size) != 0 || output[size] != '/') return AG_OK;
    p->skipped = ag_arena_printf(p->arena, "%s/", output + size + 1);
    return p->skipped ? AG_OK : ag_fail_memory(err, size);
}

static int cut_parts(plan *p, ag_err *err)
{
    const ag_prepare_input *inputs = p->inputs.items;
    uint64_t bytes = 0;
    part current = {.first = 0};
    for (size_t i = 0; i < p->inputs.count; i++) {
        if (current.count > 0 && (current.count == PART_FILES || bytes + inputs[i].size > PART_BYTES)) {
            int rc = ag_vec_push(&p->parts, &current, err);
            if (rc < 0) return rc;
            current = (part){.first = i};
            bytes = 0;
        }
        current.count++;
        bytes += inputs[i].size;
    }
    return current.count > 0 ? ag_vec_push(&p->parts, &current, err) : AG_OK;
}

/* Of everything that decides the bytes of a part. */
static int fingerprint(const plan *p, const part *this, size_t number, char out[65], ag_err *err)
{
    const ag_prepare_input *inputs = p->inputs.items;
    ag_buf buf;
    ag_buf_init(&buf, (size_t)64 << 20);
    ag_buf_addf(&buf, "auger %s rows 2 part %zu validate %d label %d\n", AG_VERSION, number, (int)p->options->validate,
                (int)p->options->auto_label);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_WORDS);
    int rc = ag_describe_write(&ag_limits_description, &p->limits, &json);
    if (rc == AG_OK && p->options->reader) {
        json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_WORDS);
        rc = ag_describe_write(&ag_reader_options_description, p->options->reader, &json);
    }
    for (size_t i = this->first; i < this->first + this->count; i++)
        ag_buf_addf(&buf, "%s\n%llu %lld\n", inputs[i].path, (unsigned long long)inputs[i].size,
                    (long long)inputs[i].modified);
    ag_sha256 digest;
    if (rc == AG_OK) rc = ag_buf_check(&buf, "names in a part", err);
    if (rc == AG_OK) rc = ag_sha256_of(buf.data, buf.size, &digest, err);
    if (rc == AG_OK) ag_sha256_format(&digest, out);
    ag_buf_deinit(&buf);
    return rc;
}

static int make_part(plan *p, part *this, size_t number, ag_npy_writer *npy, ag_arena *work, ag_err *err)
{
    const ag_prepare_input *inputs = p->inputs.items;
    uint64_t rows = 0;
    for (size_t i = 0; i < this->count; i++) {
        const ag_prepare_input *input = &inputs[this->first + i];
        ag_prepared *record = &this->records[i];
        int32_t *samples;
        int rc = ag_cancel_check(p->options->cancel, err);
        ag_arena_reset(work);
        if (rc == AG_OK) rc = ag_prepare_file(p->options, &p->limits, input, work, this->arena, record, &samples, err);
        if (rc == AG_OK && samples) {
            record->part = (int64_t)number;
            record->first_row = (int64_t)rows;
            rows += (uint64_t)record->rows;
            rc = ag_npy_writer_add(npy, samples, (uint64_t)record->rows, err);
        }
        if (rc < 0) return rc;
        ag_progress_add(p->options->progress, 1, input->size);
    }
    return AG_OK;
}

/* What the operating system refused then may be there now. */
static bool holds_errors(const part *this)
{
    for (size_t i = 0; i < this->count; i++)
        if (this->records[i].status == AG_PREPARED_ERROR) return true;
    return false;
}

static void reuse_part(plan *p, part *this)
{
    const ag_prepare_input *inputs = p->inputs.items;
    this->reused = true;
    for (size_t i = 0; i < this->count; i++) ag_progress_add(p->options->progress, 1, inputs[this->first + i].size);
}

static int do_part(void *context, size_t index, ag_err *err)
{
    plan *p = context;
    part *this = ag_vec_at(&p->parts, index);
    static const uint64_t row_shape[] = {AG_CHANNEL_COUNT};
    char print[65], name[40];
    ag_npy_writer *npy = NULL;
    ag_arena *work = ag_arena_new(0);
    this->arena = ag_arena_new(0);
    int rc = work && this->arena ? AG_OK : ag_fail_memory(err, 4096);
    if (rc < 0) goto out;
    this->records = ag_arena_array(this->arena, this->count, sizeof(*this->records));
    ag_prepare_part_name(index, name);
    char *signals = ag_path_join(this->arena, p->options->output_dir, name);
    char *record = ag_arena_printf(this->arena, "%s/.prepare/part-%05zu.json", p->options->output_dir, index);
    rc = this->records && signals && record ? AG_OK : ag_fail_memory(err, 4096);
    if (rc == AG_OK) rc = fingerprint(p, this, index, print, err);
    if (rc < 0) goto out;
    if (ag_file_exists(signals) && ag_prepare_load_part(record, print, this->arena, this->records, this->count) &&
        !holds_errors(this)) {
        reuse_part(p, this);
        goto out;
    }
    rc = ag_npy_writer_open(signals, AG_NPY_INT32, row_shape, 1, &npy, err);
    if (rc == AG_OK) rc = make_part(p, this, index, npy, work, err);
    if (rc == AG_OK) rc = ag_npy_writer_commit(npy, err);
    if (rc == AG_OK) rc = ag_prepare_save_part(record, print, this->records, this->count, err);
out:
    ag_npy_writer_free(npy);
    ag_arena_free(work);
    return rc;
}

static const char *copy_text(ag_arena *arena, const char *text)
{
    return text ? ag_arena_strdup(arena, text) : NULL;
}

/* Texts move from the part's arena into the caller's. */
static int keep_record(ag_arena *arena, ag_prepared *record, ag_err *err)
{
    for (size_t i = 0; i < ag_prepared_description.count; i++) {
        const ag_field *field = &ag_prepared_description.fields[i];
        if (field->type != AG_FIELD_TEXT) continue;
        const char **text = (const char **)(void *)((char *)record + field->offset);
        const char *copy = copy_text(arena, *text);
        if (*text && !copy) return ag_fail_memory(err, strlen(*text));
        *text = copy;
    }
    return AG_OK;
}

static int collect(plan *p, ag_prepare_summary *out, ag_err *err)
{
    ag_prepare_summary summary = {.parts = p->parts.count};
    summary.holes = ag_arena_array(p->arena, p->inputs.count + 1, sizeof(*summary.holes));
    if (!summary.holes) return ag_fail_memory(err, p->inputs.count * sizeof(*summary.holes));
    for (size_t i = 0; i < p->parts.count; i++) {
        const part *this = ag_vec_at(&p->parts, i);
        summary.parts_reused += this->reused;
        for (size_t k = 0; k < this->count; k++) {
            ag_prepared *record = &summary.holes[summary.count];
            *record = this->records[k];
            summary.by_status[record->status]++;
            if (record->status == AG_PREPARED_IGNORED) continue;
            int rc = keep_record(p->arena, record, err);
            if (rc < 0) return rc;
            summary.count++;
            summary.rows += (uint64_t)record->rows;
            summary.bytes += (uint64_t)record->bytes;
        }
    }
    *out = summary;
    return AG_OK;
}

/* The first file with each key; later ones point to it. */
static int find_twins(ag_prepare_summary *summary, bool traces, ag_err *err)
{
    ag_map *seen = ag_map_new();
    if (!seen) return ag_fail_memory(err, 64);
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < summary->count; i++) {
        ag_prepared *record = &summary->holes[i];
        const char *key = traces ? record->trace_sha256 : record->sha256;
        if (!key || !*key || (traces && record->duplicate_of)) continue;
        const ag_prepared *first = ag_map_get(seen, ag_str_of(key));
        if (!first) {
            rc = ag_map_put(seen, ag_str_of(key), record, NULL, err);
        } else if (traces) {
            record->same_trace_as = first->path;
            summary->same_traces++;
        } else {
            record->duplicate_of = first->path;
            summary->duplicates++;
        }
    }
    ag_map_free(seen);
    return rc;
}

/* And asks whether the files that come last can be written. */
static int make_directories(const ag_prepare_options *options, ag_arena *arena, ag_err *err)
{
    static const char *const written[] = {"holes.csv", "labels.csv", "quality.json", "quality.html", "manifest.json"};
    char *work = ag_path_join(arena, options->output_dir, ".prepare");
    char *signals = ag_path_join(arena, options->output_dir, "signals");
    if (!work || !signals) return ag_fail_memory(err, 4096);
    int rc = ag_dir_make(work, err);
    if (rc == AG_OK) rc = ag_dir_make(signals, err);
    for (size_t i = 0; i < sizeof written / sizeof *written && rc == AG_OK; i++) {
        const char *path = ag_path_join(arena, options->output_dir, written[i]);
        rc = path ? ag_replace_check(path, err) : ag_fail_memory(err, 4096);
    }
    return rc;
}

/* Parts of an earlier, larger input, and what a killed call left behind. */
static int remove_stale(const ag_prepare_options *options, const char *folder, const char *ending, size_t parts,
                        ag_arena *arena, ag_err *err)
{
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    char *path = ag_path_join(arena, options->output_dir, folder);
    int rc = path ? ag_dir_list(path, arena, &names, err) : ag_fail_memory(err, 4096);
    for (size_t i = 0; rc == AG_OK && i < names.count; i++) {
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        uint64_t number = 0;
        ag_str rest = ag_str_of(name);
        bool is_part = ag_str_starts(rest, AG_STR("part-")) && ag_str_ends(rest, ag_str_of(ending)) &&
                       ag_str_to_uint(ag_str_slice(rest, 5, rest.size - 5 - strlen(ending)), &number);
        if (!ag_file_is_temporary(name) && !(is_part && number >= parts)) continue;
        char *file = ag_path_join(arena, path, name);
        rc = file ? ag_file_remove(file, err) : ag_fail_memory(err, 4096);
    }
    ag_vec_deinit(&names);
    return rc;
}

/* What people said of these holes in an earlier dataset of this directory still counts. */
static int write_labels(const ag_prepare_options *options, const ag_prepare_summary *summary, const char *path,
                        ag_arena *arena, ag_err *err)
{
    ag_prepared_set prepared = {.dir = options->output_dir, .holes = summary->holes, .count = summary->count};
    ag_labelled_set set;
    ag_lock *lock = NULL;
    int rc = ag_label_lock(options->output_dir, &lock, err);
    if (rc == AG_OK) rc = ag_labelled_make(&prepared, arena, &set, err);
    if (rc == AG_OK && (options->auto_label || set.history.count > 0))
        rc = ag_labelled_write_table(&set, path, err);
    else if (rc == AG_OK && ag_file_exists(path))
        rc = ag_file_remove(path, err);
    ag_lock_release(lock);
    return rc;
}

static int write_outputs(const ag_prepare_options *options, const ag_prepare_summary *summary, ag_arena *arena,
                         ag_err *err)
{
    char *holes = ag_path_join(arena, options->output_dir, "holes.csv");
    char *labels = ag_path_join(arena, options->output_dir, "labels.csv");
    if (!holes || !labels) return ag_fail_memory(err, 4096);
    int rc = ag_prepare_write_holes(holes, summary, err);
    if (rc == AG_OK) rc = write_labels(options, summary, labels, arena, err);
    if (rc == AG_OK) rc = ag_quality_write(options->output_dir, options, summary, err);
    if (rc == AG_OK) rc = ag_prepare_write_manifest(options->output_dir, options, summary, err);
    return rc;
}

/* Nothing to prepare: a wrong folder, most often. */
static int refuse(const plan *p, ag_err *err)
{
    size_t others = p->inputs.count;
    ag_fail(err, AG_ENOTFOUND, "there are no drilling files in '%s': %s", p->options->input_dir,
            others ? "none of the files there is one" : "it holds no files");
    return ag_err_hint(err,
                       "name the folder that holds them (files of Setitec units, MQTT messages, tables with position, "
                       "torque and thrust; subfolders are looked through); 'auger inspect FILE' tells what a file is");
}

static int list_inputs(plan *p, ag_err *err)
{
    int rc = find_skipped(p, err);
    ag_progress_stage(p->options->progress, "listing");
    if (rc == AG_OK) rc = ag_dir_walk_inputs(p->options->input_dir, add_input, p, err);
    if (rc == AG_OK && p->inputs.count == 0) rc = refuse(p, err);
    return rc == AG_OK ? cut_parts(p, err) : rc;
}

static int run_plan(plan *p, ag_prepare_summary *out, ag_err *err)
{
    const ag_prepare_options *options = p->options;
    ag_pool *pool = NULL;
    int rc = remove_stale(options, "signals", ".npy", p->parts.count, p->arena, err);
    if (rc == AG_OK) rc = remove_stale(options, ".prepare", ".json", p->parts.count, p->arena, err);
    ag_progress_total(options->progress, p->inputs.count);
    ag_progress_stage(options->progress, "reading");
    if (rc == AG_OK) rc = ag_pool_new(options->jobs, &pool, err);
    if (rc == AG_OK) rc = ag_pool_for(pool, p->parts.count, do_part, p, options->cancel, err);
    ag_pool_free(pool);
    if (rc == AG_OK) rc = collect(p, out, err);
    if (rc == AG_OK) rc = find_twins(out, false, err);
    if (rc == AG_OK) rc = find_twins(out, true, err);
    if (rc == AG_OK && options->auto_label) rc = ag_prepare_compare_labels(out, options, p->arena, err);
    ag_progress_stage(options->progress, "reporting");
    return rc == AG_OK ? write_outputs(options, out, p->arena, err) : rc;
}

int ag_prepare(const ag_prepare_options *options, ag_arena *arena, ag_prepare_summary *out, ag_err *err)
{
    plan p = {.options = options, .arena = arena};
    ag_lock *lock = NULL;
    ag_prepare_summary summary = {0};
    ag_vec_init(&p.inputs, sizeof(ag_prepare_input));
    ag_vec_init(&p.parts, sizeof(part));
    ag_file_info info;
    int rc = ag_file_stat(options->input_dir, &info, err);
    if (rc == AG_OK && !info.is_directory)
        rc = ag_fail(err, AG_EINVAL, "the input '%s' is not a directory", options->input_dir);
    if (rc == AG_OK && !options->limits) rc = ag_limits_default(&p.limits, err);
    if (options->limits) p.limits = *options->limits;
    if (rc == AG_OK) rc = list_inputs(&p, err);
    int missing = ag_dir_missing(options->output_dir);
    if (rc == AG_OK) rc = make_directories(options, arena, err);
    char *lock_path = ag_path_join(arena, options->output_dir, ".prepare/lock");
    if (rc == AG_OK && !lock_path) rc = ag_fail_memory(err, 4096);
    if (rc == AG_OK) rc = ag_lock_take(lock_path, 0, &lock, err);
    if (rc == AG_OK) rc = run_plan(&p, &summary, err);
    bool found = rc < 0 || summary.count > 0;
    for (size_t i = 0; i < p.parts.count; i++) ag_arena_free(((part *)ag_vec_at(&p.parts, i))->arena);
    ag_vec_deinit(&p.parts);
    ag_lock_release(lock);
    if (!found) rc = refuse(&p, err);
    if (!found && missing && ag_dir_remove(options->output_dir, NULL) >= 0)
        ag_dir_unmake(options->output_dir, missing); /* what is above it */
    ag_vec_deinit(&p.inputs);
    if (rc == AG_OK) *out = summary;
    return rc;
}
