// SPDX-License-Identifier: Apache-2.0
/* write.c: a plan and its trace as the bytes of a Setitec file of the plan's version. Names and their order come from
 * the tables of names, as the reader's do; what is here is how the firmware of each version lays them out: groups of
 * sections padded with tabs to a common width, the split header of version 4, the decimal mark of each place, the
 * degree sign in ISO-8859-1. Cells are positional: what a machine leaves empty stays empty. */
#include <math.h>

#include "data/simulate/simulate.h"

typedef struct sheet {
    const ag_sim_plan *plan;
    const ag_sim_trace *trace;
    const ag_format_version *format;
    ag_buf *out;
    size_t width; /* cells of a line of this group of sections */
    size_t cells; /* of the line so far */
    ag_rng rng;   /* of the tool, for what the header says of its machine */
} sheet;

/* -------------------------------------------------------------------------------------------------- cells, lines -- */

static void cell(sheet *s, const char *text)
{
    if (s->cells++) ag_buf_add_char(s->out, '\t');
    for (; *text; text++) {
        if (*text == '\302') continue; /* the first byte of a sign that ISO-8859-1 has as its second */
        ag_buf_add_char(s->out, *text);
    }
}

static void end_bare(sheet *s)
{
    ag_buf_add_char(s->out, '\n');
    s->cells = 0;
}

static void end_line(sheet *s)
{
    if (!s->cells) s->cells = 1;
    if (s->cells < s->width) ag_buf_add_fill(s->out, '\t', s->width - s->cells);
    end_bare(s);
}

/* A number as this place has it: decimals, decimal mark, and the blank that versions 8 and 9 put before ratios. */
static void number(sheet *s, double value, int decimals, char mark, bool blank)
{
    char text[64];
    ag_format(text, sizeof(text), blank ? " %.*f" : "%.*f", decimals, value);
    for (char *c = text; *c; c++)
        if (*c == '.') *c = mark;
    cell(s, text);
}

static void milli(sheet *s, double value)
{
    number(s, value, 3, ',', false);
}

static void ratio(sheet *s, double value)
{
    int version = s->plan->version;
    number(s, value, 3, version < 8 ? '.' : ',', version == 8 || version == 9);
}

static void title(sheet *s, ag_section section)
{
    char text[64];
    ag_format(text, sizeof(text), "*** %s ***", ag_section_title(section));
    cell(s, text);
    end_line(s);
}

/* The names of a section's group that this version writes. */
static void names(sheet *s, ag_section section, unsigned group)
{
    for (int i = 0; i < AG_HEADER_COUNT; i++) {
        const ag_name *name = &ag_header_names[i];
        const char *text = ag_name_of_version(name, s->plan->version);
        if (name->section == section && name->group == group && text) cell(s, text);
    }
}

static uint64_t pick(sheet *s, uint64_t bound)
{
    return ag_rng_below(&s->rng, bound);
}

static void integer(sheet *s, uint64_t value)
{
    char text[24];
    ag_format(text, sizeof(text), "%llu", (unsigned long long)value);
    cell(s, text);
}

/* ------------------------------------------------------------------------------------------------------ sections -- */

static void write_date(sheet *s)
{
    /* Holes of a series follow each other within minutes; a series begins on some day of 2024. */
    int64_t start = INT64_C(1704067200) + (int64_t)pick(s, 340) * 86400 + 28800;
    int64_t at = start + (int64_t)s->plan->age * 150 + (int64_t)s->plan->hole % 37;
    ag_date date = ag_date_utc(at * AG_SECOND);
    char text[40];
    ag_format(text, sizeof(text), "%04d-%02d-%02d:%02d:%02d:%02d", (int)date.year, date.month, date.day, date.hour,
              date.minute, date.second);
    cell(s, text);
}

static void write_general(sheet *s)
{
    int version = s->plan->version;
    title(s, AG_SECTION_GENERAL);
    names(s, AG_SECTION_GENERAL, 0);
    end_line(s);
    integer(s, (uint64_t)version);
    write_date(s);
    cell(s, "100");
    if (version >= 7) integer(s, (uint64_t)(uint32_t)(s->plan->hole * UINT64_C(2654435761) + s->plan->seed));
    if (version >= 8) cell(s, "Comma");
    end_line(s);
    end_line(s);
}

static void write_box(sheet *s)
{
    int version = s->plan->version;
    char name[40], serial[24];
    uint64_t box = pick(s, 0xffffff);
    ag_format(name, sizeof(name), "NI-sbRIO-9607-01%06llx", (unsigned long long)box);
    ag_format(serial, sizeof(serial), "01%06llX", (unsigned long long)box);
    title(s, AG_SECTION_BOX);
    if (version == 4) {
        for (int i = AG_HEADER_BOX_NAME; i <= AG_HEADER_BOX_MAINTAINED; i++)
            cell(s, ag_header_names[i].spellings[0].text);
        end_bare(s);
        for (int i = 0; i < 47; i++) end_bare(s);
        for (int i = AG_HEADER_BOX_MAINTAINED; i <= AG_HEADER_BOX_LUB_PUMP; i++)
            cell(s, ag_header_names[i].spellings[0].text);
        end_bare(s);
    } else {
        names(s, AG_SECTION_BOX, 0);
        end_line(s);
    }
    cell(s, name);
    cell(s, "CB V2 - Standard");
    cell(s, serial);
    cell(s, version >= 9 ? "5006" : "");
    cell(s, "");
    cell(s, "0");
    cell(s, s->format->firmware);
    cell(s, "01/01/2016");
    cell(s, "01/01/2016");
    integer(s, 300 + pick(s, 9000));
    cell(s, "3000");
    ratio(s, 1);
    if (version >= 7) cell(s, "FALSE");
    end_line(s);
    end_line(s);
}

