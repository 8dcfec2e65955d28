// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sample.h: small drilling files of every version, made here byte by byte for the tests: two steps, a cut between them,
 * everything as the rules want it. A test changes one thing and looks which rule says so. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/buf.h"
#include "data/names.h"

enum { SAMPLE_FIRST = 150, SAMPLE_ROWS = 450 };

typedef struct sample {
    int version;
    char mark;                                /* 0: ',' */
    const char *header[AG_HEADER_COUNT];      /* texts that replace the usual ones */
    const char *program;                      /* lines that replace the usual ones, with '|' for tabs */
    const char *results;                      /* likewise */
    void (*edit)(int32_t *cells, size_t row); /* changes thousandths by channel */
    size_t skip, skipped;                     /* leaves out rows */
} sample;

static const char *sample_text(const sample *s, int id)
{
    if (s->header[id]) return s->header[id];
    switch (id) {
    case AG_HEADER_DATE: return "2026-03-04:05:06:07";
    case AG_HEADER_SAMPLE_RATE: return "100";
    case AG_HEADER_CYCLE_ID: return "4000000001";
    case AG_HEADER_DECIMAL_SEPARATOR: return s->mark == '.' ? "Dot" : "Comma";
    case AG_HEADER_BOX_NAME: return "box-7";
    case AG_HEADER_BOX_SERIAL: return "B0007";
    case AG_HEADER_FIRMWARE: return "V 3.1.2";
    case AG_HEADER_BOX_LUB_PUMP: return s->version < 8 ? "1.000" : " 1,000";
    case AG_HEADER_MOTOR_NAME: return "SRA";
    case AG_HEADER_MOTOR_TYPE: return "L_EDU";
    case AG_HEADER_MOTOR_SERIAL: return "170";
    case AG_HEADER_MOTOR_M2_RATIO: return s->version < 8 ? "21.923" : " 21,923";
    case AG_HEADER_HEAD_NAME: return "head-1";
    case AG_HEADER_HEAD_TYPE: return "Concentic Collet";
    case AG_HEADER_HEAD_TAG: return "E0";
    case AG_HEADER_HEAD_GLOBAL_COUNTER: return "248";
    case AG_HEADER_HEAD_LOCAL_COUNTER: return "25";
    case AG_HEADER_PSET_TYPE: return "Standard";
    case AG_HEADER_CYCLE_TIME: return "9,370000";
    case AG_HEADER_DISTANCE: return s->version == 9 ? "0,700" : "9,000";
    case AG_HEADER_COMMENT: return "     ";
    case AG_HEADER_CYCLE_OK: return "True";
    default: return "0";
    }
}

/* UTF-8 of the tables as the files have it. */
static inline void sample_latin1(ag_buf *out, const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text == 0xC2) continue;
        ag_buf_add_char(out, *text);
    }
}

static inline void sample_lines(ag_buf *out, const char *text)
{
    for (; *text; text++) ag_buf_add_char(out, *text == '|' ? '\t' : *text);
}

static inline void sample_pairs(const sample *s, ag_buf *out, ag_section section, unsigned group)
{
    ag_buf values;
    size_t count = 0;
    ag_buf_init(&values, 1 << 20);
    for (int id = 0; id < AG_HEADER_COUNT; id++) {
        const ag_name *row = &ag_header_names[id];
        const char *name = ag_name_of_version(row, s->version);
        if (row->section != section || row->group != group || row->optional || !name) continue;
        if (count++ > 0) {
            ag_buf_add_char(out, '\t');
            ag_buf_add_char(&values, '\t');
        }
        if (s->version == 4 && id == AG_HEADER_BOX_OPERATION) { /* the broken line of names */
            out->size--;
            ag_buf_add_fill(out, '\n', 48);
            ag_buf_add_text(out, "BOX Maintenance Date\t");
        }
        sample_latin1(out, name);
        if (id == AG_HEADER_VERSION)
            ag_buf_addf(&values, "%d", s->version);
        else
            ag_buf_add_text(&values, sample_text(s, id));
    }
    if (count > 0) {
        ag_buf_add_text(out, "\t\t\n");
        ag_buf_add_str(out, ag_buf_str(&values));
        ag_buf_add_text(out, "\t\t\n");
    }
    ag_buf_deinit(&values);
}

static inline void sample_title(ag_buf *out, ag_section section)
{
    ag_buf_addf(out, "*** %s ***\t\t\t\n", ag_section_title(section));
}

