// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/file.h"
#include "data/reader.h"
#include "data/shared.h"
#include "frame/test.h"

#define NODE(path, value) "\"nsu=x;s=Objects.DeviceSet.dev.1." path "\":{\"Value\":" value "}"
#define RESULT "ResultManagement.Results.0."
#define TRACE RESULT "ResultContent.Trace.StepTraces."
#define STEPS RESULT "ResultContent.StepResults.0.StepResultValues."
#define MESSAGE(payload) "{\"MessageType\":\"ua-data\",\"Messages\":{\"Payload\":{" payload "}}}"

static const char trace[] = MESSAGE(
    NODE(TRACE "PositionTrace.StepResultId", "\"58\"") "," NODE(TRACE "PositionTrace.SamplingInterval", "100") "," NODE(
        TRACE "PositionTrace.StepTraceContent[0].Values",
        "[-0.5,-1,-1.5,-2.001]") "," NODE(TRACE "IntensityTorqueTrace.StepTraceContent[0].Values",
                                          "[0,0.049,5,-0.098]") "," NODE(TRACE "IntensityThrustTrace.StepTraceContent["
                                                                               "0].Values",
                                                                         "[0,1,2,3.0]") "," NODE(TRACE "StepNumberTrace"
                                                                                                       ".StepTraceConte"
                                                                                                       "nt[0].Values",
                                                                                                 "[1,1,2.0,2]") "," NODE(TRACE
                                                                                                                         "GapLengthTrace.StepTraceContent[0].Values",
                                                                                                                         "[null,null,null,null]") "," NODE(TRACE
                                                                                                                                                           "PowerTrace.StepResultId",
                                                                                                                                                           "58"));
static const char result[] = MESSAGE(NODE(RESULT "ResultMetaData.ResultId", "58") "," NODE(
    RESULT "ResultMetaData.CreationTime",
    "\"1733339682"
    "\"") "," NODE(RESULT "ResultContent.OverallResultValues.CycleTime.MeasuredValue",
                   "2.5") "," NODE(RESULT "ResultMetaData.ResultEvaluation",
                                   "true") "," NODE(STEPS "StepNumber.MeasuredValue",
                                                    "[1,2]") "," NODE(STEPS "StopCode.MeasuredValue",
                                                                      "[64,8]") "," NODE(STEPS "IntensityTorqueEmpty."
                                                                                               "MeasuredValue",
                                                                                         "[5.225,3.076]") "," NODE(STEPS
                                                                                                                   "Dur"
                                                                                                                   "ati"
                                                                                                                   "on",
                                                                                                                   "[1,"
                                                                                                                   "2"
                                                                                                                   "]"));
static const char head[] =
    MESSAGE(NODE("AssetManagement.Assets.Heads.0.Identification.DefaultInstanceBrowseName", "41") "," NODE(
        "AssetManagement.Assets.CuttingTools.0.OperationCounters.OperationCycleCounter2",
        "9") "," NODE("AssetManagement.Assets.CuttingTools.0.OperationCounters.OperationCycleCounter", "7"));

typedef struct reading {
    ag_arena *arena;
    ag_hole *hole;
    const char *rule;
    ag_err err;
    int rc;
} reading;

static reading read_all(const char *main_text, size_t count, const char *const *others)
{
    reading r = {.arena = ag_arena_new(0)};
    ag_str companions[4];
    for (size_t i = 0; i < count; i++) companions[i] = ag_str_of(others[i]);
    ag_hole_source source = {
        .name = "Trace.json", .bytes = ag_str_of(main_text), .companions = companions, .companion_count = count};
    r.rc = ag_hole_read(&source, r.arena, &r.hole, &r.err);
    r.rule = source.rule;
    return r;
}

static bool has_flaw(const ag_hole *hole, const char *rule)
{
    for (const ag_flaw *flaw = hole->flaws.first; flaw; flaw = flaw->next)
        if (strcmp(flaw->rule, rule) == 0) return true;
    return false;
}