static void write_motor(sheet *s)
{
    const ag_sim_program *program = s->plan->regime->program;
    title(s, AG_SECTION_MOTOR);
    names(s, AG_SECTION_MOTOR, 0);
    end_line(s);
    cell(s, pick(s, 8) ? program->motor : "");
    cell(s, program->motor);
    cell(s, "5000");
    integer(s, 17070100 + pick(s, 900));
    integer(s, 10000 + pick(s, 90000));
    ratio(s, program->ratio);
    ratio(s, 0.947);
    ratio(s, 0.947);
    cell(s, "0");
    if (s->plan->version >= 11) {
        cell(s, "01/01/2016");
        cell(s, "01/01/2016");
    }
    end_line(s);
    end_line(s);
}

static void write_head(sheet *s)
{
    int version = s->plan->version;
    const ag_sim_program *program = s->plan->regime->program;
    title(s, AG_SECTION_HEAD);
    names(s, AG_SECTION_HEAD, 0);
    end_line(s);
    cell(s, s->plan->head);
    cell(s, version == 4 ? "Concentic Collet" : "Concentric Collet");
    cell(s, s->plan->tag);
    integer(s, s->plan->global_counter + s->plan->counter_error);
    integer(s, s->plan->local_counter);
    if (version >= 7) integer(s, s->plan->global_counter - s->plan->age);
    ratio(s, 1);
    ratio(s, 1);
    cell(s, pick(s, 3) ? "ST00010051" : "");
    if (version >= 9) {
        integer(s, (uint64_t)program->oscillations);
        cell(s, program->oscillations ? "10" : "0");
    }
    if (version >= 11) cell(s, "FALSE");
    end_line(s);
    s->width = version == 4 ? 4 : version == 7 ? 5 : 9;
    end_line(s);
}

static void write_pset(sheet *s)
{
    title(s, AG_SECTION_PSET);
    names(s, AG_SECTION_PSET, 0);
    end_line(s);
    cell(s, "Standard");
    cell(s, "0");
    integer(s, (uint64_t)s->format->pset_version);
    end_line(s);
    end_line(s);
}

static void write_cycle(sheet *s)
{
    int version = s->plan->version;
    title(s, AG_SECTION_CYCLE);
    names(s, AG_SECTION_CYCLE, 0);
    end_line(s);
    cell(s, "500");
    if (version >= 7) cell(s, "0");
    cell(s, "9");
    number(s, 0, version < 8 ? 6 : 3, ',', false);
    cell(s, "0");
    if (version >= 8) {
        milli(s, 0);
        cell(s, "300");
        milli(s, 13.684);
        cell(s, "0");
    }
    end_line(s);
    if (version >= 7) {
        end_line(s);
        cell(s, "Comment");
        end_line(s);
        cell(s, "");
        end_line(s);
    }
    names(s, AG_SECTION_CYCLE, 2);
    end_bare(s);
    for (int i = 0; i < 4; i++) milli(s, 0);
    end_bare(s);
    if (version >= 8) {
        names(s, AG_SECTION_CYCLE, 3);
        end_bare(s);
        const double values[] = {0, 5, 30, 0};
        for (int i = 0; i < 4; i++) milli(s, values[i]);
        end_bare(s);
    }
    s->width = AG_PROGRAM_COUNT;
    end_line(s);
}

static double program_value(const ag_sim_step *step, ag_program_id id)
{
    switch (id) {
    case AG_PROGRAM_NUMBER: return step->number;
    case AG_PROGRAM_ENABLED: return step->enabled;
    case AG_PROGRAM_STROKE: return step->stroke;
    case AG_PROGRAM_RPM: return step->rpm;
    case AG_PROGRAM_FEED: return step->feed;
    case AG_PROGRAM_FEED_PER_TURN: return step->rpm > 0 ? step->feed * 60 / step->rpm : (double)INFINITY;
    case AG_PROGRAM_THRUST_MAX: return step->thrust_max;
    case AG_PROGRAM_TORQUE_MAX: return step->torque_max;
    case AG_PROGRAM_TORQUE_MIN: return step->torque_min;
    case AG_PROGRAM_GAP: return step->gap;
    case AG_PROGRAM_LUB_AIR: return step->rpm > 0 ? 3 : 0;
    case AG_PROGRAM_LUB_FLOW: return step->rpm > 0 ? 2 : 0;
    case AG_PROGRAM_VACUUM: return step->enabled;
    default: return 0;
    }
}

