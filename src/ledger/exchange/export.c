// SPDX-License-Identifier: Apache-2.0
/* export.c: what all exports have in common: which runs, page by page, histories in pieces, files in constant memory,
 * and a target that appears at the end. */
#include "ledger/exchange/export.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/artifact.h"

enum { RUNS_AT_ONCE = 100, POINTS_AT_ONCE = 10000, EXPERIMENTS_AT_ONCE = 1000 };

void ag_export_skip(ag_export *e, const char *what, const char *format, ...)
{
    char why[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    e->result.skipped++;
    if (e->options->skipped) e->options->skipped(e->options->context, what, why);
}

int ag_export_points(ag_export *e, const char *run_id, const char *key, ag_export_points_fn take, void *context,
                     ag_err *err)
{
    ag_str token = AG_STR("");
    ag_arena *arena = ag_arena_new(0), *next = ag_arena_new(0);
    int rc = arena && next ? AG_OK : ag_fail_memory(err, 1);
    do {
        ag_points points = {0};
        if (rc >= 0) rc = ag_cancel_check(e->options->cancel, err);
        if (rc >= 0) {
            rc = ag_metric_history(e->ledger, ag_str_of(run_id), ag_str_of(key), POINTS_AT_ONCE, token, next, &points,
                                   err);
        }
        if (rc >= 0) rc = take(context, points.items, points.count, err);
        e->result.points += points.count;
        token = ag_str_of(points.next);
        ag_arena *done = arena; /* the token lives in the newer one */
        arena = next;
        next = done;
        if (next) ag_arena_reset(next);
    } while (rc >= 0 && token.size);
    ag_arena_free(arena);
    ag_arena_free(next);
    return rc;
}

int ag_export_files(ag_export *e, const char *id, const char *uri, const char *directory, ag_err *err)
{
    ag_artifact_place place;
    ag_tree *to = NULL;
    ag_err why = {0};
    ag_tree_copy copy = {.cancel = e->options->cancel};
    if (e->options->no_artifacts) return AG_OK;
    int rc = ag_artifact_resolve(e->ledger, uri, AG_STR(""), e->piece, &place, &why);
    if (rc >= 0) rc = ag_tree_open(directory, e->options->cancel, &to, &why);
    if (rc >= 0) rc = ag_tree_copy_all(&copy, place.tree, place.path, to, "", &why);
    ag_tree_close(to);
    e->result.files += copy.files;
    e->result.bytes += copy.bytes;
    if (rc >= 0 || rc == AG_ENOTFOUND) return AG_OK;
    if (rc == AG_EDENIED || rc == AG_EINVAL || rc == AG_EUNAVAILABLE) {
        ag_export_skip(e, id, "its files at %s: %s", uri, why.text);
        return AG_OK;
    }
    if (err) *err = why;
    return rc;
}

const char *ag_export_file_name(ag_arena *arena, const char *name)
{
    char *text = ag_arena_strndup(arena, name, ag_utf8_cut(ag_str_of(name), 120));
    if (!text) return NULL;
    for (char *at = text; *at; at++) {
        if ((unsigned char)*at < ' ' || strchr("/\\:*?\"<>|%", *at)) *at = '_';
    }
    if (text[0] == '.') text[0] = '_';
    return *text ? text : "_";
}

/* ---- which runs ---- */

static int take_page(ag_export *e, const ag_export_format *format, const ag_experiment *experiment, ag_str token,
                     ag_arena *arena, ag_runs *found, ag_err *err)
{
    ag_str id = ag_str_of(experiment->id), order = AG_STR("start_time ASC");
    ag_page_request page = {.filter = e->options->filter,
                            .order_by = &order,
                            .order_count = 1,
                            .max_results = RUNS_AT_ONCE,
                            .token = token};
    ag_view view = format->deleted ? AG_VIEW_ALL : AG_VIEW_ACTIVE;
    int rc = ag_run_search(e->ledger, &id, 1, view, &page, arena, found, err);
    for (size_t i = 0; i < found->count && rc >= 0; i++) {
        rc = ag_cancel_check(e->options->cancel, err);
        if (rc >= 0) rc = format->run(e, experiment, &found->items[i], err);
        e->result.runs++;
        ag_progress_add(e->options->progress, 1, 0);
        ag_arena_reset(e->piece);
    }
    return rc;
}

/* A page's token lives as long as the page, so two arenas take turns. */
static int take_runs(ag_export *e, const ag_export_format *format, const ag_experiment *experiment, ag_err *err)
{
    ag_str token = AG_STR("");
    ag_arena *arena = ag_arena_new(0), *next = ag_arena_new(0);
    int rc = arena && next ? AG_OK : ag_fail_memory(err, 1);
    do {
        ag_runs found = {0};
        if (rc >= 0) rc = take_page(e, format, experiment, token, next, &found, err);
        token = ag_str_of(found.next);
        ag_arena *done = arena;
        arena = next;
        next = done;
        if (next) ag_arena_reset(next);
    } while (rc >= 0 && token.size);
    ag_arena_free(arena);
    ag_arena_free(next);
    return rc;
}

static int take_experiment(ag_export *e, const ag_export_format *format, const ag_experiment *experiment, ag_err *err)
{
    int rc = format->experiment ? format->experiment(e, experiment, err) : AG_OK;
    e->result.experiments++;
    return rc < 0 ? rc : take_runs(e, format, experiment, err);
}

static int take_all(ag_export *e, const ag_export_format *format, ag_err *err)
{
    ag_str token = AG_STR("");
    int rc;
    do {
        ag_experiments found = {0};
        ag_page_request page = {.max_results = EXPERIMENTS_AT_ONCE, .token = token};
        ag_view view = format->deleted ? AG_VIEW_ALL : AG_VIEW_ACTIVE;
        rc = ag_experiment_search(e->ledger, view, &page, e->arena, &found, err);
        for (size_t i = 0; i < found.count && rc >= 0; i++) rc = take_experiment(e, format, &found.items[i], err);
        token = ag_str_of(found.next);
    } while (rc >= 0 && token.size);
    return rc;
}

static int take_named(ag_export *e, const ag_export_format *format, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < e->options->experiment_count && rc >= 0; i++) {
        ag_experiment experiment;
        rc = ag_experiment_get(e->ledger, e->options->experiments[i], e->arena, &experiment, err);
        if (rc >= 0) rc = take_experiment(e, format, &experiment, err);
    }
    return rc;
}

