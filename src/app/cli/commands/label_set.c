// SPDX-License-Identifier: Apache-2.0
/* label_set.c: the command: a person's label of one hole. It is added to the history; nothing is overwritten. */
#include <math.h>

#include "app/cli/labels.h"
#include "core/sys/clock.h"

static const ag_option options[] = {
    AG_OPTION_OF_PREPARED,
    {.name = "entry", .type = AG_OPTION_REAL, .value_name = "MM", .doc = "Depth where the tip enters"},
    {.name = "transition",
     .type = AG_OPTION_TEXT,
     .repeated = true,
     .value_name = "MM",
     .doc = "Depth where the tip meets the next material; several as 8.1,12.4, or repeated"},
    {.name = "exit", .type = AG_OPTION_REAL, .value_name = "MM", .doc = "Depth where the tip leaves"},
    {.name = "full-exit", .type = AG_OPTION_REAL, .value_name = "MM", .doc = "Depth where the full width leaves"},
    {.name = "empty", .type = AG_OPTION_FLAG, .doc = "Nothing was cut"},
    {.name = "no-exit", .type = AG_OPTION_FLAG, .doc = "The tool did not come through"},
    {.name = "accept", .type = AG_OPTION_FLAG, .doc = "The automatic label is right as it is"},
    {.name = "undo", .type = AG_OPTION_FLAG, .doc = "Take this author's latest label of the hole back"},
    AG_OPTION_OF_AUTHOR,
    {.name = "comment", .letter = 'm', .type = AG_OPTION_TEXT, .doc = "What is worth knowing about it"},
};
static const ag_option positionals[] = {
    {.name = "HOLE",
     .type = AG_OPTION_TEXT,
     .required = true,
     .doc = "Its path in holes.csv, the end of that, or the first 8 digits of its sha256"},
};
static const ag_example examples[] = {
    {"label set -d prepared V2_001.xls --entry 6.58 --transition 16.85 --exit 20.46", "Say where a hole really is"},
    {"label set -d prepared V2_001.xls --accept --author anna", "Confirm the automatic label"},
    {"label set -d prepared V2_001.xls --undo", "Take it back"},
    {NULL, NULL},
};

static int read_transitions(ag_invocation *invocation, ag_label_event *event, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "transition", &count);
    for (size_t i = 0; i < count; i++) {
        ag_str rest = ag_str_of(values[i].text), part;
        while (rest.data && ag_str_next(&rest, ',', &part)) {
            double depth;
            if (!ag_str_to_double(ag_str_trim(part), &depth))
                return ag_fail(err, AG_EINVAL, "--transition: '%.*s' is no depth", AG_STR_ARG(part));
            if (event->transition_count == AG_LABEL_TRANSITIONS)
                return ag_fail(err, AG_EINVAL, "a hole has at most %d transitions", AG_LABEL_TRANSITIONS);
            event->transition[event->transition_count++] = depth;
        }
    }
    return AG_OK;
}

static double depth_of(ag_invocation *invocation, const char *name)
{
    return ag_option_given(invocation, name) ? ag_option_real(invocation, name) : (double)NAN;
}

/* Words that exclude each other. */
static int check_words(ag_invocation *invocation, bool depths, ag_err *err)
{
    static const char *const alone[] = {"empty", "accept", "undo"};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!ag_option_flag(invocation, alone[i])) continue;
        count++;
        if (depths || ag_option_flag(invocation, "no-exit") || count > 1)
            return ag_fail(err, AG_EINVAL, "--%s stands alone: no depth and no other statement goes with it", alone[i]);
    }
    if (count > 0 || depths || ag_option_flag(invocation, "no-exit")) return AG_OK;
    ag_fail(err, AG_EINVAL, "what is to be said of the hole?");
    return ag_err_hint(err, "--entry MM --exit MM, with --transition MM; or --no-exit, --empty, --accept, --undo");
}

