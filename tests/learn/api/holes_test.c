// SPDX-License-Identifier: Apache-2.0
/* holes_test.c: holes as samples and as streams, handed over by an enemy, and with failing allocations. */
#include <math.h>
#include <string.h>

#include "auger/training.h"
#include "core/base/buf.h"
#include "core/io/file.h"
#include "learn/drilling/folder.h"

static const char recipe[] = "strategy: patchtsmixer_single\n"
                             "model_config: {architecture: PatchTSMixer, d_model: 4, num_layers: 1}\n"
                             "training_config: {epochs: 1, batch_size: 8}\n"
                             "data_config: {preprocessing: {channels: [torque, thrust, position]}}\n";

enum { ROWS = 1500 };

/* One result for all tests: it takes most of their time. */
static auger_result *result;
static double depth[ROWS], torque[ROWS], thrust[ROWS];
static int32_t steps[ROWS];
static auger_answer right; /* to them */

static void expect(int rc, const auger_error *error)
{
    if (rc < 0) fail_msg("%d: %s (%s)", rc, error->text, error->hint);
}
#define EXPECT(call) expect((call), &error)

static void refused(int rc, const auger_error *error, int code, const char *part, int line)
{
    if (rc != code || error->code != code || !strstr(error->text, part))
        fail_msg("line %d: %d %s", line, rc, error->text);
}
#define REFUSED(call, code, part) refused((call), &error, (code), (part), __LINE__)

static auger_hole_samples samples(void)
{
    return (auger_hole_samples){ROWS, 100, depth, torque, thrust, steps};
}

static bool same(const auger_answer *a, const auger_answer *b)
{
    return a->outcome == b->outcome && memcmp(&a->exit.mm, &b->exit.mm, sizeof(double)) == 0 &&
           a->confidence == b->confidence && strcmp(a->reason, b->reason) == 0;
}

static void prepare(void)
{
    auger_error error;
    auger_builder *builder = NULL;
    if (result) return;
    ag_arena *arena = ag_arena_new(0);
    const char *set = prepared(simulated(12, 77), arena);
    EXPECT(auger_builder_new(&builder, &error));
    EXPECT(auger_builder_settings_text(builder, recipe, &error));
    EXPECT(auger_builder_data(builder, set, &error));
    EXPECT(auger_builder_output(builder, ag_test_dir(), &error));
    EXPECT(auger_builder_threads(builder, 1, &error));
    EXPECT(auger_builder_build(builder, &result, &error));
    auger_builder_free(builder);
    ag_arena_free(arena);
    for (int i = 0; i < ROWS; i++) { /* down through a plate from 4 to 10 mm */
        depth[i] = i * 0.01;
        bool inside = depth[i] > 4 && depth[i] < 10;
        torque[i] = inside ? 2.0 + 0.1 * sin(i) : 0.3;
        thrust[i] = inside ? 0.4 + 0.01 * cos(i) : 0.05;
        steps[i] = 1;
    }
    auger_hole_samples all = samples();
    EXPECT(auger_result_predict(result, &all, &right, &error));
}

AG_TEST(test_holes__samples_that_are_none_are_refused_and_harm_nothing)
{
    prepare();
    static double *const columns[] = {depth, torque, thrust};
    static const char *const names[] = {"depth", "torque", "thrust"};
    static const double bad[] = {NAN, INFINITY, -INFINITY, 2147483.648, -2147483.648, 1e300, -1e300};
    auger_error error;
    auger_answer answer, many[3];
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            size_t at = i % 2 ? ROWS - 1 : 7;
            double kept = columns[c][at];
            char part[40];
            columns[c][at] = bad[i];
            auger_hole_samples one = samples();
            ag_format(part, sizeof part, "sample %zu of %s", at, names[c]);
            REFUSED(auger_result_predict(result, &one, &answer, &error), AUGER_EINVAL, part);
            EXPECT(auger_result_predict_batch(result, &one, 1, &answer, &error));
            assert_true(answer.outcome == AUGER_OUTCOME_UNKNOWN && strstr(answer.reason, part));
            assert_true(isnan(answer.exit.mm) && answer.confidence == 0.0);
            columns[c][at] = kept;
        }
    static const int32_t wrong[] = {-1, INT32_MIN, 100001, INT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        auger_hole_samples one = samples();
        steps[3] = wrong[i];
        REFUSED(auger_result_predict(result, &one, &answer, &error), AUGER_EINVAL, "sample 3 has no step");
        steps[3] = 1;
    }
    static const double rates[] = {-1, NAN, INFINITY, 1e6};
    for (size_t i = 0; i < 4; i++) {
        auger_hole_samples one = samples();
        one.rate = rates[i];
        REFUSED(auger_result_predict(result, &one, &answer, &error), AUGER_EINVAL, "rate");
    }
    auger_hole_samples all[3] = {samples(), samples(), samples()};
    all[1].torque = NULL;
    EXPECT(auger_result_predict_batch(result, all, 3, many, &error));
    assert_true(same(&many[0], &right) && same(&many[2], &right) && many[1].outcome == AUGER_OUTCOME_UNKNOWN);
}