AG_TEST(test_mqtt__trace_result_and_head_make_one_hole)
{
    reading r = read_all(trace, 2, (const char *const[]){result, head});
    assert_int_equal(r.rc, AG_OK);
    const ag_hole *hole = r.hole;
    assert_int_equal(hole->signal.rows, 4);
    assert_int_equal(hole->signal.by_id[AG_CHANNEL_POSITION][3], -2001);
    assert_int_equal(hole->signal.by_id[AG_CHANNEL_TORQUE][1], 49);
    assert_int_equal(hole->signal.by_id[AG_CHANNEL_GAP][2], 0);
    assert_int_equal(hole->signal.by_id[AG_CHANNEL_TORQUE_EMPTY][1], 5225);
    assert_int_equal(hole->signal.by_id[AG_CHANNEL_TORQUE_EMPTY][2], 3076);
    assert_null(hole->signal.by_id[AG_CHANNEL_STOP_CODE]);
    assert_null(hole->signal.by_id[AG_CHANNEL_POWER]);
    assert_int_equal(hole->step_count, 2);
    assert_int_equal(hole->steps[0].stop_code, 64);
    assert_int_equal(hole->steps[1].stop_code, 8);
    assert_true(hole->signal.rate == 100);
    assert_true(ag_str_is(ag_hole_text(hole, AG_HEADER_HEAD_NAME), "41"));
    assert_true(ag_hole_number(hole, AG_HEADER_HEAD_LOCAL_COUNTER) == 7);
    assert_true(ag_hole_number(hole, AG_HEADER_HEAD_LOCAL_COUNTER_2) == 9);
    assert_true(ag_hole_number(hole, AG_HEADER_CYCLE_TIME) == 2.5);
    assert_true(ag_str_is(ag_hole_text(hole, AG_HEADER_DATE), "2024-12-04T19:14:42Z"));
    ag_arena_free(r.arena);
}

AG_TEST(test_mqtt__one_step_is_a_bare_number)
{
    static const char one[] = MESSAGE(NODE(STEPS "StepNumber", "1") "," NODE(STEPS "StopCode", "64"));
    reading r = read_all(trace, 1, (const char *const[]){one});
    assert_int_equal(r.rc, AG_OK);
    assert_int_equal(r.hole->result_count, 1);
    assert_true(r.hole->results[0].value[AG_RESULT_STOP_CODE] == 64);
    assert_true(isnan(r.hole->results[0].value[AG_RESULT_DURATION]));
    ag_arena_free(r.arena);
}

AG_TEST(test_mqtt__what_contradicts_itself_is_a_flaw)
{
    static const char other[] =
        MESSAGE(NODE(RESULT "ResultMetaData.ResultId", "59") "," NODE(STEPS "StepNumber", "[1,2]"));
    reading r = read_all(trace, 2, (const char *const[]){other, "{ not JSON"});
    assert_int_equal(r.rc, AG_OK);
    assert_true(has_flaw(r.hole, "F20"));
    assert_int_equal(r.hole->result_count, 0);
    ag_arena_free(r.arena);
    static const char ragged[] = MESSAGE(NODE(STEPS "StepNumber", "[1,2]") "," NODE(STEPS "StopCode", "[64,8,8]"));
    r = read_all(trace, 1, (const char *const[]){ragged});
    assert_true(has_flaw(r.hole, "F19"));
    ag_arena_free(r.arena);
}

AG_TEST(test_mqtt__the_older_form_is_one_message)
{
    static const char old[] = MESSAGE(NODE(STEPS "Position", "[-1,-2,-3]") "," NODE(STEPS "Torque", "[1,2,3]") "," NODE(
        STEPS "Thrust",
        "[0,0,0]") "," NODE(STEPS "TorqueEmpty",
                            "[4.7,4.7,2.1]") "," NODE(STEPS "StopCode",
                                                      "[64,8]") "," NODE(RESULT "ResultMetaData.Version",
                                                                         "9") ","
                                                                              "\"a.ResultManagement.Results.0."
                                                                              "ResultMetaData.InternalRecipeId\":{}");
    reading r = read_all(old, 0, NULL);
    assert_int_equal(r.rc, AG_OK);
    assert_int_equal(r.hole->version, 9);
    assert_int_equal(r.hole->step_count, 2);
    assert_true(has_flaw(r.hole, "F21"));
    assert_int_equal(r.hole->steps[0].stop_code, 64);
    assert_int_equal(r.hole->steps[1].stop_code, 8);
    ag_arena_free(r.arena);
}

