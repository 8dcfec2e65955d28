// SPDX-License-Identifier: Apache-2.0
#include "data/readers/setitec_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/sample.h"
#include "data/validator.h"
#include "frame/test.h"

typedef struct outcome {
    ag_arena *arena;
    ag_hole *hole;
    ag_verdict verdict;
    const char *rule;
    ag_err err;
    int rc;
} outcome;

static outcome judge(ag_str bytes, const char *name)
{
    outcome o = {.arena = ag_arena_new(0)};
    ag_limits limits;
    ag_hole_source source = {.name = name, .bytes = bytes};
    assert_non_null(o.arena);
    o.rc = ag_hole_read(&source, o.arena, &o.hole, &o.err);
    o.rule = source.rule;
    if (o.rc < 0) return o;
    o.rc = ag_limits_default(&limits, &o.err);
    if (o.rc == AG_OK) o.rc = ag_validate(o.hole, &limits, o.arena, &o.verdict, &o.err);
    return o;
}

static outcome judge_sample(const sample *s)
{
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(s, &buf);
    outcome o = judge(ag_buf_str(&buf), "a.xls"); /* the hole must outlive its bytes */
    if (buf.data) memset(buf.data, 'x', buf.size);
    ag_buf_deinit(&buf);
    return o;
}

static bool broke(const outcome *o, const char *rule)
{
    if (o->rc < 0) return o->rule && strcmp(o->rule, rule) == 0;
    for (const ag_flaw *flaw = o->verdict.flaws.first; flaw; flaw = flaw->next)
        if (strcmp(flaw->rule, rule) == 0) return true;
    return false;
}

static void explain(const outcome *o, const char *what)
{
    printf("%s: rc %d, rule %s, %s\n", what, o->rc, o->rule ? o->rule : "none", o->err.text);
    for (const ag_flaw *flaw = o->rc == AG_OK ? o->verdict.flaws.first : NULL; flaw; flaw = flaw->next)
        printf("  %s %s\n", flaw->rule, flaw->text);
}

static void expect_rule(outcome o, const char *rule)
{
    const ag_rule *row = ag_rule_find(rule, NULL);
    assert_non_null(row);
    if (!broke(&o, rule)) explain(&o, rule);
    assert_true(broke(&o, rule));
    if (o.rc == AG_OK && row->severity == AG_SEVERITY_FAIL) assert_false(o.verdict.valid);
    ag_arena_free(o.arena);
}

static const int versions[] = {4, 7, 8, 9, 11};

AG_TEST(test_setitec__every_version_is_read_and_valid)
{
    for (size_t i = 0; i < 5; i++) {
        sample s = {.version = versions[i]};
        outcome o = judge_sample(&s);
        if (o.rc < 0 || !o.verdict.valid || o.verdict.warn_count) explain(&o, "a good file");
        assert_int_equal(o.rc, AG_OK);
        assert_true(o.verdict.valid);
        assert_int_equal(o.verdict.warn_count, 0);
        assert_int_equal(o.hole->version, versions[i]);
        assert_int_equal(o.hole->signal.rows, SAMPLE_ROWS);
        assert_int_equal(o.hole->step_count, 2);
        assert_int_equal(o.hole->steps[0].stop_code, 64);
        assert_int_equal(o.hole->steps[0].end, SAMPLE_FIRST);
        assert_int_equal(o.hole->program_count, 3);
        assert_int_equal(o.hole->result_count, versions[i] < 7 ? 0 : 2);
        assert_true(isinf(o.hole->program[0].value[AG_PROGRAM_FEED_PER_TURN]));
        ag_arena_free(o.arena);
    }
}

AG_TEST(test_setitec__every_field_and_cell_is_what_was_written)
{
    for (size_t v = 0; v < 5; v++) {
        sample s = {.version = versions[v]};
        outcome o = judge_sample(&s);
        assert_int_equal(o.rc, AG_OK);
        for (int id = 1; id < AG_HEADER_COUNT; id++) {
            if (!ag_name_of_version(&ag_header_names[id], s.version) || ag_header_names[id].optional) continue;
            ag_str text = ag_hole_text(o.hole, (ag_header_id)id);
            if (!ag_str_equal(text, ag_str_trim(ag_str_of(sample_text(&s, id)))))
                fail_msg("version %d: %s is '%.*s'", s.version, ag_header_names[id].id, AG_STR_ARG(text));
        }
        const ag_format_version *version = ag_format_version_find(s.version);
        for (size_t row = 0; row < SAMPLE_ROWS; row++) {
            int32_t cells[AG_CHANNEL_COUNT];
            sample_row(cells, row);
            for (size_t c = 0; c < version->columns; c++)
                assert_int_equal(o.hole->signal.by_id[version->channels[c]][row], cells[version->channels[c]]);
        }
        ag_arena_free(o.arena);
    }
}

