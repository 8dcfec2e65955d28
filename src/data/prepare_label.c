// SPDX-License-Identifier: Apache-2.0
/* prepare_label.c: automatic labels on their way through a prepared dataset. A part knows only its own holes, so the
 * label is kept as text in the record (thousandths of a millimetre, four digits of a factor), and is compared with
 * holes of the same program and machine at the end, when all are there: the same result whatever the parts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/label/label.h"
#include "data/prepare_parts.h"

static const char *number_text(ag_arena *arena, double value, int digits)
{
    return isfinite(value) ? ag_arena_printf(arena, "%.*f", digits, value) : ag_arena_strdup(arena, "");
}

static double text_number(const char *text)
{
    double value;
    return text && ag_str_to_double(ag_str_of(text), &value) ? value : NAN;
}

static const char *transitions_text(ag_arena *arena, const ag_label *label)
{
    const char *text = ag_arena_strdup(arena, "");
    for (size_t i = 0; text && i < label->transition_count; i++)
        text = ag_arena_printf(arena, "%s%s%.3f", text, i ? "|" : "", label->transition[i]);
    return text;
}

int ag_prepare_label(const ag_hole *hole, const ag_verdict *verdict, ag_arena *work, ag_arena *keep,
                     ag_prepared *record, ag_err *err)
{
    ag_label label;
    int rc = ag_label_hole(hole, verdict, work, &label, err);
    if (rc < 0) return rc;
    record->label_outcome = ag_label_outcome_name(label.outcome);
    record->label_source = label.source ? ag_arena_strdup(keep, label.source) : "";
    record->entry_mm = number_text(keep, label.entry, 3);
    record->transition_mm = transitions_text(keep, &label);
    record->exit_mm = number_text(keep, label.exit, 3);
    record->full_exit_mm = number_text(keep, label.full_exit, 3);
    record->uncertainty_mm = number_text(keep, label.uncertainty, 3);
    record->clarity = number_text(keep, label.clarity, 4);
    record->signal_quality = number_text(keep, label.quality, 4);
    record->disagreement_mm = number_text(keep, label.disagreement, 3);
    bool whole = record->disagreement_mm && record->label_source && record->entry_mm && record->transition_mm &&
                 record->exit_mm && record->full_exit_mm && record->uncertainty_mm && record->clarity &&
                 record->signal_quality;
    return whole ? AG_OK : ag_fail_memory(err, 256);
}

static ag_label_outcome outcome_of(const char *text)
{
    for (int i = AG_LABEL_NONE; i <= AG_LABEL_EMPTY; i++)
        if (text && strcmp(ag_label_outcome_name((ag_label_outcome)i), text) == 0) return (ag_label_outcome)i;
    return AG_LABEL_NONE;
}

void ag_prepare_label_of(const ag_prepared *record, ag_label *out)
{
    ag_str rest = ag_str_of(record->transition_mm), part;
    *out = (ag_label){.outcome = outcome_of(record->label_outcome),
                      .source = record->label_source,
                      .entry = text_number(record->entry_mm),
                      .exit = text_number(record->exit_mm),
                      .full_exit = text_number(record->full_exit_mm),
                      .uncertainty = text_number(record->uncertainty_mm),
                      .clarity = text_number(record->clarity),
                      .quality = text_number(record->signal_quality),
                      .consistency = 1};
    while (rest.size > 0 && out->transition_count < AG_LABEL_TRANSITIONS && ag_str_next(&rest, '|', &part))
        if (ag_str_to_double(part, &out->transition[out->transition_count])) out->transition_count++;
    out->confidence = out->clarity * out->quality;
}

typedef struct labelled {
    ag_prepared *record;
    ag_label label;
} labelled;

static int by_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Same program and machine side by side; within that the order of the paths. */
static int by_kind(const void *a, const void *b)
{
    const ag_prepared *x = ((const labelled *)a)->record, *y = ((const labelled *)b)->record;
    int order = by_text(x->program, y->program);
    if (order == 0) order = by_text(x->machine, y->machine);
    return order ? order : strcmp(x->path, y->path);
}

static bool same_kind(const ag_prepared *a, const ag_prepared *b)
{
    return by_text(a->program, b->program) == 0 && by_text(a->machine, b->machine) == 0;
}

static int write_back(labelled *item, const ag_label_settings *settings, ag_arena *arena, ag_err *err)
{
    ag_prepared *record = item->record;
    bool asked = item->label.outcome != AG_LABEL_NONE;
    record->consistency = number_text(arena, asked ? item->label.consistency : NAN, 4);
    record->confidence = number_text(arena, asked ? item->label.confidence : NAN, 4);
    record->category = asked ? ag_label_category(&item->label, settings) : "";
    return record->consistency && record->confidence ? AG_OK : ag_fail_memory(err, 32);
}

static int compare_groups(labelled *items, size_t count, ag_arena *arena, ag_err *err)
{
    ag_label **group = ag_arena_array(arena, count + 1, sizeof(*group));
    if (!group) return ag_fail_memory(err, count * sizeof(*group));
    int rc = AG_OK;
    for (size_t begin = 0, end; rc == AG_OK && begin < count; begin = end) {
        size_t used = 0;
        for (end = begin; end < count && same_kind(items[end].record, items[begin].record); end++)
            if (items[end].label.outcome == AG_LABEL_FOUND && !items[end].record->duplicate_of)
                group[used++] = &items[end].label; /* a copy would agree with itself */
        if (used > 0) rc = ag_label_compare(group, used, err);
    }
    return rc;
}

int ag_prepare_compare_labels(ag_prepare_summary *summary, const ag_prepare_options *options, ag_arena *arena,
                              ag_err *err)
{
    ag_label_settings settings;
    size_t count = 0;
    int rc = options->label ? AG_OK : ag_label_settings_default(&settings, err);
    if (options->label) settings = *options->label;
    labelled *items = ag_arena_array(arena, summary->count + 1, sizeof(*items));
    if (rc == AG_OK && !items) rc = ag_fail_memory(err, summary->count * sizeof(*items));
    for (size_t i = 0; rc == AG_OK && i < summary->count; i++) {
        ag_prepared *record = &summary->holes[i];
        if (!record->label_outcome || !*record->label_outcome) continue;
        items[count].record = record;
        ag_prepare_label_of(record, &items[count++].label);
    }
    if (rc == AG_OK && count > 1) qsort(items, count, sizeof(*items), by_kind);
    if (rc == AG_OK) rc = compare_groups(items, count, arena, err);
    for (size_t i = 0; rc == AG_OK && i < count; i++) rc = write_back(&items[i], &settings, arena, err);
    return rc;
}