AG_TEST(test_holes__calls_without_what_they_need_are_refused)
{
    prepare();
    auger_error error;
    auger_answer answer;
    auger_hole_samples all = samples();
    const char *none[] = {NULL};
    REFUSED(auger_result_predict(result, NULL, &answer, &error), AUGER_EINVAL, "are wanted");
    REFUSED(auger_result_predict(result, &all, NULL, &error), AUGER_EINVAL, "are wanted");
    REFUSED(auger_result_predict(NULL, &all, &answer, &error), AUGER_EINVAL, "are wanted");
    REFUSED(auger_result_predict_batch(result, &all, 1, NULL, &error), AUGER_EINVAL, "are wanted");
    REFUSED(auger_result_predict_file(result, NULL, &answer, &error), AUGER_EINVAL, "no path");
    EXPECT(auger_result_predict_files(result, none, 1, &answer, &error));
    assert_true(answer.outcome == AUGER_OUTCOME_UNKNOWN && strstr(answer.reason, "no path"));
    all.count = 0;
    REFUSED(auger_result_predict(result, &all, &answer, &error), AUGER_EINVAL, "a hole has samples");
    all.count = SIZE_MAX;
    REFUSED(auger_result_predict(result, &all, &answer, &error), AUGER_EINVAL, "a hole has samples");
    all = samples();
    all.step = NULL; /* one step */
    EXPECT(auger_result_predict(result, &all, &answer, &error));
    assert_true(same(&answer, &right));
}

