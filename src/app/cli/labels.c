// SPDX-License-Identifier: Apache-2.0
/* labels.c: what the commands of `auger label` share: the dataset, the author, labels in words and as JSON. */
#include "app/cli/labels.h"

#include <math.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/sys/clock.h"

static int load(ag_invocation *invocation, const char *directory, ag_labelled_set *out, ag_err *err)
{
    int rc = ag_labelled_load(directory, invocation->arena, out, err);
    if (rc == AG_OK && out->history.torn > 0)
        ag_note(invocation, "the last line of labels.jsonl is not whole and does not count: a writer was killed");
    return rc;
}

int ag_cli_labelled(ag_invocation *invocation, ag_named_data *data, ag_labelled_set *out, ag_err *err)
{
    int rc = ag_named_data_option(invocation, "data-dir", data, err);
    if (rc < 0) return rc;
    rc = load(invocation, data->path, out, err);
    if (rc < 0) ag_data_name_in_error(&data->called, err);
    return rc;
}

int ag_cli_labelled_to_change(ag_invocation *invocation, ag_labelled_set *out, ag_err *err)
{
    const char *directory = ag_option_text(invocation, "data-dir");
    int rc = ag_named_data_refuse(directory, err);
    return rc < 0 ? ag_err_prefix(err, "--data-dir") : load(invocation, directory, out, err);
}

int ag_cli_author(ag_invocation *invocation, const char **out, ag_err *err)
{
    struct passwd entry, *found = NULL;
    char space[4096];
    const char *name = ag_option_text(invocation, "author");
    if (!name && getpwuid_r(geteuid(), &entry, space, sizeof(space), &found) == 0 && found) name = found->pw_name;
    if (!name || !*name) {
        ag_fail(err, AG_EINVAL, "this user has no name");
        return ag_err_hint(err, "give --author NAME, or set $AUGER_AUTHOR");
    }
    *out = ag_arena_strdup(invocation->arena, name);
    return *out ? AG_OK : ag_fail_memory(err, sizeof(space));
}

const char *ag_cli_depth(ag_arena *arena, double depth)
{
    return isnan(depth) ? "-" : ag_arena_printf(arena, "%.3f", depth);
}

const char *ag_cli_label_words(ag_arena *arena, const ag_label_event *event)
{
    const char *text = ag_label_outcome_name(event->outcome);
    if (event->kind == AG_LABEL_UNDO) return "takes the label before back";
    if (!isnan(event->entry)) text = ag_arena_printf(arena, "%s, entry %.3f", text, event->entry);
    for (size_t i = 0; text && i < event->transition_count; i++)
        text = ag_arena_printf(arena, "%s, transition %.3f", text, event->transition[i]);
    if (text && !isnan(event->exit)) text = ag_arena_printf(arena, "%s, exit %.3f", text, event->exit);
    if (text && !isnan(event->full_exit)) text = ag_arena_printf(arena, "%s, full exit %.3f", text, event->full_exit);
    return text ? text : "";
}

static void put_depth(ag_json *json, const char *name, double depth)
{
    ag_json_name(json, name);
    if (isnan(depth))
        ag_json_null(json);
    else
        ag_json_real(json, depth);
}

void ag_cli_label_json(ag_json *json, const ag_label_event *event)
{
    char time[40];
    ag_json_put_text(json, "source", ag_label_kind_names[event->kind]);
    ag_json_put_text(json, "author", event->author);
    ag_instant_format(event->time, 6, time);
    if (event->time) ag_json_put_text(json, "time", time);
    if (event->kind == AG_LABEL_UNDO) return;
    ag_json_put_text(json, "outcome", ag_label_outcome_name(event->outcome));
    put_depth(json, "entry_mm", event->entry);
    ag_json_name(json, "transitions_mm");
    ag_json_begin_array(json);
    for (size_t i = 0; i < event->transition_count; i++) ag_json_real(json, event->transition[i]);
    ag_json_end_array(json);
    put_depth(json, "exit_mm", event->exit);
    put_depth(json, "full_exit_mm", event->full_exit);
    if (event->kind == AG_LABEL_AUTO) put_depth(json, "confidence", event->confidence);
    if (*event->comment) ag_json_put_text(json, "comment", event->comment);
}

int ag_cli_annotators(ag_invocation *invocation, ag_exchange_options *out, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "annotator", &count);
    ag_annotator *list = ag_arena_array(invocation->arena, count + 1, sizeof(*list));
    if (!list) return ag_fail_memory(err, count * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        list[i].theirs = ag_arena_strndup(invocation->arena, values[i].key.data, values[i].key.size);
        list[i].author = values[i].pair_value;
        if (!list[i].theirs) return ag_fail_memory(err, values[i].key.size);
        if (!*list[i].author) return ag_fail(err, AG_EINVAL, "--annotator %s= names no author", list[i].theirs);
    }
    out->annotators = list;
    out->annotator_count = count;
    return AG_OK;
}