static int read_event(ag_invocation *invocation, ag_label_event *event, ag_err *err)
{
    const char *comment = ag_option_text(invocation, "comment");
    *event = (ag_label_event){.kind = AG_LABEL_EXPERT,
                              .time = ag_now(),
                              .outcome = AG_LABEL_FOUND,
                              .entry = depth_of(invocation, "entry"),
                              .exit = depth_of(invocation, "exit"),
                              .full_exit = depth_of(invocation, "full-exit"),
                              .confidence = NAN,
                              .comment = comment ? comment : ""};
    int rc = read_transitions(invocation, event, err);
    bool depths = !isnan(event->entry) || !isnan(event->exit) || !isnan(event->full_exit) || event->transition_count;
    if (rc == AG_OK) rc = check_words(invocation, depths, err);
    if (ag_option_flag(invocation, "undo")) event->kind = AG_LABEL_UNDO;
    if (ag_option_flag(invocation, "empty")) event->outcome = AG_LABEL_EMPTY;
    if (ag_option_flag(invocation, "no-exit")) event->outcome = AG_LABEL_NO_EXIT;
    if (rc == AG_OK && event->kind == AG_LABEL_EXPERT && event->outcome == AG_LABEL_FOUND && depths &&
        (isnan(event->entry) || isnan(event->exit))) {
        ag_fail(err, AG_EINVAL, "the %s is missing", isnan(event->entry) ? "entry" : "exit");
        rc = ag_err_hint(err, "give --entry and --exit; --no-exit says that the tool did not come through");
    }
    return rc == AG_OK ? ag_cli_author(invocation, &event->author, err) : rc;
}

static int accept_automatic(const ag_labelled *item, ag_label_event *event, ag_err *err)
{
    const ag_label_event *automatic = &item->automatic;
    if (automatic->outcome == AG_LABEL_NONE)
        return ag_fail(err, AG_ECONFLICT, "'%s' has no automatic label to accept", item->hole->path);
    event->outcome = automatic->outcome;
    event->entry = automatic->entry;
    event->exit = automatic->exit;
    event->full_exit = automatic->full_exit;
    memcpy(event->transition, automatic->transition, sizeof(event->transition));
    event->transition_count = automatic->transition_count;
    return AG_OK;
}

static int print_outcome(ag_invocation *invocation, const char *words, size_t added, ag_err *err)
{
    ag_labelled_set set;
    const ag_labelled *item;
    ag_buf buf;
    int rc = ag_cli_labelled_to_change(invocation, &set, err);
    if (rc == AG_OK) rc = ag_labelled_find(&set, words, &item, err);
    if (rc != AG_OK) return rc;
    if (!ag_wants_json(invocation)) {
        ag_print(invocation, "%s: %s (%s)\n", item->hole->path, ag_cli_label_words(invocation->arena, item->present),
                 ag_labelled_by_expert(item) ? item->present->author : "automatic");
        if (added == 0) ag_note(invocation, "the same label was there already; nothing was added");
        return AG_OK;
    }
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "path", item->hole->path);
    ag_json_put_text(&json, "sha256", item->hole->sha256);
    ag_json_put_int(&json, "added", (int64_t)added);
    ag_json_name(&json, "label");
    ag_json_begin_object(&json);
    ag_cli_label_json(&json, item->present);
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_labelled_set set;
    const ag_labelled *item;
    ag_label_event event;
    size_t added = 0;
    int rc = read_event(invocation, &event, err);
    if (rc == AG_OK) rc = ag_cli_labelled_to_change(invocation, &set, err);
    if (rc == AG_OK) rc = ag_labelled_find(&set, ag_option_text(invocation, "HOLE"), &item, err);
    if (rc != AG_OK) return rc;
    if (!item->hole->sha256 || !*item->hole->sha256)
        return ag_fail(err, AG_ECONFLICT, "'%s' could not be read and cannot be labelled", item->hole->path);
    event.sha256 = item->hole->sha256;
    event.path = item->hole->path;
    if (ag_option_flag(invocation, "accept")) rc = accept_automatic(item, &event, err);
    if (rc == AG_OK) rc = ag_labelled_add(set.prepared.dir, &event, 1, false, &added, err);
    return rc == AG_OK ? print_outcome(invocation, item->hole->path, added, err) : rc;
}

const ag_command ag_command_label_set = {
    .path = "label set",
    .summary = "Say where a hole begins, changes material and ends",
    .doc =
        "Adds a person's label to the history of the dataset (labels.jsonl), with author and time, and writes "
        "labels.csv anew. Depths are those of the tool's tip, in mm. They must grow from entry over the transitions to "
        "the exit, and lie within the samples.\n"
        "\n"
        "Nothing is ever overwritten: a later label counts from then on, and --undo adds a line that takes this "
        "author's latest one back, so that the one before it counts again.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