AG_TEST(test_mqtt__what_cannot_be_read_is_refused_with_its_rule)
{
    static const struct {
        const char *text, *rule, *part;
    } cases[] = {
        {"{\"MessageType\":\"ua-data\",\"Messages\":{\"Payload\":{", "F23", ""},
        {MESSAGE(NODE(RESULT "ResultMetaData.ResultId", "59")), NULL, "trace of the position"},
        {MESSAGE(NODE(TRACE "PositionTrace.StepTraceContent[0].Values",
                      "[1,2]") "," NODE(TRACE "IntensityTorqueTrace.StepTraceContent[0].Values", "[1]")),
         "F4", "torque has 1 samples"},
        {MESSAGE(NODE(TRACE "PositionTrace.StepTraceContent[0].Values", "[1,\"x\"]")), "F6", "a string"},
        {MESSAGE(NODE(TRACE "PositionTrace.StepTraceContent[0].Values", "[1,1e99]")), "F6", ""},
        {MESSAGE(NODE(TRACE "PositionTrace.StepTraceContent[0].Values", "[1,2]")), NULL, "torque channel"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reading r = read_all(cases[i].text, 0, NULL);
        if (r.rc >= 0 || !strstr(r.err.text, cases[i].part)) fail_msg("case %zu: %d %s", i, r.rc, r.err.text);
        assert_true(cases[i].rule ? r.rule && strcmp(r.rule, cases[i].rule) == 0 : !r.rule);
        ag_arena_free(r.arena);
    }
}

static int read_messages(void *context, ag_err *err)
{
    (void)context;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_str companions[] = {AG_STR(""), AG_STR("")};
    companions[0] = ag_str_of(result);
    companions[1] = ag_str_of(head);
    ag_hole_source source = {.bytes = ag_str_of(trace), .companions = companions, .companion_count = 2};
    ag_hole *hole;
    int rc = ag_hole_read(&source, arena, &hole, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_mqtt__every_failing_allocation_is_an_error)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, read_messages, NULL, NULL);
}

/* ---- tables ---- */

static reading read_csv(const char *text, const ag_reader_options *options)
{
    reading r = {.arena = ag_arena_new(0)};
    ag_hole_source source = {.name = "a.csv", .bytes = ag_str_of(text), .options = options};
    r.rc = ag_hole_read(&source, r.arena, &r.hole, &r.err);
    r.rule = source.rule;
    return r;
}

AG_TEST(test_csv__columns_are_found_by_their_names)
{
    reading r = read_csv("Position (mm);I Torque (A);thrust;Step (nb)\n-1,5;2,25;0,125;1,000\n-2;3;0;1\n", NULL);
    assert_int_equal(r.rc, AG_OK);
    assert_int_equal(r.hole->signal.rows, 2);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_POSITION][0], -1500);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_THRUST][0], 125);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_STEP][1], 1000);
    ag_arena_free(r.arena);
}

AG_TEST(test_csv__a_column_map_names_scales_and_fills_in)
{
    ag_column_map map[] = {{"position", "depth_um", -0.001}, {"torque", "#2", 1}, {"thrust", "F", 2}};
    ag_reader_options options = {.columns = {map, 3}, .sample_rate = 250, .max_rows = 100, .max_columns = 10};
    reading r = read_csv("depth_um,T,F,other\n1500,2.5,1,x\n1600.4,2.1234,1.5,y\n", &options);
    assert_int_equal(r.rc, AG_OK);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_POSITION][1], -1600);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_TORQUE][1], 2123);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_THRUST][1], 3000);
    assert_int_equal(r.hole->signal.by_id[AG_CHANNEL_STEP][1], 0);
    assert_true(r.hole->signal.rate == 250);
    assert_true(has_flaw(r.hole, "F22"));
    ag_arena_free(r.arena);
    map[1].column = "#9";
    r = read_csv("depth_um,T,F,other\n1500,2.5,1,x\n", &options);
    assert_int_equal(r.rc, AG_EPARSE);
    ag_arena_free(r.arena);
    map[1] = (ag_column_map){"colour", "T", 1};
    r = read_csv("depth_um,T,F,other\n1500,2.5,1,x\n", &options);
    assert_int_equal(r.rc, AG_EINVAL);
    ag_arena_free(r.arena);
}

