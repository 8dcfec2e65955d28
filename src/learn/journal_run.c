// SPDX-License-Identifier: Apache-2.0
/* journal_run.c: OUTPUT/run.json: which runs are those of this training. Written anew, in one piece, whenever a run
 * begins, and before it is there, since the training may be killed at any time: a run that stands here and not in the
 * ledger is made when the training goes on, one that would stand in the ledger alone stayed RUNNING for ever. What an
 * earlier process had written of others stays. */
#include <string.h>
#include <unistd.h>

#include "core/doc/json_file.h"
#include "core/io/path.h"
#include "learn/journal_parts.h"

enum { MAX_RUN_FILE = 1 << 20 };

static const char *path_of(const ag_journal *journal)
{
    return ag_path_join(journal->arena, journal->options.output_dir, AG_JOURNAL_RUN);
}

static const char *text_of(const ag_journal *journal, const ag_value *value)
{
    ag_str text;
    return ag_value_string(value, &text) ? ag_arena_strndup(journal->arena, text.data, text.size) : NULL;
}

static const char *known_text(const ag_journal *journal, const char *name)
{
    return text_of(journal, ag_value_get(journal->known, name));
}

const char *ag_journal_known_run(const ag_journal *journal, const char *training)
{
    const ag_value *from = training ? ag_value_get(journal->known, "trainings") : journal->known;
    return text_of(journal, ag_value_get(from, training ? training : "run_id"));
}

/* Runs of one place are not looked for in another. */
static bool is_of_tracker(const ag_journal *journal)
{
    const char *before = known_text(journal, "tracker"), *now = ag_tracker_name(&journal->options.tracker);
    return before && now ? strcmp(before, now) == 0 : before == now;
}

void ag_journal_read_known(ag_journal *journal)
{
    const ag_json_options how = {.max_bytes = MAX_RUN_FILE};
    const char *path = path_of(journal);
    if (!path || !journal->options.resume || !ag_tracker_is_open(&journal->options.tracker)) return;
    (void)ag_json_file_read(journal->arena, path, &how, &journal->known, NULL);
    if (journal->known && !is_of_tracker(journal)) journal->known = NULL;
    journal->registered = known_text(journal, "registered");
    journal->registered_as = known_text(journal, "version");
}

static bool has_seat(const ag_journal *journal, ag_str training)
{
    for (size_t i = 0; i < journal->seats.count; i++) {
        const ag_journal_seat *s = *(ag_journal_seat *const *)ag_vec_at(&journal->seats, i);
        if (s->run && ag_str_is(training, s->name)) return true;
    }
    return false;
}

/* The runs of trainings: of those that have begun here, and of those that may yet be gone on with, which a kill before
 * that must not make nameless. */
static void put_trainings(const ag_journal *journal, ag_json *json)
{
    const ag_value *before = ag_value_get(journal->known, "trainings");
    for (size_t i = 0; before && before->kind == AG_OBJECT && i < before->object.count; i++) {
        const ag_member *member = &before->object.members[i];
        if (member->value.kind != AG_STRING || has_seat(journal, member->name)) continue;
        ag_json_name_str(json, member->name);
        ag_json_value(json, &member->value);
    }
    for (size_t i = 0; i < journal->seats.count; i++) {
        const ag_journal_seat *s = *(ag_journal_seat *const *)ag_vec_at(&journal->seats, i);
        if (s->run) ag_json_put_text(json, s->name, s->run);
    }
}

int ag_journal_write_known(const ag_journal *journal, ag_err *err)
{
    ag_buf text;
    const char *tracker = ag_tracker_name(&journal->options.tracker);
    ag_buf_init(&text, MAX_RUN_FILE);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "run_id", journal->run);
    if (tracker)
        ag_json_put_text(&json, "tracker", tracker);
    else
        ag_json_put_text(&json, "experiment_id", journal->experiment);
    if (journal->registered) ag_json_put_text(&json, "registered", journal->registered);
    if (journal->registered_as) ag_json_put_text(&json, "version", journal->registered_as);
    ag_json_name(&json, "trainings");
    ag_json_begin_object(&json);
    put_trainings(journal, &json);
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    const char *path = path_of(journal);
    int rc = path ? ag_json_file_write(&json, path, err) : ag_fail_memory(err, 64);
    ag_buf_deinit(&text);
    return rc;
}

void ag_journal_forget_known(const ag_journal *journal)
{
    const char *path = path_of(journal);
    if (path) (void)unlink(path);
}
