// SPDX-License-Identifier: Apache-2.0
/* quality.c: counting, and the report as JSON. Everything comes from the rows, nothing from a clock, so that the same
 * files give the same report. */
#include "data/quality.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/median.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/prepare_parts.h"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool is_hole(const ag_prepared *record)
{
    return record->status != AG_PREPARED_COMPANION;
}

static bool has_rule(const char *list, const char *rule)
{
    ag_str rest = ag_str_of(list), item;
    while (rest.data && ag_str_next(&rest, '|', &item))
        if (ag_str_is(item, rule)) return true;
    return false;
}

static bool has_letter(const char *list, const char *letter)
{
    ag_str rest = ag_str_of(list), item;
    while (rest.data && ag_str_next(&rest, '|', &item))
        if (item.size > 1 && item.data[0] == *letter) return true;
    return false;
}

static int count_rules(ag_quality *q, ag_arena *arena, ag_err *err)
{
    ag_validator_table table = ag_validators();
    size_t rules = 0;
    for (size_t v = 0; v < table.count; v++) rules += table.items[v]->count;
    q->validators = ag_arena_array(arena, table.count, sizeof(*q->validators));
    q->rules = ag_arena_array(arena, rules, sizeof(*q->rules));
    if (!q->validators || !q->rules) return ag_fail_memory(err, rules * sizeof(*q->rules));
    for (size_t v = 0; v < table.count; v++) {
        ag_quality_validator *validator = &q->validators[q->validator_count++];
        validator->validator = table.items[v];
        for (size_t r = 0; r < table.items[v]->count; r++) {
            ag_quality_rule *rule = &q->rules[q->rule_count++];
            rule->rule = &table.items[v]->rules[r];
            for (size_t i = 0; i < q->summary->count; i++)
                rule->files += has_rule(q->summary->holes[i].failed_rules, rule->rule->id) ||
                               has_rule(q->summary->holes[i].warnings, rule->rule->id);
        }
        for (size_t i = 0; i < q->summary->count; i++)
            validator->failed += has_letter(q->summary->holes[i].failed_rules, table.items[v]->id);
    }
    return AG_OK;
}

typedef const char *(*key_fn)(const ag_prepared *record, ag_arena *arena);

static const char *folder_of(const ag_prepared *record, ag_arena *arena)
{
    ag_str parent = ag_path_parent(ag_str_of(record->path));
    return ag_arena_strndup(arena, parent.data, parent.size);
}
static const char *machine_of(const ag_prepared *record, ag_arena *arena)
{
    (void)arena;
    return or_empty(record->machine);
}
static const char *version_of(const ag_prepared *record, ag_arena *arena)
{
    const char *version = or_empty(record->format_version);
    return ag_arena_printf(arena, "%s%s%s", or_empty(record->reader), *version ? " " : "", version);
}
static const char *class_of(const ag_prepared *record, ag_arena *arena)
{
    (void)arena;
    return or_empty(record->class_name);
}
static const char *program_of(const ag_prepared *record, ag_arena *arena)
{
    (void)arena;
    return or_empty(record->program);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ag_quality_group *)a)->name, ((const ag_quality_group *)b)->name);
}

static int count_group(const ag_quality *q, const char *title, key_fn key, ag_arena *arena, ag_quality_groups *out,
                       ag_err *err)
{
    ag_map *found = ag_map_new();
    out->title = title;
    out->items = ag_arena_array(arena, q->holes + 1, sizeof(*out->items));
    int rc = found && out->items ? AG_OK : ag_fail_memory(err, q->holes * sizeof(*out->items));
    for (size_t i = 0; rc == AG_OK && i < q->summary->count; i++) {
        const ag_prepared *record = &q->summary->holes[i];
        if (!is_hole(record)) continue;
        const char *name = key(record, arena);
        if (!name) {
            rc = ag_fail_memory(err, 4096);
            break;
        }
        ag_quality_group *group = ag_map_get(found, ag_str_of(name));
        if (!group) {
            group = &out->items[out->count++];
            group->name = name;
            rc = ag_map_put(found, ag_str_of(name), group, NULL, err);
        }
        group->files++;
        group->valid += record->valid;
        group->warned += *or_empty(record->warnings) != '\0';
        if (record->valid) group->torque_sum += record->peak_torque_a;
    }
    ag_map_free(found);
    if (rc == AG_OK && out->count > 1) qsort(out->items, out->count, sizeof(*out->items), by_name);
    return rc;
}

