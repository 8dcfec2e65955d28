// SPDX-License-Identifier: Apache-2.0
/* exec.c: the strategy "exec". The program works in OUTPUT/work and its model appears in OUTPUT/model only when all
 * went well, so that a failed training spoils no earlier one. Its stderr goes to OUTPUT/training.log. It belongs to a
 * process group of its own, which ends with it or with us; a program whose Auger was killed finds its stdout closed.
 * The model directory is data: what it says of commands is never run, only what the user's configuration names. */
#include <string.h>

#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/folder.h"
#include "learn/strategies/exec.h"
#include "learn/strategies/list.h"
#include "learn/strategy_made.h"
#include "learn/strategy_tools.h"

#define LOG_FILE "training.log"

enum { MAX_TEXT = 64 << 20 };

typedef struct exec {
    ag_exec_data data;
    const char *program;
    ag_sha256 digest;
    ag_exec_places places;
    const char *work;
} exec;

/* ---- before it begins ---- */

static int see_data(exec *e, ag_strategy_task *task, ag_err *err)
{
    int rc = ag_folder_read(task->data_dir, task->cancel, task->arena, NULL, &e->digest, err);
    if (rc >= 0) rc = ag_strategy_tell_links(task, err);
    if (rc < 0) return rc;
    ag_str name = ag_path_name(ag_str_of(e->places.data_dir));
    ag_strategy_dataset dataset = {.name = ag_arena_strndup(task->arena, name.data, name.size),
                                   .path = e->places.data_dir,
                                   .context = "training",
                                   .digest = e->digest};
    return dataset.name ? ag_strategy_dataset_seen(task, &dataset, err) : ag_fail_memory(err, name.size);
}

/* Absolute paths: the program may begin elsewhere. */
static int find_places(exec *e, ag_strategy_task *task, ag_err *err)
{
    char *data = NULL, *output = NULL;
    ag_arena *arena = task->arena;
    int rc = ag_path_absolute(arena, task->data_dir, &data, err);
    if (rc >= 0) rc = ag_path_absolute(arena, task->output_dir, &output, err);
    if (rc < 0) return rc;
    e->work = ag_path_join(arena, output, "work");
    e->places = (ag_exec_places){.data_dir = data,
                                 .config = e->work ? ag_path_join(arena, e->work, "config.json") : NULL,
                                 .model_dir = e->work ? ag_path_join(arena, e->work, "model") : NULL,
                                 .checkpoint_dir = ag_path_join(arena, output, "checkpoints"),
                                 .log = ag_path_join(arena, output, LOG_FILE),
                                 .jobs = task->jobs,
                                 .resume = task->resume,
                                 .seed = task->settings->seed};
    bool whole = e->places.config && e->places.model_dir && e->places.checkpoint_dir && e->places.log;
    return whole ? 0 : ag_fail_memory(err, strlen(output));
}

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    exec *e = state;
    int rc = ag_settings_data(task->settings, &ag_exec_data_description, task->arena, &e->data, err);
    if (rc < 0) return rc;
    e->program = ((const char *const *)e->data.command.items)[0];
    task->data = &e->data;
    if ((rc = find_places(e, task, err)) < 0) return rc;
    return see_data(e, task, err);
}

static int write_config(const exec *e, const ag_strategy_task *task, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_TEXT);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_WORDS);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(&json, "data_dir", e->places.data_dir);
    ag_json_put_text(&json, "model_dir", e->places.model_dir);
    ag_json_put_text(&json, "checkpoint_dir", e->places.checkpoint_dir);
    ag_json_put_bool(&json, "resume", e->places.resume);
    ag_json_put_int(&json, "jobs", (int64_t)e->places.jobs);
    ag_json_name(&json, "parameters");
    if (e->data.parameters)
        ag_json_value(&json, e->data.parameters);
    else
        ag_json_null(&json);
    ag_json_name(&json, "configuration");
    ag_json_value(&json, task->effective);
    ag_json_end_object(&json);
    int rc = ag_json_file_write(&json, e->places.config, err);
    ag_buf_deinit(&text);
    return rc;
}

static int make_places(exec *e, ag_strategy_task *task, ag_err *err)
{
    int rc = ag_dir_remove(e->work, err);
    if (rc >= 0 && !task->resume && ag_file_exists(e->places.log)) rc = ag_file_remove(e->places.log, err);
    if (rc >= 0) rc = ag_dir_make(e->places.model_dir, err);
    if (rc >= 0) rc = ag_dir_make(e->places.checkpoint_dir, err);
    if (rc >= 0 && e->data.data == 1) {
        const char *copy = ag_path_join(task->arena, e->work, "data");
        rc = copy ? ag_folder_copy(e->places.data_dir, copy, task->cancel, err) : ag_fail_memory(err, strlen(e->work));
        e->places.data_dir = copy;
    }
    return rc < 0 ? rc : write_config(e, task, err);
}

/* ---- while it works ---- */

static int follow(exec *e, ag_process *process, ag_exec_lines *lines, ag_cancel *cancel, ag_err *err)
{
    ag_str line;
    char how[64];
    ag_process_end end;
    int rc;
    while ((rc = ag_process_line(process, cancel, e->data.silence, &line, err)) > 0)
        if ((rc = ag_exec_lines_take(lines, ag_process_lines(process), line, err)) < 0) return rc;
    if (rc >= 0) rc = ag_process_wait(process, cancel, &end, err);
    if (rc < 0 || end.code == 0) return rc;
    ag_process_end_format(&end, how);
    return ag_exec_fail(e->places.log, err, AG_EIO, "%s ended with %s", e->program, how);
}

