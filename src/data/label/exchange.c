// SPDX-License-Identifier: Apache-2.0
/* exchange.c: the formats, and what they have in common: whose name is whose, and which hole is meant. */
#include "data/label/exchange.h"

#include <math.h>
#include <string.h>

static const ag_label_format *const formats[] = {&ag_label_format_csv, &ag_label_format_label_studio};
const char *const ag_label_format_names[] = {"csv", "label-studio", NULL};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]), NAMED = 3 };

const ag_label_format *ag_label_format_find(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i]->name, name) == 0) return formats[i];
    return NULL;
}

const char *ag_annotator_author(const ag_exchange_options *options, const char *theirs)
{
    for (size_t i = 0; i < options->annotator_count; i++)
        if (strcmp(options->annotators[i].theirs, theirs) == 0) return options->annotators[i].author;
    return theirs;
}

const char *ag_annotator_theirs(const ag_exchange_options *options, const char *author)
{
    for (size_t i = 0; i < options->annotator_count; i++)
        if (strcmp(options->annotators[i].author, author) == 0) return options->annotators[i].theirs;
    return author;
}

ag_label_outcome ag_label_outcome_of(const ag_label_event *event)
{
    if (!isnan(event->exit)) return AG_LABEL_FOUND;
    return !isnan(event->entry) || event->transition_count > 0 ? AG_LABEL_NO_EXIT : AG_LABEL_EMPTY;
}

/* By the digest where there is one: a file of the same name with other bytes is another hole. */
static const ag_prepared *hole_of(const ag_prepared_set *set, const ag_label_event *event)
{
    const ag_prepared *hole = NULL;
    bool digest = event->sha256 && *event->sha256;
    for (size_t i = 0; digest && i < set->count; i++)
        if (set->holes[i].sha256 && strcmp(set->holes[i].sha256, event->sha256) == 0) return &set->holes[i];
    if (digest || !event->path || !*event->path) return NULL;
    if (ag_prepared_find(set, event->path, &hole, NULL) < 0) return NULL;
    return hole->sha256 && *hole->sha256 ? hole : NULL;
}

static int refuse_unknown(const ag_labelled_set *set, ag_str names, size_t unknown, ag_err *err)
{
    ag_fail(err, AG_ENOTFOUND, "%zu of the labels are of holes that '%s' does not have: %.*s%s", unknown,
            set->prepared.dir, AG_STR_ARG(names), unknown > NAMED ? " and others" : "");
    return ag_err_hint(err, "prepare their files too, or leave them out with --skip-unknown");
}

int ag_exchange_bind(const ag_labelled_set *set, const ag_exchange_rows *rows, bool skip_unknown, ag_arena *arena,
                     ag_label_event **out, size_t *count, size_t *unknown, ag_err *err)
{
    ag_label_event *events = ag_arena_array(arena, rows->rows.count + 1, sizeof(*events));
    if (!events) return ag_fail_memory(err, rows->rows.count * sizeof(*events));
    ag_buf names;
    ag_buf_init(&names, 1000);
    size_t bound = 0, lost = 0;
    for (size_t i = 0; i < rows->rows.count; i++) {
        const ag_exchange_row *row = ag_vec_at(&rows->rows, i);
        const ag_prepared *hole = hole_of(&set->prepared, &row->event);
        if (!hole) {
            const char *name = row->event.path && *row->event.path ? row->event.path : row->event.sha256;
            if (lost++ < NAMED) ag_buf_addf(&names, "%s%.80s", lost > 1 ? ", " : "", name ? name : "");
            continue;
        }
        events[bound] = row->event;
        events[bound].sha256 = hole->sha256;
        events[bound++].path = hole->path;
    }
    int rc = lost > 0 && !skip_unknown ? refuse_unknown(set, ag_buf_str(&names), lost, err) : AG_OK;
    ag_buf_deinit(&names);
    if (rc < 0) return rc;
    *out = events;
    *count = bound;
    *unknown = lost;
    return AG_OK;
}
