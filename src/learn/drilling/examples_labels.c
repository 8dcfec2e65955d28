// SPDX-License-Identifier: Apache-2.0
/* examples_labels.c: what is known of a hole. A table of truth is read by known.h, as for evaluation; here a person's
 * word counts more than it unless the configuration says otherwise. */
#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/examples_parts.h"
#include "learn/drilling/known.h"

static const double full = 1.0;

/* ---- the table of truth ---- */

/* data_config.labels, else truth.csv in the data or beside them; NULL: there is none. */
static int find_table(const char *dir, const ag_drilling_data *data, ag_arena *arena, const char **out, ag_err *err)
{
    static const char *const places[] = {AG_KNOWN_TRUTH_FILE, "../" AG_KNOWN_TRUTH_FILE};
    *out = NULL;
    if (data->labels) {
        const char *inside = ag_path_join(arena, dir, data->labels);
        if (!inside) return ag_fail_memory(err, strlen(data->labels));
        *out = ag_file_exists(data->labels) ? data->labels : inside;
        if (ag_file_exists(*out)) return 0;
        ag_fail(err, AG_ENOTFOUND, "there is no table '%s' (data_config.labels)", data->labels);
        return ag_err_hint(err, "name a CSV file with path, entry_mm and exit_mm, from here or below %s", dir);
    }
    for (size_t i = 0; i < sizeof places / sizeof *places && !*out; i++) {
        const char *path = ag_path_join(arena, dir, places[i]);
        if (!path) return ag_fail_memory(err, strlen(dir));
        if (ag_file_exists(path)) *out = path;
    }
    return 0;
}

/* A table that was named and says nothing of these holes: learning from the labellers instead is not what was meant. */
static int check_table(const ag_example_set *set, const ag_drilling_data *data, ag_err *err)
{
    if (!data->labels || set->truth_matched || set->truth_unmatched == 0) return 0;
    ag_fail(err, AG_EINVAL, "none of the %zu rows of '%s' (data_config.labels) belongs to a hole of '%s'",
            set->truth_unmatched, set->truth, set->dir);
    return ag_err_hint(err, "its column path must name holes as holes.csv there does (%s), or sha256 their files",
                       set->count ? set->items[0].hole->path : "it has none");
}

/* Rows of the table by the paths of their holes; nothing without a table. */
static int read_table(ag_example_set *set, const ag_drilling_data *data, ag_arena *arena, ag_map *truths, ag_err *err)
{
    ag_known_options options = {0};
    ag_known_set known;
    int rc = find_table(set->dir, data, arena, &options.truth, err);
    if (rc < 0 || !options.truth) return rc;
    rc = ag_known_load(set->dir, &options, arena, &known, err);
    if (rc < 0) return data->labels ? ag_err_prefix(err, "data_config.labels") : rc;
    set->truth = options.truth;
    set->truth_unmatched = known.unmatched;
    set->truth_matched = known.truths + known.automatic > 0;
    rc = check_table(set, data, err);
    for (size_t i = 0; rc >= 0 && i < known.count; i++) {
        ag_known_hole *hole = &known.holes[i];
        if (hole->known.source && strcmp(hole->known.source, "truth") == 0)
            rc = ag_map_put(truths, ag_str_of(hole->record->path), &hole->known, NULL, err);
    }
    return rc;
}

/* ---- what counts ---- */

static void know(ag_known *known, const char *source, double weight, ag_label_outcome outcome, const double *mm)
{
    *known = (ag_known){.outcome = outcome, .source = source, .weight = weight};
    memcpy(known->mm, mm, sizeof known->mm);
}

static void know_event(ag_known *known, const char *source, double weight, const ag_label_event *event)
{
    double mm[AG_POINTS] = {event->entry, event->transition_count ? event->transition[0] : (double)NAN, event->exit};
    know(known, source, event->outcome == AG_LABEL_NONE ? 0 : weight, event->outcome, mm);
}

static bool try_source(const char *source, const ag_labelled *labelled, const ag_known *truth, double min_confidence,
                       ag_known *known)
{
    if (strcmp(source, "expert") == 0) {
        if (labelled->expert_count == 0) return false;
        know_event(known, "expert", full, labelled->present);
    } else if (strcmp(source, "truth") == 0) {
        if (!truth) return false;
        know(known, "truth", full, truth->outcome, truth->mm);
    } else {
        const ag_label_event *a = &labelled->automatic;
        if (a->outcome == AG_LABEL_NONE) return false;
        double confidence = isnan(a->confidence) ? 0 : a->confidence;
        if (a->outcome == AG_LABEL_EMPTY && !(confidence > 0)) confidence = full;
        know_event(known, a->author, confidence >= min_confidence ? confidence : 0, a);
    }
    return known->outcome != AG_LABEL_NONE;
}

bool ag_examples_sensible(const ag_example *e)
{
    double last = 0;
    for (int k = 0; k < AG_POINTS; k++) {
        double mm = e->known.mm[k];
        if (isnan(mm)) continue;
        if (!(mm > last) || mm > e->drilled.track.end + 1) return false;
        last = mm;
    }
    return true;
}

int ag_examples_label(ag_example_set *set, const ag_labelled_set *labelled, const ag_drilling_data *data,
                      ag_arena *arena, ag_err *err)
{
    const char *const *sources = data->label_sources.items;
    const double nothing[AG_POINTS] = {NAN, NAN, NAN};
    ag_map *truths = ag_map_new();
    int rc = truths ? read_table(set, data, arena, truths, err) : ag_fail_memory(err, 1);
    for (size_t i = 0; i < set->count && rc >= 0; i++) {
        ag_example *e = &set->items[i];
        const ag_labelled *l = &labelled->items[e->hole - labelled->prepared.holes];
        know(&e->known, NULL, 0, AG_LABEL_NONE, nothing);
        for (size_t k = 0; k < data->label_sources.count; k++)
            if (try_source(sources[k], l, ag_map_get(truths, ag_str_of(e->hole->path)), data->min_confidence,
                           &e->known))
                break;
        if (e->known.weight > 0 && !ag_examples_sensible(e)) {
            e->known.weight = 0;
            if (!ag_known_by_labeller(&e->known) && set->doubt.senseless++ == 0) set->doubt.first = e->hole->path;
        }
        set->known += e->known.outcome != AG_LABEL_NONE;
    }
    ag_map_free(truths);
    return rc < 0 ? rc : ag_examples_doubt(set, labelled, arena, err);
}