int ag_export_run(ag_ledger *ledger, const char *directory, const ag_export_options *options,
                  const ag_export_format *format, ag_export_result *out, ag_err *err)
{
    ag_export e = {.ledger = ledger, .options = options, .arena = ag_arena_new(0), .piece = ag_arena_new(0)};
    char *real = NULL;
    int rc = e.arena && e.piece ? AG_OK : ag_fail_memory(err, 1);
    if (rc >= 0 && ag_file_exists(directory)) {
        ag_fail(err, AG_EEXISTS, "'%s' is there already", directory);
        rc = ag_err_hint(err, "an export makes a directory of its own");
    }
    const char *growing = rc >= 0 ? ag_arena_printf(e.arena, "%s.partial", directory) : NULL;
    if (rc >= 0 && !growing) rc = ag_fail_memory(err, strlen(directory));
    if (rc >= 0) rc = ag_dir_remove(growing, err); /* of an export that was cut short */
    if (rc >= 0) rc = ag_dir_make(growing, err);
    if (rc >= 0) rc = ag_path_absolute(e.arena, growing, &real, err);
    if (rc >= 0) {
        e.directory = real;
        e.target = ag_arena_strndup(e.arena, real, strlen(real) - strlen(".partial"));
        if (!e.target) rc = ag_fail_memory(err, 1);
    }
    if (rc >= 0) rc = options->experiment_count ? take_named(&e, format, err) : take_all(&e, format, err);
    if (rc >= 0 && format->finish) rc = format->finish(&e, err);
    if (rc >= 0) rc = ag_file_rename(e.directory, e.target, err);
    *out = e.result;
    ag_arena_free(e.arena);
    ag_arena_free(e.piece);
    return rc < 0 ? rc : AG_OK;
}