AG_TEST(test_holes__a_piece_of_a_stream_comes_whole_or_not_at_all)
{
    prepare();
    auger_error error;
    auger_answer answer;
    auger_stream *stream = NULL;
    REFUSED(auger_stream_open(NULL, 100, &stream, &error), AUGER_EINVAL, "wanted");
    REFUSED(auger_stream_open(result, 100, NULL, &error), AUGER_EINVAL, "wanted");
    REFUSED(auger_stream_open(result, -1, &stream, &error), AUGER_EINVAL, "rate");
    REFUSED(auger_stream_open(result, NAN, &stream, &error), AUGER_EINVAL, "rate");
    assert_null(stream);
    EXPECT(auger_stream_open(result, 100, &stream, &error));
    auger_hole_samples all = samples();
    EXPECT(auger_stream_add(stream, &all, &error));
    double number[3] = {1, NAN, 1};
    int32_t program[3] = {1, -1, 1};
    const double fine[3] = {1, 1, 1};
    const auger_hole_samples bad[] = {
        {3, 0, number, fine, fine, NULL},  {3, 0, fine, number, fine, NULL},      {3, 0, fine, fine, number, NULL},
        {3, 0, fine, fine, fine, program}, {SIZE_MAX, 0, fine, fine, fine, NULL}, {50000001, 0, fine, fine, fine, NULL},
        {3, 0, NULL, fine, fine, NULL},    {3, 0, fine, fine, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int rc = auger_stream_add(stream, &bad[i], &error);
        if (rc >= 0 || !*error.text) fail_msg("piece %zu was taken", i);
    }
    REFUSED(auger_stream_add(stream, NULL, &error), AUGER_EINVAL, "a piece has");
    EXPECT(auger_stream_add(stream, &(auger_hole_samples){0}, &error)); /* nothing new */
    EXPECT(auger_stream_answer(stream, &answer, &error));
    assert_true(same(&answer, &right));
    auger_stream_reset(stream);
    EXPECT(auger_stream_answer(stream, &answer, &error));
    assert_int_equal(answer.outcome, AUGER_OUTCOME_UNKNOWN);
    EXPECT(auger_stream_add(stream, &all, &error));
    EXPECT(auger_stream_answer(stream, &answer, &error));
    assert_true(same(&answer, &right));
    auger_stream_free(stream);
}

static int tell(int rc, const auger_error *error, ag_err *err)
{
    return rc < 0 ? ag_fail(err, (ag_code)error->code, "%s", error->text) : 0;
}

static int ask_once(void *context, ag_err *err)
{
    auger_error error = {0};
    auger_answer answer;
    auger_hole_samples all = samples();
    (void)context;
    int rc = auger_result_predict(result, &all, &answer, &error);
    if (rc >= 0) assert_true(same(&answer, &right));
    return tell(rc, &error, err);
}

static int stream_once(void *context, ag_err *err)
{
    auger_error error = {0};
    auger_answer answer;
    auger_stream *stream = NULL;
    auger_hole_samples half = samples(), rest = samples();
    (void)context;
    half.count = ROWS / 2;
    rest = (auger_hole_samples){ROWS - ROWS / 2, 0, depth + ROWS / 2, torque + ROWS / 2, thrust + ROWS / 2,
                                steps + ROWS / 2};
    int rc = auger_stream_open(result, 100, &stream, &error);
    if (rc >= 0) rc = auger_stream_add(stream, &half, &error);
    if (rc >= 0 && (rc = auger_stream_add(stream, &rest, &error)) < 0) {
        auger_error second;
        expect(auger_stream_add(stream, &rest, &second), &second); /* nothing of it was taken */
        expect(auger_stream_answer(stream, &answer, &second), &second);
        assert_true(same(&answer, &right));
    } else if (rc >= 0 && (rc = auger_stream_answer(stream, &answer, &error)) >= 0) {
        assert_true(same(&answer, &right));
    }
    auger_stream_free(stream);
    return tell(rc, &error, err);
}

AG_TEST(test_holes__failing_memory_is_told_and_harms_nothing)
{
    prepare();
    ag_test_fail_at_n(AG_FAULT_ALLOC, ask_once, NULL, NULL);
    ag_test_fail_at_n(AG_FAULT_ALLOC, stream_once, NULL, NULL);
}

AG_TEST(test_holes__a_forecaster_answers_for_no_holes)
{
    static const char waves[] = "strategy: forecast\n"
                                "model_config: {architecture: nlinear}\n"
                                "data_config: {context_length: 8, horizon: 2}\n"
                                "training_config: {epochs: 1}\n";
    prepare();
    auger_error error;
    auger_answer answer;
    auger_builder *builder = NULL;
    auger_result *forecaster = NULL;
    auger_stream *stream = NULL;
    char series[700];
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "x\n");
    for (int i = 0; i < 100; i++) ag_buf_addf(&text, "%.4f\n", sin(i * 0.5));
    ag_format(series, sizeof series, "%s/series.csv", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(series, text.data, text.size, &err));
    ag_buf_deinit(&text);
    EXPECT(auger_builder_new(&builder, &error));
    EXPECT(auger_builder_settings_text(builder, waves, &error));
    EXPECT(auger_builder_data(builder, series, &error));
    EXPECT(auger_builder_output(builder, ag_test_dir(), &error));
    EXPECT(auger_builder_build(builder, &forecaster, &error));
    auger_hole_samples all = samples();
    assert_true(auger_result_predict(forecaster, &all, &answer, &error) < 0 && strstr(error.text, "forecast"));
    assert_true(auger_stream_open(forecaster, 100, &stream, &error) < 0 && strstr(error.text, "forecast"));
    assert_null(stream);
    auger_result_free(forecaster);
    auger_builder_free(builder);
    auger_result_free(result); /* the last test: it goes */
    result = NULL;
}
