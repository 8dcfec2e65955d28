// SPDX-License-Identifier: Apache-2.0
/* prepare_file.c: one file on its way: is it drilling data, what is it, is it good. Whatever is wrong with the file
 * ends in its record; only memory and cancelling end the call. */
#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/prepare_parts.h"

enum { HEADER_MOST = 200 }; /* characters of a field of the header */

typedef struct preparing {
    const ag_prepare_options *options;
    const ag_limits *limits;
    ag_arena *work, *keep;
    ag_prepared *record;
} preparing;

/* UTF-8 that stays; what is not UTF-8 becomes '?', so that JSON and CSV agree. NULL when out of memory. */
static const char *keep_text(preparing *p, ag_str text)
{
    char *copy = ag_arena_strndup(p->keep, text.data ? text.data : "", text.size);
    if (!copy || ag_utf8_valid(text)) return copy;
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)copy[i] >= 0x80) copy[i] = '?';
    return copy;
}

/* A field of the header, of a broken one its beginning: readers of CSV have limits. */
static const char *keep_header(preparing *p, const ag_hole *hole, ag_header_id id)
{
    ag_str text = ag_hole_text(hole, id);
    return keep_text(p, ag_str_slice(text, 0, ag_utf8_valid(text) ? ag_utf8_head(text, HEADER_MOST) : HEADER_MOST));
}

static const char *keep_field(preparing *p, const ag_hole *hole, ag_header_id id, ag_header_id other)
{
    ag_str text = ag_hole_text(hole, id);
    return keep_header(p, hole, text.size == 0 || ag_str_is(text, "0") ? other : id);
}

static const char *keep_buf(preparing *p, ag_buf *buf)
{
    const char *text = buf->failed == AG_OK ? keep_text(p, ag_buf_str(buf)) : NULL;
    ag_buf_deinit(buf);
    return text;
}

static const char *list_steps(preparing *p, const ag_hole *hole, bool codes)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    for (size_t i = 0; i < hole->step_count && i < 1000; i++)
        ag_buf_addf(&buf, "%s%d", i ? "|" : "", (int)(codes ? hole->steps[i].stop_code : hole->steps[i].number));
    return keep_buf(p, &buf);
}

static const char *describe_program(preparing *p, const ag_hole *hole)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    for (size_t i = 0; i < hole->program_count && i < 1000; i++) {
        const double *value = hole->program[i].value;
        if (hole->program[i].enabled)
            ag_buf_addf(&buf, "%s%g@%g/%g", buf.size ? "|" : "", value[AG_PROGRAM_STROKE], value[AG_PROGRAM_RPM],
                        value[AG_PROGRAM_FEED]);
    }
    return keep_buf(p, &buf);
}

static double peak_of(const int32_t *values, size_t rows, double scale)
{
    double peak = 0;
    for (size_t i = 0; i < rows; i++) {
        double value = values[i] == AG_SAMPLE_ABSENT ? 0 : values[i] / scale;
        peak = value > peak ? value : peak;
    }
    return peak;
}

static int describe_hole(preparing *p, const ag_hole *hole, ag_err *err)
{
    ag_prepared *r = p->record;
    const ag_signal *signal = &hole->signal;
    r->reader = hole->reader;
    r->rows = (int64_t)signal->rows;
    r->sample_rate_hz = signal->rate;
    r->format_version = hole->version ? ag_arena_printf(p->keep, "%d", hole->version) : "";
    r->firmware = keep_header(p, hole, AG_HEADER_FIRMWARE);
    r->date = keep_header(p, hole, AG_HEADER_DATE);
    r->machine = keep_field(p, hole, AG_HEADER_MOTOR_SERIAL, AG_HEADER_BOX_SERIAL);
    r->head = keep_field(p, hole, AG_HEADER_HEAD_TAG, AG_HEADER_HEAD_NAME);
    r->head_counter = keep_header(p, hole, AG_HEADER_HEAD_GLOBAL_COUNTER);
    r->tool_counter = keep_header(p, hole, AG_HEADER_HEAD_LOCAL_COUNTER);
    r->steps = list_steps(p, hole, false);
    r->stop_codes = list_steps(p, hole, true);
    r->program = describe_program(p, hole);
    r->peak_torque_a = peak_of(signal->by_id[AG_CHANNEL_TORQUE], signal->rows, 1000);
    r->peak_thrust_a = peak_of(signal->by_id[AG_CHANNEL_THRUST], signal->rows, 1000);
    r->max_depth_mm = peak_of(signal->by_id[AG_CHANNEL_POSITION], signal->rows, -1000);
    uint8_t digest[32];
    char hex[65];
    int rc = ag_hole_trace_digest(hole, digest, err);
    if (rc < 0) return rc;
    ag_sha256_format((const ag_sha256 *)(const void *)digest, hex);
    r->trace_sha256 = ag_arena_strdup(p->keep, hex);
    bool whole = r->format_version && r->firmware && r->date && r->machine && r->head && r->head_counter &&
                 r->tool_counter && r->steps && r->stop_codes && r->program && r->trace_sha256;
    return whole ? AG_OK : ag_fail_memory(err, 4096);
}

static const char *list_rules(preparing *p, const ag_flaws *flaws, bool fails)
{
    ag_buf buf;
    ag_buf_init(&buf, 4096);
    ag_flaws_rules(flaws, fails, &buf);
    return keep_buf(p, &buf);
}

