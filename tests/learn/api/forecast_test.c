// SPDX-License-Identifier: Apache-2.0
/* Forecasts from C: from a file and from the caller's rows, after loading, by several threads, and what is refused. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "auger/training.h"
#include "core/io/file.h"
#include "frame/test.h"

enum { ROWS = 200, CONTEXT = 8, STEPS = 2 };

static const char settings[] = "strategy: forecast\n"
                               "model_config: {architecture: nlinear}\n"
                               "data_config: {context_length: 8, horizon: 2}\n"
                               "training_config: {epochs: 3, batch_size: 32}\n";
static double rows[2 * ROWS];
static char path[700];

static auger_result *make(const char *more)
{
    ag_err err = {0};
    auger_error error;
    auger_builder *builder = NULL;
    auger_result *result = NULL;
    ag_buf text;
    static int count;
    char output[700];
    ag_format(path, sizeof path, "%s/series.csv", ag_test_dir());
    ag_format(output, sizeof output, "%s/out%d", ag_test_dir(), ++count);
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "when,x,y\n");
    for (int i = 0; i < ROWS; i++) {
        rows[2 * i] = sin(i * 0.5);
        rows[2 * i + 1] = 20 + cos(i * 0.2);
        ag_buf_addf(&text, "2020-01-%02d %02d:00,%.17g,%.17g\n", 1 + i / 24, i % 24, rows[2 * i], rows[2 * i + 1]);
    }
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    ag_buf_deinit(&text);
    int rc = auger_builder_new(&builder, &error);
    if (rc >= 0) rc = auger_builder_settings_text(builder, settings, &error);
    if (rc >= 0) rc = auger_builder_data(builder, path, &error);
    if (rc >= 0) rc = auger_builder_output(builder, output, &error);
    if (rc >= 0 && more) rc = auger_builder_set(builder, more, &error);
    if (rc >= 0) rc = auger_builder_build(builder, &result, &error);
    if (rc < 0) fail_msg("%s", error.text);
    auger_builder_free(builder);
    return result;
}

static void refused(int rc, const auger_error *error, const char *part)
{
    if (rc >= 0 || !strstr(error->text, part)) fail_msg("%d: %s", rc, error->text);
}

AG_TEST(test_forecast__a_file_and_the_same_rows_give_the_same)
{
    auger_error error;
    auger_forecast *of_file = NULL, *of_rows = NULL;
    auger_result *result = make(NULL);
    size_t context = 0;
    assert_string_equal(auger_result_column(result, 0, &context), "x");
    assert_string_equal(auger_result_column(result, 1, NULL), "y");
    assert_null(auger_result_column(result, 2, NULL));
    assert_int_equal(context, CONTEXT);
    if (auger_result_forecast_file(result, path, 0.8, &of_file, &error) < 0) fail_msg("%s", error.text);
    if (auger_result_forecast(result, rows, ROWS, 0.8, &of_rows, &error) < 0) fail_msg("%s", error.text);
    assert_true(of_file->steps == STEPS && of_file->columns == 2 && of_file->coverage == 0.8);
    assert_string_equal(of_file->names[1], "y");
    for (size_t i = 0; i < STEPS * 2; i++) {
        assert_true(of_file->value[i] == of_rows->value[i] && of_file->high[i] == of_rows->high[i]);
        assert_true(of_file->low[i] < of_file->value[i] && of_file->value[i] < of_file->high[i]);
    }
    assert_null(of_rows->times);
    assert_true(of_file->times[1] - of_file->times[0] == 3600000000LL);
    auger_forecast_free(of_rows);
    if (auger_result_forecast(result, rows + 2 * (ROWS - CONTEXT), CONTEXT, 0, &of_rows, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(of_rows->value[3] == of_file->value[3] && of_rows->coverage == 0.9);
    auger_forecast_free(of_rows);
    auger_forecast_free(of_file);
    auger_forecast_free(NULL);
    auger_result_free(result);
}

AG_TEST(test_forecast__refusals_tell_what_is_wrong)
{
    auger_error error;
    auger_forecast *f = NULL;
    auger_answer answer;
    auger_stream *stream = NULL;
    auger_result *result = make(NULL);
    refused(auger_result_forecast(result, rows, 7, 0.9, &f, &error), &error, "7 rows are too few: the model sees 8");
    refused(auger_result_forecast(result, rows, 0, 0.9, &f, &error), &error, "0 rows are too few");
    refused(auger_result_forecast(result, rows, ROWS, 0.77, &f, &error), &error, "no intervals of coverage 0.77");
    refused(auger_result_forecast(result, rows, ROWS, -1, &f, &error), &error, "a coverage lies between 0 and 1");
    refused(auger_result_forecast(result, rows, ROWS, (double)NAN, &f, &error), &error, "a coverage lies");
    refused(auger_result_forecast(result, rows, SIZE_MAX / 2, 0, &f, &error), &error, "more than memory can hold");
    refused(auger_result_forecast(result, NULL, 8, 0, &f, &error), &error, "are wanted");
    refused(auger_result_forecast(NULL, rows, 8, 0, &f, &error), &error, "are wanted");
    refused(auger_result_forecast(result, rows, 8, 0, NULL, &error), &error, "are wanted");
    refused(auger_result_forecast_file(result, "/no/such.csv", 0, &f, &error), &error, "such.csv");
    double before = rows[2 * ROWS - 1];
    rows[2 * ROWS - 1] = (double)NAN;
    refused(auger_result_forecast(result, rows, ROWS, 0, &f, &error), &error, "column 'y' has no number in row 200");
    rows[2 * ROWS - 1] = (double)INFINITY;
    refused(auger_result_forecast(result, rows, ROWS, 0, &f, &error), &error, "row 199, column 1");
    rows[2 * ROWS - 1] = before;
    assert_null(f);
    refused(auger_result_predict_file(result, path, &answer, &error), &error, "does not answer for holes");
    assert_non_null(strstr(error.hint, "auger_result_forecast()"));
    refused(auger_result_predict_files(result, NULL, 0, NULL, &error), &error, "does not answer for holes");
    refused(auger_result_predict(result, &(auger_hole_samples){0}, &answer, &error), &error, "does not answer");
    refused(auger_stream_open(result, 100, &stream, &error), &error, "does not answer for holes");
    auger_result_free(result);
    result = make("data_config.missing=previous");
    rows[2 * ROWS - 1] = (double)NAN;
    if (auger_result_forecast(result, rows, ROWS, 0, &f, &error) < 0) fail_msg("%s", error.text);
    auger_forecast_free(f);
    auger_result_free(result);
    result = make("data_config.split={train: 0.8, validation: 0, test: 0.2}");
    if (auger_result_forecast(result, rows, ROWS, 0, &f, &error) < 0) fail_msg("%s", error.text);
    assert_true(!f->low && !f->high && f->coverage == 0);
    auger_forecast_free(f);
    auger_result_free(result);
}

static void *ask_many(void *context)
{
    auger_error error;
    for (int i = 0; i < 20; i++) {
        auger_forecast *f = NULL;
        if (auger_result_forecast(context, rows, ROWS, 0, &f, &error) < 0) return context;
        auger_forecast_free(f);
    }
    return NULL;
}

AG_TEST(test_forecast__a_kept_result_forecasts_for_many_threads_at_once)
{
    enum { THREADS = 4 };
    auger_error error;
    auger_forecast *before = NULL, *after = NULL;
    auger_result *result = make(NULL), *again = NULL;
    pthread_t threads[THREADS];
    void *bytes = NULL;
    size_t size = 0;
    if (auger_result_forecast(result, rows, ROWS, 0, &before, &error) < 0) fail_msg("%s", error.text);
    if (auger_result_serialise(result, &bytes, &size, &error) < 0) fail_msg("%s", error.text);
    if (auger_result_deserialise(bytes, size, ag_test_dir(), &again, &error) < 0) fail_msg("%s", error.text);
    auger_bytes_free(bytes);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_many, again), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    if (auger_result_forecast(again, rows, ROWS, 0, &after, &error) < 0) fail_msg("%s", error.text);
    for (size_t i = 0; i < STEPS * 2; i++)
        assert_true(before->value[i] == after->value[i] && before->low[i] == after->low[i]);
    auger_result_free(again);
    auger_forecast_free(after);
    auger_forecast_free(before);
    auger_result_free(result);
}

static int forecast_once(void *context, ag_err *err)
{
    auger_error error;
    auger_forecast *f = NULL;
    auger_result *result = NULL;
    int rc = auger_result_load(context, &result, &error);
    if (rc >= 0) rc = auger_result_forecast(result, rows, ROWS, 0, &f, &error);
    if (rc < 0) (void)ag_fail(err, (ag_code)rc, "%s", error.text);
    auger_forecast_free(f);
    auger_result_free(result);
    return rc;
}

AG_TEST(test_forecast__every_failing_call_is_told)
{
    ag_err err = {0};
    auger_error error;
    char kept[700];
    auger_result *result = make(NULL);
    ag_format(kept, sizeof kept, "%s/kept", ag_test_dir());
    if (auger_result_save(result, kept, &error) < 0) fail_msg("%s", error.text);
    auger_result_free(result);
    AG_EXPECT_OK(forecast_once(kept, &err));
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, forecast_once, NULL, kept);
}