static int fill_spread(const ag_quality *q, size_t which, ag_arena *arena, ag_quality_spread *out, ag_err *err)
{
    static const char *const names[][2] = {{"rows", "samples of a hole"},
                                           {"peak_torque_a", "peak torque, A"},
                                           {"peak_thrust_a", "peak thrust, A"},
                                           {"max_depth_mm", "greatest depth, mm"}};
    out->name = names[which][0];
    out->title = names[which][1];
    out->values = ag_arena_array(arena, q->holes + 1, sizeof(double));
    if (!out->values) return ag_fail_memory(err, q->holes * sizeof(double));
    for (size_t i = 0; i < q->summary->count; i++) {
        const ag_prepared *r = &q->summary->holes[i];
        const double values[] = {(double)r->rows, r->peak_torque_a, r->peak_thrust_a, r->max_depth_mm};
        if (r->part >= 0) out->values[out->count++] = values[which];
    }
    if (out->count > 1) qsort(out->values, out->count, sizeof(double), ag_by_size);
    return AG_OK;
}

double ag_quality_quantile(const ag_quality_spread *spread, double q)
{
    return spread->count ? ag_percentile(spread->values, spread->count, q) : 0;
}

static size_t count_items(const char *list)
{
    size_t count = *or_empty(list) != '\0';
    for (const char *at = or_empty(list); *at; at++) count += *at == '|';
    return count;
}

static int by_failures(const void *a, const void *b)
{
    const ag_prepared *x = *(const ag_prepared *const *)a, *y = *(const ag_prepared *const *)b;
    size_t left = count_items(x->failed_rules), right = count_items(y->failed_rules);
    return left != right ? (left < right) - (left > right) : strcmp(x->path, y->path);
}

static int find_worst(ag_quality *q, ag_arena *arena, ag_err *err)
{
    q->worst = ag_arena_array(arena, q->holes + 1, sizeof(*q->worst));
    if (!q->worst) return ag_fail_memory(err, q->holes * sizeof(*q->worst));
    for (size_t i = 0; i < q->summary->count; i++) {
        const ag_prepared *record = &q->summary->holes[i];
        if (is_hole(record) && record->status != AG_PREPARED_SUCCESS) q->worst[q->worst_count++] = record;
    }
    if (q->worst_count > 1) qsort(q->worst, q->worst_count, sizeof(*q->worst), by_failures);
    return AG_OK;
}

int ag_quality_count(const ag_prepare_summary *summary, bool validated, ag_arena *arena, ag_quality *out, ag_err *err)
{
    static const struct {
        const char *title;
        key_fn key;
    } groupings[AG_QUALITY_GROUPINGS] = {{"folder", folder_of},
                                         {"machine", machine_of},
                                         {"format", version_of},
                                         {"class", class_of},
                                         {"program", program_of}};
    ag_quality q = {.summary = summary, .validated = validated};
    for (size_t i = 0; i < summary->count; i++) {
        const ag_prepared *record = &summary->holes[i];
        if (!is_hole(record)) continue;
        q.holes++;
        q.valid += record->valid;
        q.unique += !record->duplicate_of;
        q.valid_unique += record->valid && !record->duplicate_of;
    }
    int rc = count_rules(&q, arena, err);
    for (size_t i = 0; rc == AG_OK && i < AG_QUALITY_GROUPINGS; i++)
        rc = count_group(&q, groupings[i].title, groupings[i].key, arena, &q.groups[i], err);
    for (size_t i = 0; rc == AG_OK && i < AG_QUALITY_SPREADS; i++) rc = fill_spread(&q, i, arena, &q.spreads[i], err);
    if (rc == AG_OK) rc = find_worst(&q, arena, err);
    if (rc == AG_OK) *out = q;
    return rc;
}