static inline void sample_header(const sample *s, ag_buf *out)
{
    static const char program[] =
        "0,000|0,000|0,000|0,000|0,000|Inf|0,000|0,000|0,000|0,000|0,000|0,000|0,000|0,000|0,000|"
        "0,000|0,000|0,000|0,000|0,000|0,000|0,000\n"
        "1,000|1,000|5,050|4000,000|3,000|0,045|0,000|0,000|0,000|0,000|0,000|0,000|0,000|0,000|"
        "0,000|0,000|0,000|0,000|4,000|2,000|0,000|0,000\n"
        "2,000|1,000|9,000|1000,000|1,500|0,090|0,000|0,000|0,000|0,000|0,000|0,000|0,000|0,000|"
        "0,000|0,000|0,000|0,000|4,000|2,000|0,000|0,000\n";
    static const char results[] = "1,000|64,000|2,750|0,000|5,050|0,049|0,316|4,443|0,597|0,000\n"
                                  "2,000|8,000|4,050|0,000|3,950|12,305|2,484|4,102|0,422|0,000\n";
    for (int section = 0; section < AG_SECTION_DATA; section++) {
        bool steps = section == AG_SECTION_PROGRAM || section == AG_SECTION_STEP_RESULTS;
        if (section == AG_SECTION_EXTERNAL || (section == AG_SECTION_STEP_RESULTS && s->version < 7)) continue;
        sample_title(out, (ag_section)section);
        for (unsigned group = 0; !steps && group < 4; group++) {
            sample_pairs(s, out, (ag_section)section, group);
            if (section == AG_SECTION_CYCLE && group < 2) ag_buf_add_text(out, "\t\t\n");
        }
        const ag_name *names = section == AG_SECTION_PROGRAM ? ag_program_names : ag_result_names;
        size_t count = section == AG_SECTION_PROGRAM ? (size_t)AG_PROGRAM_COUNT : (size_t)AG_RESULT_COUNT;
        for (size_t i = 0; steps && i < count; i++)
            ag_buf_addf(out, "%s%s", i ? "\t" : "", ag_name_of_version(&names[i], s->version));
        if (steps) ag_buf_add_char(out, '\n');
        if (section == AG_SECTION_PROGRAM) sample_lines(out, s->program ? s->program : program);
        if (section == AG_SECTION_STEP_RESULTS) sample_lines(out, s->results ? s->results : results);
        ag_buf_add_text(out, "\t\t\t\n");
    }
}

/* Thousandths of a row, by channel. */
static inline void sample_row(int32_t *cells, size_t row)
{
    bool first = row < SAMPLE_FIRST;
    size_t at = first ? row : row - SAMPLE_FIRST, last = first ? SAMPLE_FIRST : SAMPLE_ROWS - SAMPLE_FIRST;
    size_t moving = at < last - 4 ? at : last - 5; /* the last rows are held */
    size_t cut = first ? 0 : moving;
    memset(cells, 0, AG_CHANNEL_COUNT * sizeof(*cells));
    cells[AG_CHANNEL_POSITION] = -(int32_t)(first ? 700 + 30 * moving : 4775 + (4225 * moving) / (last - 5));
    cells[AG_CHANNEL_TORQUE] =
        cut < 50 ? (int32_t)(moving % 3) * 49 - 49 : (int32_t)(cut < 90 ? (cut - 50) * 300 : 12000);
    if (cut >= 50) cells[AG_CHANNEL_TORQUE] += (int32_t)(moving % 5) * 49;
    cells[AG_CHANNEL_THRUST] = cut < 40 ? 12 : 500 + (int32_t)(moving % 4) * 12;
    cells[AG_CHANNEL_TORQUE_EMPTY] = first ? 5908 : 4102;
    cells[AG_CHANNEL_THRUST_EMPTY] = 375;
    cells[AG_CHANNEL_STEP] = first ? 1000 : 2000;
    cells[AG_CHANNEL_STOP_CODE] = at < last - 3 ? 0 : first ? 64000 : 8000;
    cells[AG_CHANNEL_ROTATION] = -3977825;
    cells[AG_CHANNEL_FEED] = 3001;
    cells[AG_CHANNEL_POWER] = 101000;
}

static inline void sample_table(const sample *s, ag_buf *out)
{
    const ag_format_version *version = ag_format_version_find(s->version);
    if (!version) version = ag_format_version_find(11);
    sample_title(out, AG_SECTION_DATA);
    for (size_t i = 0; i < version->columns; i++)
        ag_buf_addf(out, "%s%s", i ? "\t" : "",
                    ag_name_of_version(&ag_channel_names[version->channels[i]], s->version));
    ag_buf_add_text(out, s->version == 11 ? "\tGap Length (mm)\n" : "\n");
    for (size_t row = 0; row < SAMPLE_ROWS; row++) {
        int32_t cells[AG_CHANNEL_COUNT];
        if (row >= s->skip && row < s->skip + s->skipped) continue;
        sample_row(cells, row);
        if (s->edit) s->edit(cells, row);
        for (size_t i = 0; i < version->columns; i++) {
            int32_t value = cells[version->channels[i]];
            int32_t size = value < 0 ? -value : value;
            ag_buf_addf(out, "%s%s%d%c%03d", i ? "\t" : "", value < 0 ? "-" : "", (int)(size / 1000),
                        s->mark ? s->mark : ',', (int)(size % 1000));
        }
        ag_buf_add_char(out, '\n');
    }
}

static inline void sample_write(const sample *s, ag_buf *out)
{
    sample_header(s, out);
    sample_table(s, out);
}