static int note_verdict(preparing *p, const ag_verdict *verdict, ag_err *err)
{
    char class_name[64];
    ag_class_format(verdict->classes, class_name);
    ag_prepared *r = p->record;
    r->valid = verdict->valid;
    r->status = verdict->valid ? AG_PREPARED_SUCCESS : AG_PREPARED_REJECTED;
    r->class_name = ag_arena_strdup(p->keep, class_name);
    r->failed_rules = list_rules(p, &verdict->flaws, true);
    r->warnings = list_rules(p, &verdict->flaws, false);
    r->reason = keep_text(p, ag_str_of(ag_flaws_failure(&verdict->flaws)));
    return r->class_name && r->failed_rules && r->warnings && r->reason ? AG_OK : ag_fail_memory(err, 4096);
}

static int judge(preparing *p, const ag_hole *hole, ag_err *err)
{
    ag_verdict verdict;
    p->record->valid = true;
    p->record->status = AG_PREPARED_SUCCESS;
    if (!p->options->validate && !p->options->auto_label) return AG_OK;
    int rc = ag_validate(hole, p->limits, p->work, &verdict, err);
    if (rc == AG_OK && p->options->validate) rc = note_verdict(p, &verdict, err);
    if (rc == AG_OK && p->options->auto_label) rc = ag_prepare_label(hole, &verdict, p->work, p->keep, p->record, err);
    return rc;
}

/* Rows of all canonical channels, side by side. */
static int gather_samples(preparing *p, const ag_hole *hole, int32_t **out, ag_err *err)
{
    const ag_signal *signal = &hole->signal;
    int32_t *rows = ag_arena_array(p->work, signal->rows + 1, AG_CHANNEL_COUNT * sizeof(int32_t));
    if (!rows) return ag_fail_memory(err, signal->rows * AG_CHANNEL_COUNT * sizeof(int32_t));
    for (size_t c = 0; c < AG_CHANNEL_COUNT; c++) {
        const int32_t *values = signal->by_id[c];
        for (size_t i = 0; i < signal->rows; i++)
            rows[i * AG_CHANNEL_COUNT + c] = values ? values[i] : AG_SAMPLE_ABSENT;
    }
    *out = rows;
    return AG_OK;
}

/* What cannot be read: rejected when a rule says why. */
static int note_failure(preparing *p, const char *rule, const ag_err *failure, ag_err *err)
{
    char place[48] = "";
    if (failure->line > 0) ag_format(place, sizeof(place), "line %u", failure->line);
    if (failure->column > 0) ag_format(place, sizeof(place), "line %u, column %u", failure->line, failure->column);
    ag_prepared *r = p->record;
    r->status = rule ? AG_PREPARED_REJECTED : AG_PREPARED_ERROR;
    r->failed_rules = rule ? rule : "";
    r->class_name = "";
    const char *text = ag_arena_printf(p->keep, "%s%s%s", place, *place ? ": " : "", failure->text);
    r->reason = text ? keep_text(p, ag_str_of(text)) : NULL;
    return r->reason ? AG_OK : ag_fail_memory(err, sizeof(failure->text));
}

/* AG_PREPARED_STATUS_COUNT: to be read. */
static int look(preparing *p, const char *path, ag_prepared_status *out, ag_err *failure)
{
    ag_mapping map;
    int rc = ag_map_file(path, &map, failure);
    if (rc < 0) return rc;
    ag_str bytes = {map.data, map.size};
    ag_sha256 digest;
    char hex[65];
    rc = ag_sha256_of(map.data, map.size, &digest, failure);
    if (rc == AG_OK) {
        ag_sha256_format(&digest, hex);
        p->record->sha256 = ag_arena_strdup(p->keep, hex);
        if (!p->record->sha256) rc = ag_fail_memory(failure, sizeof(hex));
    }
    const ag_hole_reader *reader = ag_hole_reader_for(path, bytes);
    *out = AG_PREPARED_STATUS_COUNT;
    bool mapped = p->options->reader && p->options->reader->columns.count > 0;
    if (!reader || (!reader->by_ending && !mapped && reader->sniff(ag_str_slice(bytes, 0, 4096)) == 0))
        *out = AG_PREPARED_IGNORED;
    else if (reader->is_companion && reader->is_companion(bytes))
        *out = AG_PREPARED_COMPANION;
    if (reader) p->record->reader = reader->name;
    ag_unmap_file(&map);
    return rc;
}

static int prepare_hole(preparing *p, const char *path, int32_t **samples, ag_err *err)
{
    ag_hole *hole = NULL;
    const char *rule = NULL;
    ag_err failure = {0};
    int rc = ag_hole_read_file(path, p->options->reader, p->work, &hole, &rule, &failure);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 0);
    if (rc < 0) return note_failure(p, rule, &failure, err);
    rc = describe_hole(p, hole, err);
    if (rc == AG_OK) rc = judge(p, hole, err);
    return rc == AG_OK ? gather_samples(p, hole, samples, err) : rc;
}

int ag_prepare_file(const ag_prepare_options *options, const ag_limits *limits, const ag_prepare_input *input,
                    ag_arena *work, ag_arena *keep, ag_prepared *record, int32_t **samples, ag_err *err)
{
    preparing p = {.options = options, .limits = limits, .work = work, .keep = keep, .record = record};
    *samples = NULL;
    int rc = ag_describe_defaults(&ag_prepared_description, keep, record, err);
    if (rc < 0) return rc;
    record->path = keep_text(&p, ag_str_of(input->path));
    const char *path = ag_path_join(work, options->input_dir, input->path);
    if (!record->path || !path) return ag_fail_memory(err, strlen(input->path));
    record->bytes = (int64_t)input->size;
    record->part = -1;
    ag_prepared_status status;
    ag_err failure = {0};
    rc = look(&p, path, &status, &failure);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 0);
    if (rc < 0) return note_failure(&p, NULL, &failure, err);
    record->status = status;
    return status == AG_PREPARED_STATUS_COUNT ? prepare_hole(&p, path, samples, err) : AG_OK;
}