AG_TEST(test_setitec__numbers_take_either_mark)
{
    assert_true(ag_setitec_number(AG_STR("21.923")) == 21.923);
    assert_true(ag_setitec_number(AG_STR(" 21,923")) == 21.923);
    assert_true(ag_setitec_number(AG_STR("-0.000001")) == -0.000001);
    assert_true(ag_setitec_number(AG_STR("42949672.950")) == 42949672.950);
    assert_true(isinf(ag_setitec_number(AG_STR("Inf"))));
    const char *const bad[] = {"", "-", ",", "1,2,3", "1e3", "abc", "99999999999999999999", "0,00000000000000000001"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_true(isnan(ag_setitec_number(ag_str_of(bad[i]))));
}

/* All texts of up to 7 bytes over a small alphabet, with either end: the fast loop equals the plain one. */
AG_TEST(test_setitec__the_fast_cell_equals_the_plain_one)
{
    static const char alphabet[] = "-09,.\t";
    for (uint32_t code = 0; code < 6 * 6 * 6 * 6 * 6 * 6 * 6; code++) {
        char text[32] = {0};
        uint32_t rest = code;
        for (size_t i = 0; i < 7; i++, rest /= 6) text[i] = alphabet[rest % 6];
        memcpy(text + 7, "123\t", 4);
        for (size_t from = 0; from < 2; from++) {
            int32_t plain = 0, fast = 0;
            const char *a = ag_setitec_cell_plain(text + from, ',', '\t', &plain);
            const char *b = ag_setitec_cell_fast(text + from, ',', '\t', &fast);
            if (a != b || (a && plain != fast)) fail_msg("'%s' gives %d and %d", text + from, plain, fast);
        }
    }
    for (int32_t value = -999999999; value <= 999999999 - 7919; value += 7919) {
        char text[40] = {0};
        int32_t size = value < 0 ? -value : value, out = 0;
        snprintf(text, sizeof(text), "%s%d.%03d\n", value < 0 ? "-" : "", (int)(size / 1000), (int)(size % 1000));
        assert_non_null(ag_setitec_cell_fast(text, '.', '\n', &out));
        assert_int_equal(out, value);
    }
}

/* ---- mutations of the bytes ---- */

static void replace_all(ag_buf *buf, const char *from, const char *to, size_t most)
{
    ag_buf out;
    ag_buf_init(&out, 1 << 24);
    ag_str text = ag_buf_str(buf);
    size_t at = 0, size = strlen(from), found;
    while (most-- > 0 && (found = ag_str_find(text, (ag_str){from, size}, at)) != SIZE_MAX) {
        ag_buf_add(&out, text.data + at, found - at);
        ag_buf_add_text(&out, to);
        at = found + size;
    }
    assert_true(at > 0);
    ag_buf_add(&out, text.data + at, text.size - at);
    ag_buf_deinit(buf);
    *buf = out;
}

static void expect_bytes(int version, const char *from, const char *to, size_t most, const char *rule)
{
    sample s = {.version = version};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(&s, &buf);
    replace_all(&buf, from, to, most);
    outcome o = judge(ag_buf_str(&buf), "a.xls");
    ag_buf_deinit(&buf);
    expect_rule(o, rule);
}

AG_TEST(test_setitec__each_defect_of_the_bytes_breaks_its_rule)
{
    expect_bytes(9, "\t", ";", SIZE_MAX, "F1");
    expect_bytes(9, "*** Motor Datas ***", "*** Head Datas ***", 1, "F2");
    expect_bytes(9, "*** Datas", "*** Dates", 1, "F2");
    expect_bytes(9, "I Thrust (A)", "I Trust (A)", 1, "F3");
    expect_bytes(9, "-0,700\t-0,049\t", "-0,700\t", 1, "F4");
    expect_bytes(9, "-0,730\t", "", 1, "F4");
    expect_bytes(9, "-0,730\t", "-0,730\t0,000\t", 1, "F4");
    expect_bytes(9, "Gap Length (mm)\n", "Gap Length (mm)\tMore\tAnd more\n", 1, "F5");
    expect_bytes(9, "-0,730\t", "NaN\t", 1, "F6");
    expect_bytes(9, "-0,730\t", "Inf\t", 1, "F6");
    expect_bytes(9, "-0,730\t", "\t", 1, "F6");
    expect_bytes(9, "-0,730\t", "-0,73\t", 1, "F6");
    expect_bytes(9, "-0,730\t", "-0.730\t", 1, "F6");
    expect_bytes(9, "-0,730\t", "-1234567,730\t", 1, "F6");
    expect_bytes(9, "-0,730\t", "+0,730\t", 1, "F6");
    expect_bytes(9, "\t8,000\t", "\t16777216,000\t", SIZE_MAX, "F6");
    expect_bytes(9, "\n", "\r\n", SIZE_MAX, "F9");
    expect_bytes(9, "*** General", "\xEF\xBB\xBF*** General", 1, "F10");
    expect_bytes(4, "Pset n\xB0", "Pset n\xEF\xBF\xBD", 1, "F12");
    expect_bytes(9, "Motor Name", "Motor Colour", 1, "F14");
    expect_bytes(9, "*** Results", "*** Weather ***\nSun\nno\n\n*** Results", 1, "F15");
    expect_bytes(9, "1,000\t1,000\t5,050", "x\t1,000\t5,050", 1, "F16");
    expect_bytes(9, "Gap Length (mm)\n", "Gap Length (mm)\t\t\n", 1, "F18");
    expect_bytes(9, "Stroke Limit (A)\tThrust", "Stroke Limit (A)Thrust", 1, "M9");
    expect_bytes(9, "box-7\t0\tB0007", "\t0\t", 1, "M2");
}

AG_TEST(test_setitec__stop_codes_of_seven_digits_are_codes)
{
    static const int codes[] = {1048576, 2097152, 4194304, 8388608};
    for (size_t i = 0; i < 4; i++) {
        char text[40];
        snprintf(text, sizeof(text), "\t%d,000\t", codes[i]);
        expect_bytes(9, "\t8,000\t", text, SIZE_MAX, "T6");
        expect_bytes(11, "\t8,000\t", text, SIZE_MAX, "T6");
    }
    assert_int_equal(ag_stop_code_of(-8388608), 8388608);
    assert_int_equal(ag_stop_code_of(2097152000), 2097152);
    assert_int_equal(ag_stop_code_of(AG_SAMPLE_ABSENT), 0);
    assert_true(ag_stop_code_is_whole(-4194304) && ag_stop_code_is_whole(64000));
    assert_false(ag_stop_code_is_whole(-64000) || ag_stop_code_is_whole(500) ||
                 ag_stop_code_is_whole(AG_SAMPLE_ABSENT));
}

AG_TEST(test_setitec__a_nul_byte_and_a_cut_file_are_told)
{
    sample s = {.version = 9, .header = {[AG_HEADER_MOTOR_NAME] = "SR@"}};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(&s, &buf);
    size_t at = ag_str_find(ag_buf_str(&buf), AG_STR("SR@"), 0);
    buf.data[at + 2] = '\0';
    outcome o = judge(ag_buf_str(&buf), NULL);
    assert_int_equal(o.rc, AG_OK);
    assert_true(ag_str_is(ag_hole_text(o.hole, AG_HEADER_MOTOR_NAME), "SR"));
    expect_rule(o, "F13");
    /* The end of every length: never a crash, and never a valid hole. */
    for (size_t size = 0; size < buf.size; size += size < 400 ? 1 : 37) {
        o = judge((ag_str){buf.data, size}, "a.xls");
        if (o.rc == AG_OK && o.verdict.valid) fail_msg("%zu of %zu bytes are a valid hole", size, buf.size);
        ag_arena_free(o.arena);
    }
    o = judge((ag_str){buf.data, buf.size - 20}, "a.xls");
    assert_int_equal(o.rc, AG_OK);
    assert_int_equal(o.hole->signal.rows, SAMPLE_ROWS - 1);
    expect_rule(o, "F8");
    ag_buf_deinit(&buf);
}

AG_TEST(test_setitec__an_error_names_file_line_column_cell_and_rule)
{
    sample s = {.version = 9};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(&s, &buf);
    replace_all(&buf, "-0,760\t", "-0,7x0\t", 1);
    ag_str text = ag_buf_str(&buf);
    uint32_t line = 1;
    for (size_t i = 0; i < ag_str_find(text, AG_STR("-0,7x0"), 0); i++) line += text.data[i] == '\n';
    outcome o = judge(text, "folder/bad.xls");
    assert_int_equal(o.rc, AG_EPARSE);
    assert_string_equal(o.err.file, "folder/bad.xls");
    assert_int_equal(o.err.line, line);
    assert_int_equal(o.err.column, 1);
    assert_non_null(strstr(o.err.text, "F6"));
    assert_non_null(strstr(o.err.text, "-0,7x0"));
    assert_non_null(strstr(o.err.text, "Position (mm)"));
    ag_arena_free(o.arena);
    ag_buf_deinit(&buf);
}

AG_TEST(test_setitec__a_version_never_seen_is_read_by_its_names)
{
    sample s = {.version = 12};
    outcome o = judge_sample(&s);
    assert_int_equal(o.rc, AG_OK);
    assert_true(o.verdict.valid);
    assert_int_equal(o.hole->signal.rows, SAMPLE_ROWS);
    assert_non_null(o.hole->signal.by_id[AG_CHANNEL_POWER]);
    expect_rule(o, "F17");
}

/* ---- defects of samples and header ---- */

static void edit_absurd_depth(int32_t *c, size_t row)
{
    if (row < 3) c[AG_CHANNEL_POSITION] = 10;
}
static void edit_over_limit(int32_t *c, size_t row)
{
    if (row > 300 && row < 310) c[AG_CHANNEL_TORQUE] = 62000;
}
static void edit_frozen_torque(int32_t *c, size_t row)
{
    if (row > 250 && row < 360) c[AG_CHANNEL_TORQUE] = 12000;
}
static void edit_spike(int32_t *c, size_t row)
{
    if (row == 300) c[AG_CHANNEL_TORQUE] += 1500;
}
static void edit_weak(int32_t *c, size_t row)
{
    (void)row;
    c[AG_CHANNEL_TORQUE] /= 4;
}
static void edit_half_step(int32_t *c, size_t row)
{
    if (row == 20) c[AG_CHANNEL_STEP] = 1500;
}
static void edit_falling_steps(int32_t *c, size_t row)
{
    c[AG_CHANNEL_STEP] = row < SAMPLE_FIRST ? 2000 : 1000;
}
static void edit_other_step(int32_t *c, size_t row)
{
    if (row >= SAMPLE_FIRST) c[AG_CHANNEL_STEP] = 3000;
}
static void edit_no_code(int32_t *c, size_t row)
{
    (void)row;
    c[AG_CHANNEL_STOP_CODE] = 0;
}
static void edit_early_code(int32_t *c, size_t row)
{
    if (row > 100 && row < SAMPLE_FIRST) c[AG_CHANNEL_STOP_CODE] = 64000;
}
static void edit_trip(int32_t *c, size_t row)
{
    if (row > SAMPLE_ROWS - 4) c[AG_CHANNEL_STOP_CODE] = 131074000;
}
static void edit_early_end(int32_t *c, size_t row)
{
    if (row < SAMPLE_FIRST && c[AG_CHANNEL_STOP_CODE]) c[AG_CHANNEL_STOP_CODE] = 8000;
}
static void edit_reversal(int32_t *c, size_t row)
{
    if (row == 60) c[AG_CHANNEL_POSITION] += 80;
}
static void edit_retract(int32_t *c, size_t row)
{
    if (row >= SAMPLE_FIRST && row < SAMPLE_FIRST + 60)
        c[AG_CHANNEL_POSITION] += 1000 - 15 * (int32_t)(row - SAMPLE_FIRST);
}
static void edit_slow(int32_t *c, size_t row)
{
    (void)row;
    c[AG_CHANNEL_POSITION] = c[AG_CHANNEL_POSITION] / 3;
}

AG_TEST(test_setitec__each_defect_of_the_samples_breaks_its_rule)
{
    static const struct {
        const char *rule;
        void (*edit)(int32_t *, size_t);
    } cases[] = {{"S2", edit_absurd_depth},  {"S3", edit_over_limit}, {"S4", edit_frozen_torque},
                 {"S5", edit_spike},         {"S6", edit_weak},       {"T1", edit_half_step},
                 {"T2", edit_falling_steps}, {"T3", edit_other_step}, {"T4", edit_no_code},
                 {"T5", edit_early_code},    {"T6", edit_trip},       {"T7", edit_early_end},
                 {"T8", edit_trip},          {"T10", edit_slow},      {"C2", edit_slow},
                 {"C4", edit_reversal},      {"C5", edit_retract},    {"M4", edit_slow}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sample s = {.version = 11, .edit = cases[i].edit};
        expect_rule(judge_sample(&s), cases[i].rule);
    }
}

AG_TEST(test_setitec__lost_samples_are_counted)
{
    sample s = {.version = 9, .skip = 40, .skipped = 8};
    expect_rule(judge_sample(&s), "C3");
    s.skipped = 2;
    outcome o = judge_sample(&s);
    assert_true(o.verdict.valid);
    expect_rule(o, "C11");
    s = (sample){.version = 9, .skip = 60, .skipped = SAMPLE_ROWS - 60};
    expect_rule(judge_sample(&s), "F11");
}

AG_TEST(test_setitec__each_defect_of_the_header_breaks_its_rule)
{
    static const struct {
        const char *rule;
        ag_header_id id;
        const char *text;
    } cases[] = {{"M1", AG_HEADER_FIRMWARE, ""},
                 {"M1", AG_HEADER_DATE, ""},
                 {"M1", AG_HEADER_MOTOR_TYPE, " "},
                 {"M4", AG_HEADER_DISTANCE, "4,000"},
                 {"M5", AG_HEADER_MOTOR_SERIAL, "0"},
                 {"C1", AG_HEADER_SAMPLE_RATE, "5"},
                 {"C1", AG_HEADER_SAMPLE_RATE, "often"},
                 {"C6", AG_HEADER_CYCLE_TIME, "1,5"},
                 {"C9", AG_HEADER_CYCLE_TIME, "99"},
                 {"C8", AG_HEADER_DATE, "2026-13-04:05:06:07"},
                 {"C8", AG_HEADER_DATE, "yesterday"},
                 {"C10", AG_HEADER_DATE, "1970-01-01:00:00:09"},
                 {"F7", AG_HEADER_DECIMAL_SEPARATOR, "Dot"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sample s = {.version = 9};
        s.header[cases[i].id] = cases[i].text;
        expect_rule(judge_sample(&s), cases[i].rule);
    }
    sample swapped = {.version = 9, .mark = '.', .header = {[AG_HEADER_DECIMAL_SEPARATOR] = "Comma"}};
    expect_rule(judge_sample(&swapped), "F7");
    sample dots = {.version = 9, .mark = '.'};
    outcome o = judge_sample(&dots);
    assert_true(o.verdict.valid);
    ag_arena_free(o.arena);
    sample off = {.version = 9, .program = "0,000|0,000|1,000|0,000|1,000|Inf\n"};
    expect_rule(judge_sample(&off), "M3");
    sample short_times = {.version = 9, .results = "1,000|64,000|0,1\n2,000|8,000|0,1\n"};
    expect_rule(judge_sample(&short_times), "C7");
    sample one = {.version = 9, .results = "1,000|64,000|9,0\n"};
    expect_rule(judge_sample(&one), "T8");
}

AG_TEST(test_setitec__counters_in_the_name_are_compared)
{
    sample s = {.version = 9};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(&s, &buf);
    outcome o = judge(ag_buf_str(&buf), "x/E0_head_1_ST_248_25.xls");
    assert_false(broke(&o, "M6"));
    ag_arena_free(o.arena);
    expect_rule(judge(ag_buf_str(&buf), "E0_head_1_ST_249_25.xls"), "M6");
    ag_buf_deinit(&buf);
}

static int read_sample(void *context, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_hole_source source = {.name = "a.xls", .bytes = ag_buf_str(context)};
    ag_hole *hole;
    ag_limits limits;
    ag_verdict verdict;
    int rc = ag_hole_read(&source, arena, &hole, err);
    if (rc == AG_OK) rc = ag_limits_default(&limits, err);
    if (rc == AG_OK) rc = ag_validate(hole, &limits, arena, &verdict, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_setitec__every_failing_allocation_is_an_error)
{
    sample s = {.version = 4, .header = {[AG_HEADER_DATE] = "1970-01-01:00:00:09"}, .skip = 40, .skipped = 8};
    ag_buf buf;
    ag_buf_init(&buf, 1 << 24);
    sample_write(&s, &buf);
    ag_test_fail_at_n(AG_FAULT_ALLOC, read_sample, NULL, &buf);
    ag_buf_deinit(&buf);
}

/* Every rule of the tables is reached by some test above or by the readers of other formats. */
AG_TEST(test_setitec__rules_are_well_formed)
{
    ag_validator_table table = ag_validators();
    for (size_t v = 0; v < table.count; v++)
        for (size_t r = 0; r < table.items[v]->count; r++) {
            const ag_rule *rule = &table.items[v]->rules[r];
            assert_int_equal(rule->id[0], table.items[v]->id[0]);
            assert_ptr_equal(ag_rule_find(rule->id, NULL), rule);
            bool found = !rule->setting;
            for (size_t i = 0; i < ag_limits_description.count && !found; i++)
                found = strcmp(rule->setting, ag_limits_description.fields[i].name) == 0;
            assert_true(found);
        }
    ag_err err = {0};
    AG_EXPECT_OK(ag_describe_verify(&ag_limits_description, &err));
    AG_EXPECT_OK(ag_describe_verify(&ag_reader_options_description, &err));
}