AG_TEST(test_csv__columns_of_other_names_are_told_with_what_to_do)
{
    reading r = read_csv("Zeit_s;Weg_mm;Drehmoment_A\n0,01;-1,5;2\n", NULL);
    assert_int_equal(r.rc, AG_EPARSE);
    assert_non_null(strstr(r.err.text, "the columns are Zeit_s, Weg_mm, Drehmoment_A: there is no position channel"));
    assert_non_null(strstr(r.err.hint, "reader.columns"));
    ag_arena_free(r.arena);
}

AG_TEST(test_csv__what_is_no_number_is_refused_with_its_place)
{
    static const char *const bad[] = {"x", "", "1,2,3", "nan", "inf", "9999999999", "--1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "position;torque;thrust\n-1.5;2;3\n-1.6;%s;3\n", bad[i]);
        reading r = read_csv(text, NULL);
        if (r.rc != AG_EPARSE) fail_msg("'%s' gives %d", bad[i], r.rc);
        assert_int_equal(r.err.line, 3);
        assert_string_equal(r.rule, "F6");
        ag_arena_free(r.arena);
    }
    reading r = read_csv("position;torque;thrust\n", NULL);
    assert_int_equal(r.rc, AG_EPARSE);
    assert_string_equal(r.rule, "F11");
    ag_arena_free(r.arena);
}

AG_TEST(test_csv__more_names_than_cells_are_not_trusted)
{
    reading r =
        read_csv("Position (mm);I Torque (A);I Thrust (A);I Torque Empty (A);I Thrust Empty (A);Step (nb);Stop code;"
                 "Mem Torque min (A);Torque Power (W);Gap Length (mm)\n-1.0;2;3;4;5;1;0;77\n",
                 NULL);
    assert_int_equal(r.rc, AG_OK);
    assert_true(has_flaw(r.hole, "F5"));
    assert_null(r.hole->signal.by_id[AG_CHANNEL_TORQUE_STATE]);
    ag_arena_free(r.arena);
}

/* ---- the real twins ---- */

static void compare_twins(const char *folder, const char *json, const char *xls)
{
    const char *root = unpack_shared();
    char path[700], other[700];
    snprintf(path, sizeof(path), "%s/mqtt/%s/%s", root, folder, json);
    snprintf(other, sizeof(other), "%s/mqtt/%s", root, xls);
    ag_arena *arena = ag_arena_new(0);
    ag_hole *a = NULL, *b = NULL;
    ag_err err = {0};
    AG_EXPECT_OK(ag_hole_read_file(path, NULL, arena, &a, NULL, &err));
    AG_EXPECT_OK(ag_hole_read_file(other, NULL, arena, &b, NULL, &err));
    assert_int_equal(a->signal.rows, b->signal.rows);
    static const ag_channel_id same[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST, AG_CHANNEL_STEP};
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(a->signal.by_id[same[i]], b->signal.by_id[same[i]], a->signal.rows * sizeof(int32_t));
    uint8_t x[32], y[32];
    AG_EXPECT_OK(ag_hole_trace_digest(a, x, &err));
    AG_EXPECT_OK(ag_hole_trace_digest(b, y, &err));
    assert_memory_equal(x, y, 32);
    ag_arena_free(arena);
}

AG_TEST(test_mqtt__twins_are_equal_digit_for_digit)
{
    compare_twins("data0", "Trace.json", "data0/23120040_23120040_ST_2409_59.xls");
    compare_twins("data1", "Trace.json", "data_20241218/23120040_23120040_ST_2412_60.xls");
    compare_twins("data2", "Trace.json", "data_20250326/17070141_17070141_ST_59_55.xls");
    compare_twins("one-message", "data-2.json", "data_20250326/17070141_17070141_ST_59_55.xls");
}