static void write_program(sheet *s)
{
    title(s, AG_SECTION_PROGRAM);
    for (int i = 0; i < AG_PROGRAM_COUNT; i++) cell(s, ag_name_of_version(&ag_program_names[i], s->plan->version));
    end_line(s);
    for (size_t k = 0; k < s->plan->step_count; k++) {
        for (int i = 0; i < AG_PROGRAM_COUNT; i++) {
            double value = program_value(&s->plan->steps[k], (ag_program_id)i);
            if (isinf(value))
                cell(s, "Inf");
            else
                milli(s, value);
        }
        end_line(s);
    }
    s->width = s->plan->version == 4 ? s->format->columns : AG_RESULT_COUNT;
    end_line(s);
}

static void write_external(sheet *s)
{
    static const char *const values[] = {"MSN00001                 ", "Simulated                ",
                                         "SEQ.Step.31              "};
    title(s, AG_SECTION_EXTERNAL);
    for (int i = 0; i < 10; i++) {
        char name[4];
        ag_format(name, sizeof(name), "%02d", i);
        cell(s, name);
    }
    end_line(s);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) cell(s, values[i]);
    end_line(s);
    end_line(s);
}

static void write_results(sheet *s)
{
    int version = s->plan->version;
    const ag_sim_run *last = &s->trace->runs[s->trace->run_count - 1];
    title(s, AG_SECTION_RESULTS);
    names(s, AG_SECTION_RESULTS, 0);
    end_line(s);
    number(s, s->trace->cycle_time, version < 11 ? 6 : 3, ',', false);
    number(s, s->format->distance_is_start ? s->trace->first : s->trace->last, version < 8 ? 6 : 3, ',', false);
    if (version >= 7) cell(s, ag_stop_kind_of(last->code) == AG_STOP_FAULT ? "False" : "True");
    if (version >= 11) milli(s, s->trace->cycle_time * 0.021);
    end_line(s);
    if (version == 4) s->width = s->format->columns;
    if (version >= 7) end_line(s);
}

static void write_step_results(sheet *s)
{
    title(s, AG_SECTION_STEP_RESULTS);
    for (int i = 0; i < AG_RESULT_COUNT; i++) cell(s, ag_name_of_version(&ag_result_names[i], s->plan->version));
    end_line(s);
    for (size_t i = 0; i < s->trace->run_count; i++) {
        const ag_sim_run *run = &s->trace->runs[i];
        const double values[AG_RESULT_COUNT] = {run->step->number, run->code,       run->duration,   0,
                                                run->distance,     run->torque_max, run->thrust_max, run->torque_idle,
                                                run->thrust_idle,  run->gap_max};
        for (int k = 0; k < AG_RESULT_COUNT; k++) milli(s, values[k]);
        end_line(s);
    }
}

/* ---------------------------------------------------------------------------------------------------------- data -- */

static size_t format_thousandths(int32_t value, char *out)
{
    char digits[12];
    uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    size_t count = 0, at = 0;
    while (rest || count < 4) {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value < 0) out[at++] = '-';
    while (count > 3) out[at++] = digits[--count];
    out[at++] = ',';
    while (count > 0) out[at++] = digits[--count];
    return at;
}

static void write_data(sheet *s)
{
    const ag_format_version *format = s->format;
    const ag_sim_row *rows = s->trace->rows.items;
    /* Version 11 names its last column twice; the rows have it once. */
    s->width = format->columns + (s->plan->version == 11);
    end_line(s);
    title(s, AG_SECTION_DATA);
    for (size_t k = 0; k < format->columns; k++)
        cell(s, ag_name_of_version(&ag_channel_names[format->channels[k]], s->plan->version));
    if (s->plan->version == 11) cell(s, ag_name_of_version(&ag_channel_names[AG_CHANNEL_GAP], 11));
    end_line(s);
    for (size_t i = 0; i < s->trace->rows.count; i++) {
        char *line = ag_buf_reserve(s->out, 16 * AG_CHANNEL_COUNT);
        if (!line) return;
        size_t at = 0;
        for (size_t k = 0; k < format->columns; k++) {
            if (k) line[at++] = '\t';
            at += format_thousandths(rows[i].value[format->channels[k]], line + at);
        }
        line[at++] = '\n';
        s->out->size += at;
    }
    ag_buf_add(s->out, "", 0);
}

void ag_sim_write(const ag_sim_plan *plan, const ag_sim_trace *trace, ag_buf *out)
{
    ag_rng machines = ag_rng_stream(plan->seed, "simulated machines");
    sheet s = {.plan = plan,
               .trace = trace,
               .format = ag_format_version_find(plan->version),
               .out = out,
               .width = plan->version == 4 ? 12 : 13,
               .rng = ag_rng_child(&machines, plan->tool)};
    write_general(&s);
    write_box(&s);
    write_motor(&s);
    write_head(&s);
    write_pset(&s);
    write_cycle(&s);
    write_program(&s);
    if (plan->version == 11) write_external(&s);
    write_results(&s);
    if (plan->version >= 7) write_step_results(&s);
    write_data(&s);
}