static double rate_of(size_t part, size_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

static void write_rules(const ag_quality *q, ag_json *json)
{
    ag_json_name(json, "validators");
    ag_json_begin_array(json);
    for (size_t i = 0; i < q->validator_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "id", q->validators[i].validator->id);
        ag_json_put_text(json, "name", q->validators[i].validator->name);
        ag_json_put_int(json, "failed", (int64_t)q->validators[i].failed);
        ag_json_put_real(json, "pass_rate", 1 - rate_of(q->validators[i].failed, q->holes));
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    static const char *const severities[] = {"note", "warn", "fail"};
    ag_json_name(json, "rules");
    ag_json_begin_array(json);
    for (size_t i = 0; i < q->rule_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "id", q->rules[i].rule->id);
        ag_json_put_text(json, "severity", severities[q->rules[i].rule->severity]);
        ag_json_put_text(json, "doc", q->rules[i].rule->doc);
        ag_json_put_int(json, "files", (int64_t)q->rules[i].files);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void write_groups(const ag_quality *q, ag_json *json)
{
    ag_json_name(json, "groups");
    ag_json_begin_object(json);
    for (size_t g = 0; g < AG_QUALITY_GROUPINGS; g++) {
        ag_json_name(json, q->groups[g].title);
        ag_json_begin_array(json);
        for (size_t i = 0; i < q->groups[g].count; i++) {
            const ag_quality_group *group = &q->groups[g].items[i];
            ag_json_begin_object(json);
            ag_json_put_text(json, "name", group->name);
            ag_json_put_int(json, "files", (int64_t)group->files);
            ag_json_put_int(json, "valid", (int64_t)group->valid);
            ag_json_put_int(json, "with_warnings", (int64_t)group->warned);
            ag_json_put_real(json, "mean_peak_torque_a", group->valid ? group->torque_sum / (double)group->valid : 0);
            ag_json_end_object(json);
        }
        ag_json_end_array(json);
    }
    ag_json_end_object(json);
}

static void write_spreads(const ag_quality *q, ag_json *json)
{
    static const struct {
        const char *name;
        double q;
    } points[] = {{"min", 0}, {"p10", 0.1}, {"median", 0.5}, {"p90", 0.9}, {"max", 1}};
    ag_json_name(json, "distributions");
    ag_json_begin_object(json);
    for (size_t i = 0; i < AG_QUALITY_SPREADS; i++) {
        ag_json_name(json, q->spreads[i].name);
        ag_json_begin_object(json);
        for (size_t k = 0; k < sizeof(points) / sizeof(points[0]); k++)
            ag_json_put_real(json, points[k].name, ag_quality_quantile(&q->spreads[i], points[k].q));
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static void write_rejected(const ag_quality *q, ag_json *json)
{
    ag_json_name(json, "rejected");
    ag_json_begin_array(json);
    for (size_t i = 0; i < q->worst_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "path", q->worst[i]->path);
        ag_json_put_text(json, "status", ag_prepared_status_names[q->worst[i]->status]);
        ag_json_put_text(json, "failed_rules", or_empty(q->worst[i]->failed_rules));
        ag_json_put_text(json, "reason", or_empty(q->worst[i]->reason));
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

int ag_quality_json(const ag_quality *q, ag_buf *out, ag_err *err)
{
    ag_json json = ag_json_writer(out, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_bool(&json, "validated", q->validated);
    ag_json_put_int(&json, "holes", (int64_t)q->holes);
    ag_json_put_int(&json, "unique", (int64_t)q->unique);
    ag_json_put_int(&json, "valid", (int64_t)q->valid);
    ag_json_put_int(&json, "valid_unique", (int64_t)q->valid_unique);
    ag_json_put_real(&json, "pass_rate", rate_of(q->valid, q->holes));
    ag_json_put_real(&json, "pass_rate_unique", rate_of(q->valid_unique, q->unique));
    for (int i = 0; i < AG_PREPARED_STATUS_COUNT; i++)
        ag_json_put_int(&json, ag_prepared_status_names[i], (int64_t)q->summary->by_status[i]);
    ag_json_put_int(&json, "duplicates", (int64_t)q->summary->duplicates);
    ag_json_put_int(&json, "same_traces", (int64_t)q->summary->same_traces);
    ag_json_put_int(&json, "samples", (int64_t)q->summary->rows);
    ag_json_put_int(&json, "bytes", (int64_t)q->summary->bytes);
    write_rules(q, &json);
    write_groups(q, &json);
    write_spreads(q, &json);
    write_rejected(q, &json);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    if (rc == AG_OK) ag_buf_add_char(out, '\n');
    return rc;
}

static int replace(const char *output_dir, const char *name, ag_arena *arena, const ag_buf *buf, ag_err *err)
{
    char *path = ag_path_join(arena, output_dir, name);
    if (!path) return ag_fail_memory(err, 4096);
    int rc = ag_buf_check(buf, "report", err);
    return rc == AG_OK ? ag_file_replace(path, buf->data, buf->size, err) : rc;
}

int ag_quality_write(const char *output_dir, const ag_prepare_options *options, const ag_prepare_summary *summary,
                     ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 4096);
    ag_quality quality;
    ag_buf buf;
    ag_buf_init(&buf, (size_t)512 << 20);
    int rc = ag_quality_count(summary, options->validate, arena, &quality, err);
    if (rc == AG_OK) rc = ag_quality_json(&quality, &buf, err);
    if (rc == AG_OK) rc = replace(output_dir, "quality.json", arena, &buf, err);
    ag_buf_clear(&buf);
    if (rc == AG_OK) rc = ag_quality_html(&quality, output_dir, arena, &buf, err);
    if (rc == AG_OK) rc = replace(output_dir, "quality.html", arena, &buf, err);
    ag_buf_deinit(&buf);
    ag_arena_free(arena);
    return rc;
}
