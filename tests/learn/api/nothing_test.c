// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "auger/training.h"
#include "frame/test.h"

/* Who goes on behind a failure has NULL in hand. */
AG_TEST(test_nothing__is_refused_and_crashes_nowhere)
{
    auger_error error;
    auger_answer answer;
    auger_result *result = NULL;
    auger_stream *stream = NULL;
    void *bytes = NULL;
    size_t size = 0;
    const auger_hole_samples none = {0};
    assert_true(auger_builder_new(NULL, &error) == AUGER_EINVAL);
    const int refused[] = {auger_builder_data(NULL, "d", &error),
                           auger_builder_output(NULL, "o", &error),
                           auger_builder_strategy(NULL, "exec", &error),
                           auger_builder_settings_file(NULL, "f", &error),
                           auger_builder_settings_text(NULL, "seed: 1", &error),
                           auger_builder_set(NULL, "seed=1", &error),
                           auger_builder_tracker(NULL, "home", NULL, &error),
                           auger_builder_tracker(NULL, "http://127.0.0.1:1", NULL, &error),
                           auger_builder_server(NULL, "http://127.0.0.1:1", NULL, &error),
                           auger_builder_checkpoints(NULL, 1, 1, &error),
                           auger_builder_registry(NULL, "m", NULL, &error),
                           auger_builder_threads(NULL, 1, &error),
                           auger_builder_monitor(NULL, NULL, NULL, &error),
                           auger_builder_build(NULL, &result, &error),
                           auger_result_program(NULL, "s", &error),
                           auger_result_predict_file(NULL, "f", &answer, &error),
                           auger_result_predict_batch(NULL, &none, 1, &answer, &error),
                           auger_result_save(NULL, "d", &error),
                           auger_result_serialise(NULL, &bytes, &size, &error),
                           auger_stream_open(NULL, 100, &stream, &error),
                           auger_stream_add(NULL, &none, &error),
                           auger_stream_answer(NULL, &answer, NULL)};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) assert_int_equal(refused[i], AUGER_EINVAL);
    assert_true(!result && !stream && !bytes && strstr(error.text, "no stream"));
    assert_null(auger_result_strategy(NULL));
    assert_null(auger_result_experiment(NULL));
    assert_null(auger_result_run(NULL));
    assert_null(auger_result_data_sha256(NULL));
    assert_null(auger_result_model_version(NULL));
    assert_null(auger_result_checkpoint(NULL));
    assert_null(auger_result_model_dir(NULL));
    assert_null(auger_result_settings(NULL));
    assert_null(auger_result_metric(NULL, 0, NULL));
    assert_null(auger_result_column(NULL, 0, NULL));
    assert_true(auger_result_parameters(NULL) == 0 && !auger_result_metric_by_name(NULL, "mae", NULL));
    auger_builder_cancel(NULL);
    auger_stream_reset(NULL);
}