/* Within `timeout`, which is told apart from a stop that somebody asked for. */
static int follow_in_time(exec *e, ag_process *process, ag_exec_lines *lines, ag_cancel *outer, ag_err *err)
{
    ag_cancel *cancel = NULL;
    int rc = ag_cancel_new(outer, &cancel, err);
    if (rc < 0) return rc;
    if (e->data.timeout > 0) ag_cancel_deadline(cancel, ag_monotonic() + e->data.timeout);
    rc = follow(e, process, lines, cancel, err);
    if (rc == AG_ETIMEOUT && !ag_cancelled(outer) && ag_cancelled(cancel)) {
        char time[32];
        ag_duration_format(e->data.timeout, time);
        ag_fail(err, AG_ETIMEOUT, "%s has not ended within %s (data_config.timeout)", e->program, time);
    }
    ag_cancel_free(cancel);
    return rc;
}

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    exec *e = state;
    ag_arena *arena = NULL;
    ag_process *process = NULL;
    ag_exec_lines lines = {0};
    ag_train_monitor monitor = {0};
    ag_strategy_training done = {.name = "model"};
    int rc = make_places(e, task, err);
    if (rc >= 0) rc = ag_strategy_training_begin(task, done.name, 0, 1, &arena, &monitor, err);
    if (rc >= 0) rc = ag_exec_lines_init(&lines, task, e->program, &monitor, arena, err);
    if (rc >= 0) rc = ag_exec_start(&e->data, &e->data.command, &e->places, false, arena, &process, err);
    if (rc >= 0) rc = follow_in_time(e, process, &lines, task->cancel, err);
    ag_process_free(process);
    if (rc >= 0) done.result = ag_exec_lines_result(&lines);
    done.result.resumed = task->resume;
    ag_exec_lines_deinit(&lines);
    return rc < 0 ? rc : ag_strategy_training_end(task, &done, err);
}

/* Its results are what it has said of itself; that there is a model is all that can be checked here. */
static int validate(void *state, ag_strategy_task *task, ag_err *err)
{
    const exec *e = state;
    ag_vec files;
    ag_vec_init(&files, sizeof(ag_folder_file));
    int rc = ag_folder_read(e->places.model_dir, task->cancel, task->arena, &files, NULL, err);
    if (rc == AG_ENOTFOUND) {
        ag_exec_fail(e->places.log, err, AG_ENOTFOUND, "%s ended well and left no model", e->program);
        ag_err_hint(err, "it must write its files into the directory that AUGER_MODEL_DIR names");
    }
    for (size_t i = 0; i < files.count && rc >= 0; i++)
        if (strcmp(((const ag_folder_file *)ag_vec_at(&files, i))->path, AG_STRATEGY_FILE) == 0)
            rc = ag_fail(err, AG_EEXISTS, "%s left a file " AG_STRATEGY_FILE ": this name is ours", e->program);
    ag_vec_deinit(&files);
    return rc;
}

/* ---- its model ---- */

static void describe_files(ag_json *json, const ag_vec *files)
{
    char hex[65];
    ag_json_name(json, "files");
    ag_json_begin_array(json);
    for (size_t i = 0; i < files->count; i++) {
        const ag_folder_file *file = ag_vec_at(files, i);
        ag_sha256_format(&file->digest, hex);
        ag_json_begin_object(json);
        ag_json_put_text(json, "path", file->path);
        ag_json_put_int(json, "size", (int64_t)file->size);
        ag_json_put_text(json, "sha256", hex);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static int describe(const exec *e, const ag_strategy_task *task, const ag_vec *files, const char *path, ag_err *err)
{
    char hex[65];
    ag_buf text;
    ag_buf_init(&text, AG_JSON_MAX_BYTES);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_NULL);
    ag_sha256_format(&e->digest, hex);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(&json, "strategy", "exec");
    ag_json_put_text(&json, "data_sha256", hex);
    describe_files(&json, files);
    ag_strategy_describe(&json, task);
    ag_json_end_object(&json);
    int rc = ag_json_file_write(&json, path, err);
    ag_buf_deinit(&text);
    return rc;
}

/* The new one stands in the place of the old one, or the old one stays. */
static int swap(const exec *e, ag_arena *arena, const char *directory, ag_err *err)
{
    const char *old = ag_path_join(arena, e->work, "old");
    if (!old) return ag_fail_memory(err, strlen(e->work));
    bool had = ag_file_exists(directory);
    int rc = had ? ag_file_rename(directory, old, err) : 0;
    if (rc < 0) return rc;
    rc = ag_file_rename(e->places.model_dir, directory, err);
    if (rc < 0 && had && !ag_file_exists(directory)) (void)ag_file_rename(old, directory, NULL);
    return rc;
}

static int export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    exec *e = state;
    ag_vec files;
    ag_vec_init(&files, sizeof(ag_folder_file));
    const char *path = ag_path_join(task->arena, e->places.model_dir, AG_STRATEGY_FILE);
    int rc = path ? ag_folder_read(e->places.model_dir, task->cancel, task->arena, &files, NULL, err)
                  : ag_fail_memory(err, strlen(e->work));
    if (rc >= 0) rc = describe(e, task, &files, path, err);
    if (rc >= 0) rc = swap(e, task->arena, directory, err);
    if (rc >= 0) rc = ag_dir_remove(e->work, err);
    ag_vec_deinit(&files);
    return rc;
}

static void close_all(void *state)
{
    (void)state;
}

const ag_strategy ag_strategy_exec = {
    .name = "exec",
    .doc = "any program: it is given data and a configuration, prints metrics as JSON lines, and leaves a model",
    .data = &ag_exec_data_description,
    .state_size = sizeof(exec),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .own_loop = true,
    .prepare = prepare,
    .train = train,
    .validate = validate,
    .export = export,
    .close = close_all,
};
