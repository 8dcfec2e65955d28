// SPDX-License-Identifier: Apache-2.0
/* The public face of training: what a builder refuses, what a result knows, what survives being kept, and threads. */
#include "auger/training.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "auger/model.h"
#include "core/base/buf.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "data/prepared.h"
#include "data/reader.h"
#include "learn/drilling/folder.h"
#include "learn/pack.h"

static const char forecast[] = "strategy: forecast\n"
                               "model_config: {architecture: nlinear}\n"
                               "data_config: {context_length: 8, horizon: 2}\n"
                               "training_config: {epochs: 3, batch_size: 32}\n"
                               "experiment_name: waves\n";

static const char drilling[] = "strategy: patchtsmixer_single\n"
                               "model_config: {architecture: PatchTSMixer, d_model: 8, num_layers: 1}\n"
                               "training_config: {epochs: 2, batch_size: 8}\n"
                               "data_config: {preprocessing: {channels: [torque, thrust, position]}}\n";

typedef struct seen {
    int kinds[AUGER_EVENT_METRIC + 1];
    int stop_after; /* epochs; 0: never */
    double last_loss;
    auger_builder *builder;
} seen;

static int look(void *context, const auger_event *event)
{
    seen *s = context;
    s->kinds[event->kind]++;
    if (event->kind == AUGER_EVENT_EPOCH) {
        assert_true(event->epoch == s->kinds[AUGER_EVENT_EPOCH] && isfinite(event->train_loss));
        s->last_loss = event->train_loss;
    }
    if (event->kind == AUGER_EVENT_STEP)
        assert_true(strcmp(event->training, "model") == 0 && isfinite(event->loss) && event->step > 0);
    return s->stop_after && s->kinds[AUGER_EVENT_EPOCH] >= s->stop_after;
}

static void expect(int rc, const auger_error *error)
{
    if (rc < 0) fail_msg("%d: %s (%s)", rc, error->text, error->hint);
}
#define EXPECT(call) expect((call), &error)

static void expect_refusal(int rc, const auger_error *error, int code, const char *part)
{
    if (rc != code || error->code != code || !strstr(error->text, part)) fail_msg("%d: %s", rc, error->text);
}
#define REFUSED(call, code, part) expect_refusal((call), &error, (code), (part))

static const char *series(const char *dir)
{
    static char path[700];
    ag_err err = {0};
    ag_buf text;
    ag_format(path, sizeof path, "%s/series.csv", dir);
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "x\n");
    for (int i = 0; i < 200; i++) ag_buf_addf(&text, "%.4f\n", sin(i * 0.5));
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    ag_buf_deinit(&text);
    return path;
}

static auger_builder *builder_for(const char *settings, const char *data, const char *output)
{
    auger_error error;
    auger_builder *builder = NULL;
    EXPECT(auger_builder_new(&builder, &error));
    EXPECT(auger_builder_settings_text(builder, settings, &error));
    EXPECT(auger_builder_data(builder, data, &error));
    EXPECT(auger_builder_output(builder, output, &error));
    EXPECT(auger_builder_threads(builder, 1, &error));
    return builder;
}

static const char *below(const char *dir, const char *name)
{
    static char paths[8][700];
    static int next;
    char *path = paths[next++ % 8];
    ag_format(path, 700, "%s/%s", dir, name);
    return path;
}

static void same_text(const char *a, const char *b)
{
    if (!a || !b)
        assert_true(a == b);
    else
        assert_string_equal(a, b);
}

static void same_facts(const auger_result *a, const auger_result *b)
{
    const char *name;
    double x, y;
    same_text(auger_result_strategy(a), auger_result_strategy(b));
    same_text(auger_result_experiment(a), auger_result_experiment(b));
    same_text(auger_result_run(a), auger_result_run(b));
    same_text(auger_result_data_sha256(a), auger_result_data_sha256(b));
    same_text(auger_result_model_version(a), auger_result_model_version(b));
    same_text(auger_result_checkpoint(a), auger_result_checkpoint(b));
    same_text(auger_result_settings(a), auger_result_settings(b));
    assert_true(auger_result_parameters(a) == auger_result_parameters(b));
    for (size_t i = 0; (name = auger_result_metric(a, i, &x)); i++) {
        same_text(name, auger_result_metric(b, i, &y));
        assert_true(x == y || (isnan(x) && isnan(y)));
    }
}

/* ---- building ---- */

AG_TEST(test_training__a_result_knows_what_it_is)
{
    auger_error error;
    auger_result *result = NULL;
    seen s = {0};
    double value = 0.0;
    const char *dir = ag_test_dir();
    auger_builder *builder = builder_for(forecast, series(dir), below(dir, "out"));
    EXPECT(auger_builder_set(builder, "training_config.epochs=4", &error));
    EXPECT(auger_builder_tracker(builder, below(dir, "home"), NULL, &error));
    EXPECT(auger_builder_registry(builder, "it's waves", "best", &error));
    EXPECT(auger_builder_monitor(builder, look, &s, &error));
    EXPECT(auger_builder_build(builder, &result, &error));
    assert_true(error.code == 0 && !*error.text);
    assert_true(s.kinds[AUGER_EVENT_PHASE] >= 4 && s.kinds[AUGER_EVENT_TRAINING] == 1);
    assert_true(s.kinds[AUGER_EVENT_EPOCH] == 4 && s.kinds[AUGER_EVENT_TRAINED] == 1 && s.kinds[AUGER_EVENT_STEP] > 4);
    assert_string_equal(auger_result_strategy(result), "forecast");
    assert_string_equal(auger_result_experiment(result), "waves");
    assert_string_equal(auger_result_model_version(result), "it's waves/1");
    assert_true(strlen(auger_result_run(result)) == 32 && strlen(auger_result_data_sha256(result)) == 64);
    assert_non_null(strstr(auger_result_checkpoint(result), "/out/checkpoints"));
    assert_non_null(strstr(auger_result_settings(result), "epochs: 4"));
    assert_int_equal(auger_result_parameters(result), 8 * 2 + 2);
    assert_true(auger_result_metric_by_name(result, "test_mse", &value) && value >= 0.0);
    assert_false(auger_result_metric_by_name(result, "none", &value));
    assert_non_null(auger_result_metric(result, 0, NULL));
    assert_null(auger_result_metric(result, 1000, &value));
    auger_model *model = NULL; /* other models than those of holes predict by themselves */
    EXPECT(auger_model_load(auger_result_model_dir(result), &model, &error));
    auger_model_free(model);
    auger_answer answer;
    assert_true(auger_result_predict_file(result, series(dir), &answer, &error) < 0);
    auger_result_free(result);
    auger_builder_free(builder);
}

AG_TEST(test_training__a_builder_refuses_what_is_wrong)
{
    auger_error error;
    auger_result *result = NULL;
    const char *dir = ag_test_dir();
    auger_builder *builder = NULL;
    EXPECT(auger_builder_new(&builder, &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_EINVAL, "no data");
    EXPECT(auger_builder_data(builder, series(dir), &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_EINVAL, "no output directory");
    EXPECT(auger_builder_output(builder, below(dir, "out"), &error));
    EXPECT(auger_builder_strategy(builder, "forcast", &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_EINVAL, "there is no strategy 'forcast'");
    assert_non_null(strstr(error.hint, "forecast"));
    EXPECT(auger_builder_strategy(builder, "forecast", &error));
    EXPECT(auger_builder_settings_text(builder, "epoch: 3\n", &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_EINVAL, "settings:1:1");
    EXPECT(auger_builder_settings_text(builder, "a: [\n", &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_EINVAL, "settings:");
    EXPECT(auger_builder_settings_file(builder, below(dir, "none.yaml"), &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_ENOTFOUND, "none.yaml");
    EXPECT(auger_builder_settings_text(builder, forecast, &error));
    EXPECT(auger_builder_registry(builder, "waves", NULL, &error));
    REFUSED(auger_builder_build(builder, &result, &error), AUGER_EINVAL, "cannot be registered");
    REFUSED(auger_builder_build(builder, NULL, &error), AUGER_EINVAL, "nowhere");
    REFUSED(auger_builder_set(builder, "epochs", &error), AUGER_EINVAL, "KEY=VALUE");
    REFUSED(auger_builder_set(builder, NULL, &error), AUGER_EINVAL, "no assignment");
    REFUSED(auger_builder_data(builder, "", &error), AUGER_EINVAL, "no path");
    REFUSED(auger_builder_threads(builder, 5000, &error), AUGER_EINVAL, "1024");
    REFUSED(auger_builder_checkpoints(builder, NAN, 0, &error), AUGER_EINVAL, "seconds");
    REFUSED(auger_builder_tracker(builder, NULL, NULL, &error), AUGER_EINVAL, "home");
    REFUSED(auger_builder_tracker(builder, NULL, "http://x", &error), AUGER_EINVAL, "a server is named alone");
    REFUSED(auger_builder_tracker(builder, "http://x", "y.db", &error), AUGER_EINVAL, "a server is named alone");
    REFUSED(auger_builder_server(builder, "postgresql://x", NULL, &error), AUGER_EINVAL, "no address of a server");
    REFUSED(auger_builder_server(builder, NULL, NULL, &error), AUGER_EINVAL, "no address");
    assert_null(result);
    auger_builder_free(builder);
    auger_builder_free(NULL);
    auger_result_free(NULL);
}

static void *cancel_now(void *context)
{
    auger_builder_cancel(context);
    return NULL;
}

static int cancel_by_thread(void *context, const auger_event *event)
{
    seen *s = context;
    pthread_t thread;
    if (event->kind != AUGER_EVENT_EPOCH || s->kinds[AUGER_EVENT_EPOCH]++ > 0) return 0;
    assert_int_equal(pthread_create(&thread, NULL, cancel_now, s->builder), 0);
    pthread_join(thread, NULL);
    return 0;
}

AG_TEST(test_training__stops_and_goes_on_to_the_same_bits)
{
    auger_error error;
    auger_result *whole = NULL, *stopped = NULL;
    seen s = {.stop_after = 1};
    const char *dir = ag_test_dir();
    double a, b;
    auger_builder *builder = builder_for(forecast, series(dir), below(dir, "whole"));
    EXPECT(auger_builder_build(builder, &whole, &error));
    EXPECT(auger_builder_output(builder, below(dir, "stopped"), &error));
    EXPECT(auger_builder_monitor(builder, look, &s, &error));
    EXPECT(auger_builder_checkpoints(builder, 100, 1, &error));
    REFUSED(auger_builder_build(builder, &stopped, &error), AUGER_ECANCELLED, "");
    s = (seen){.builder = builder};
    EXPECT(auger_builder_monitor(builder, cancel_by_thread, &s, &error));
    REFUSED(auger_builder_build(builder, &stopped, &error), AUGER_ECANCELLED, "");
    auger_builder_cancel(builder); /* before a build: this build */
    REFUSED(auger_builder_build(builder, &stopped, &error), AUGER_ECANCELLED, "");
    EXPECT(auger_builder_monitor(builder, NULL, NULL, &error));
    EXPECT(auger_builder_build(builder, &stopped, &error));
    for (size_t i = 0; auger_result_metric(whole, i, &a); i++) {
        (void)auger_result_metric(stopped, i, &b);
        assert_true(a == b);
    }
    auger_result_free(whole);
    auger_result_free(stopped);
    auger_builder_free(builder);
}

/* ---- keeping ---- */

AG_TEST(test_training__a_result_is_kept_with_all_it_knows)
{
    auger_error error;
    auger_result *result = NULL, *loaded = NULL, *again = NULL, *out = NULL;
    void *bytes = NULL;
    size_t size = 0;
    char was[700];
    const char *dir = ag_test_dir();
    auger_builder *builder = builder_for(forecast, series(dir), below(dir, "out"));
    EXPECT(auger_builder_tracker(builder, below(dir, "home"), NULL, &error));
    EXPECT(auger_builder_build(builder, &result, &error));
    EXPECT(auger_result_save(result, below(dir, "kept"), &error));
    EXPECT(auger_result_save(result, below(dir, "kept"), &error)); /* over itself */
    EXPECT(auger_result_load(below(dir, "kept"), &loaded, &error));
    same_facts(result, loaded);
    EXPECT(auger_result_load(below(dir, "out"), &out, &error));
    same_facts(result, out);
    EXPECT(auger_result_serialise(loaded, &bytes, &size, &error));
    EXPECT(auger_result_deserialise(bytes, size, below(dir, "somewhere"), &again, &error));
    same_facts(result, again);
    ag_format(was, sizeof was, "%s", auger_result_model_dir(again));
    assert_true(ag_file_exists(was));
    auger_model *model = NULL;
    EXPECT(auger_model_load(was, &model, &error));
    auger_model_free(model);
    auger_result_free(again);
    assert_false(ag_file_exists(was));
    auger_bytes_free(bytes);
    auger_result_free(out);
    /* What auger train leaves has no facts of its own, and is read all the same. */
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_remove(below(below(dir, "out"), "result.json"), &err));
    EXPECT(auger_result_load(below(dir, "out"), &out, &error));
    same_text(auger_result_run(out), auger_result_run(result));
    same_text(auger_result_data_sha256(out), auger_result_data_sha256(result));
    REFUSED(auger_result_load(dir, &out, &error), AUGER_ENOTFOUND, "no result of a training");
    auger_result_free(out);
    auger_result_free(loaded);
    auger_result_free(result);
    auger_builder_free(builder);
}

/* A packed model with this hash and these files, in the form of pack.h. */
static void seal(char *bytes, size_t size)
{
    ag_err err = {0};
    ag_sha256 digest;
    AG_EXPECT_OK(ag_sha256_of(bytes + 40, size - 40, &digest, &err));
    memcpy(bytes + 8, digest.bytes, 32);
}

static size_t pack_one(char *out, const char *path, const char *text)
{
    memset(out, 0, 44);
    memcpy(out, "AUGERPK1", 8);
    out[40] = 1;
    size_t length = strlen(path), size = strlen(text);
    memset(out + 44, 0, 10);
    out[44] = (char)length;
    out[46] = (char)size;
    memcpy(out + 54, path, length);
    memcpy(out + 54 + length, text, size);
    seal(out, 54 + length + size);
    return 54 + length + size;
}

AG_TEST(test_training__hostile_bytes_are_refused_and_leave_nothing)
{
    auger_error error;
    auger_result *result = NULL;
    char bytes[600];
    ag_err err = {0};
    const char *dir = below(ag_test_dir(), "place");
    static const char *const paths[] = {"../x", "/etc/x", "a/../../x", "", "a//b", "a/./b", "c:\\x", "a\nb"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        size_t size = pack_one(bytes, paths[i], "x");
        REFUSED(auger_result_deserialise(bytes, size, dir, &result, &error), AUGER_EDENIED, "packed model");
    }
    size_t size = pack_one(bytes, "result.json", "{\"format\": 1}");
    REFUSED(auger_result_deserialise(bytes, size, dir, &result, &error), AUGER_ENOTFOUND, "there is no model");
    REFUSED(auger_result_deserialise(bytes, size - 1, dir, &result, &error), AUGER_ECORRUPT, "hash differs");
    REFUSED(auger_result_deserialise(bytes, 10, dir, &result, &error), AUGER_ECORRUPT, "no packed model");
    bytes[size] = 0;
    seal(bytes, size + 1);
    REFUSED(auger_result_deserialise(bytes, size + 1, dir, &result, &error), AUGER_ECORRUPT, "stands behind");
    for (int at = 46; at < 54; at++) { /* sizes of every magnitude */
        size = pack_one(bytes, "result.json", "{}");
        bytes[at] = (char)0xff;
        seal(bytes, size);
        REFUSED(auger_result_deserialise(bytes, size, dir, &result, &error), AUGER_ECORRUPT, "ends inside");
    }
    bytes[43] = 0x7f;
    seal(bytes, size);
    REFUSED(auger_result_deserialise(bytes, size, dir, &result, &error), AUGER_ECORRUPT, "files");
    static const char *const facts[] = {"{\"format\": 2}",
                                        "[]",
                                        "{\"format\": 1, \"run_id\": 3}",
                                        "{\"format\": 1,",
                                        "{\"format\": 1, \"run_id\": \"a\\u0000b\"}",
                                        "{\"format\": 1, \"metrics\": {\"a\": \"b\"}}"};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        size = pack_one(bytes, "result.json", facts[i]);
        assert_true(auger_result_deserialise(bytes, size, dir, &result, &error) < 0 && *error.text);
    }
    REFUSED(auger_result_deserialise(NULL, 0, dir, &result, &error), AUGER_EINVAL, "no bytes");
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_dir_list(dir, arena, &names, &err));
    assert_true(names.count == 0 && !result);
    ag_vec_deinit(&names);
    ag_arena_free(arena);
}

AG_TEST(test_training__every_flipped_bit_of_a_kept_result_is_found)
{
    auger_error error;
    auger_result *result = NULL, *broken = NULL;
    void *bytes = NULL;
    size_t size = 0;
    const char *dir = ag_test_dir();
    auger_builder *builder = builder_for(forecast, series(dir), below(dir, "out"));
    EXPECT(auger_builder_build(builder, &result, &error));
    EXPECT(auger_result_serialise(result, &bytes, &size, &error));
    size_t every = size / ag_test_rounds(100, 5000) + 1;
    for (size_t i = 0; i < size; i += every) {
        ((char *)bytes)[i] ^= 4;
        REFUSED(auger_result_deserialise(bytes, size, dir, &broken, &error), AUGER_ECORRUPT, "");
        ((char *)bytes)[i] ^= 4;
    }
    auger_bytes_free(bytes);
    auger_result_free(result);
    auger_builder_free(builder);
}

static int build_it(void *context, ag_err *err)
{
    const char *dir = context;
    auger_error error = {0};
    auger_builder *builder = NULL;
    auger_result *result = NULL;
    int rc = auger_builder_new(&builder, &error);
    if (rc >= 0) rc = auger_builder_settings_text(builder, forecast, &error);
    if (rc >= 0) rc = auger_builder_set(builder, "training_config.epochs=1", &error);
    if (rc >= 0) rc = auger_builder_data(builder, below(dir, "series.csv"), &error);
    if (rc >= 0) rc = auger_builder_output(builder, below(dir, "out"), &error);
    if (rc >= 0) rc = auger_builder_threads(builder, 1, &error);
    if (rc >= 0) rc = auger_builder_checkpoints(builder, -1, 0, &error);
    if (rc >= 0) rc = auger_builder_build(builder, &result, &error);
    auger_result_free(result);
    auger_builder_free(builder);
    return rc < 0 ? ag_fail(err, (ag_code)rc, "%s", error.text) : 0;
}

static int keep_it(void *context, ag_err *err)
{
    const char *dir = context;
    auger_error error = {0};
    auger_result *result = NULL, *again = NULL;
    void *bytes = NULL;
    size_t size;
    int rc = auger_result_load(below(dir, "out"), &result, &error);
    if (rc >= 0) rc = auger_result_serialise(result, &bytes, &size, &error);
    if (rc >= 0) rc = auger_result_deserialise(bytes, size, dir, &again, &error);
    auger_result_free(again);
    auger_bytes_free(bytes);
    auger_result_free(result);
    return rc < 0 ? ag_fail(err, (ag_code)rc, "%s", error.text) : 0;
}

AG_TEST(test_training__fails_whole_at_any_call)
{
    char dir[600];
    ag_format(dir, sizeof dir, "%s", ag_test_dir());
    (void)series(dir);
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC, build_it, NULL, dir);
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, keep_it, NULL, dir);
}

/* ---- holes ---- */

typedef struct asking {
    auger_result *result;
    const char *const *paths;
    size_t count;
    const auger_answer *expected;
    atomic_int different;
} asking;

static bool same_answer(const auger_answer *a, const auger_answer *b)
{
    return a->outcome == b->outcome && memcmp(&a->exit.mm, &b->exit.mm, sizeof(double)) == 0 &&
           a->confidence == b->confidence && strcmp(a->reason, b->reason) == 0;
}

static void *ask_one_by_one(void *context)
{
    asking *a = context;
    for (size_t i = 0; i < a->count; i++) {
        auger_answer answer;
        auger_error error;
        if (auger_result_predict_file(a->result, a->paths[i], &answer, &error) < 0 ||
            !same_answer(&answer, &a->expected[i]))
            a->different++;
    }
    return NULL;
}

static void read_samples(const ag_hole *hole, double *out[3], int32_t *step)
{
    static const ag_channel_id ids[] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST};
    for (size_t i = 0; i < hole->signal.rows; i++) {
        for (int c = 0; c < 3; c++) out[c][i] = ag_signal_value(&hole->signal, ids[c], i) * (c ? 1 : -1);
        step[i] = hole->signal.by_id[AG_CHANNEL_STEP][i] / 1000;
    }
}

/* The samples of a file, as one call and as a stream, get one answer. */
static void ask_by_samples(auger_result *result, const char *path, ag_arena *arena)
{
    auger_error error;
    ag_err err = {0};
    ag_hole *hole = NULL;
    double *values[3];
    AG_EXPECT_OK(ag_hole_read_file(path, NULL, arena, &hole, NULL, &err));
    size_t rows = hole->signal.rows;
    for (int c = 0; c < 3; c++) values[c] = ag_arena_array(arena, rows, sizeof(double));
    int32_t *step = ag_arena_array(arena, rows, sizeof *step);
    read_samples(hole, values, step);
    auger_hole_samples all = {rows, hole->signal.rate, values[0], values[1], values[2], step};
    auger_answer one, many[2], streamed;
    EXPECT(auger_result_predict(result, &all, &one, &error));
    const auger_hole_samples two[] = {all, {.count = 3}};
    EXPECT(auger_result_predict_batch(result, two, 2, many, &error));
    assert_true(same_answer(&one, &many[0]) && many[1].outcome == AUGER_OUTCOME_UNKNOWN && *many[1].reason);
    auger_stream *stream = NULL;
    EXPECT(auger_stream_open(result, hole->signal.rate, &stream, &error));
    EXPECT(auger_stream_answer(stream, &streamed, &error));
    assert_true(streamed.outcome == AUGER_OUTCOME_UNKNOWN && isnan(streamed.exit.mm));
    for (size_t at = 0; at < rows; at += 100) {
        size_t count = rows - at < 100 ? rows - at : 100;
        const auger_hole_samples piece = {count, 0, values[0] + at, values[1] + at, values[2] + at, step + at};
        EXPECT(auger_stream_add(stream, &piece, &error));
        EXPECT(auger_stream_answer(stream, &streamed, &error)); /* whatever a model of few epochs thinks */
        if (!isnan(streamed.exit.mm)) assert_true(values[0][at + count - 1] > one.exit.mm);
    }
    EXPECT(auger_stream_answer(stream, &streamed, &error));
    assert_true(same_answer(&one, &streamed));
    REFUSED(auger_stream_add(stream, &two[1], &error), AUGER_EINVAL, "a piece has");
    auger_stream_reset(stream);
    EXPECT(auger_stream_answer(stream, &streamed, &error));
    assert_int_equal(streamed.outcome, AUGER_OUTCOME_UNKNOWN);
    auger_stream_free(stream);
    auger_stream_free(NULL);
    values[1][5] = NAN;
    REFUSED(auger_result_predict(result, &all, &one, &error), AUGER_EINVAL, "sample 5 of torque");
    values[1][5] = 1e12;
    REFUSED(auger_result_predict(result, &all, &one, &error), AUGER_EINVAL, "sample 5 of torque");
    all.rate = -1;
    REFUSED(auger_result_predict(result, &all, &one, &error), AUGER_EINVAL, "rate");
}

static size_t hole_files(const char *dir, ag_arena *arena, const char **paths, size_t most)
{
    ag_err err = {0};
    ag_prepared_set set;
    AG_EXPECT_OK(ag_prepared_load(dir, arena, &set, &err));
    size_t count = 0;
    for (size_t i = 0; i < set.count && count < most; i++) paths[count++] = set.holes[i].path;
    return count;
}

AG_TEST(test_training__answers_for_holes_by_file_by_samples_and_by_threads)
{
    enum { HOLES = 10, THREADS = 3 };
    auger_error error;
    auger_result *result = NULL, *again = NULL;
    pthread_t threads[THREADS];
    const char *names[HOLES], *paths[HOLES + 1];
    auger_answer answers[HOLES + 1], others[HOLES + 1];
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(HOLES, 11), *set = prepared(raw, arena);
    auger_builder *builder = builder_for(drilling, set, below(ag_test_dir(), "out"));
    EXPECT(auger_builder_build(builder, &result, &error));
    size_t count = hole_files(set, arena, names, HOLES);
    for (size_t i = 0; i < count; i++) paths[i] = ag_arena_printf(arena, "%s/%s", raw, names[i]);
    paths[count] = "/nowhere/hole.xls";
    EXPECT(auger_result_predict_files(result, paths, count + 1, answers, &error));
    assert_true(answers[count].outcome == AUGER_OUTCOME_UNKNOWN && strstr(answers[count].reason, "/nowhere"));
    REFUSED(auger_result_predict_file(result, paths[count], &answers[count], &error), AUGER_ENOTFOUND, "/nowhere");
    REFUSED(auger_result_predict_files(result, NULL, 1, answers, &error), AUGER_EINVAL, "are wanted");
    EXPECT(auger_result_predict_files(result, NULL, 0, NULL, &error));
    EXPECT(auger_result_save(result, below(ag_test_dir(), "kept"), &error));
    void *bytes = NULL;
    size_t size = 0;
    EXPECT(auger_result_serialise(result, &bytes, &size, &error));
    EXPECT(auger_result_deserialise(bytes, size, NULL, &again, &error));
    auger_bytes_free(bytes);
    EXPECT(auger_result_predict_files(again, paths, count, others, &error));
    for (size_t i = 0; i < count; i++) assert_true(same_answer(&answers[i], &others[i]));
    auger_result_free(again);
    asking a = {.result = result, .paths = paths, .count = count, .expected = answers};
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_one_by_one, &a), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(a.different, 0);
    ask_by_samples(result, paths[0], arena);
    auger_result_free(result);
    auger_builder_free(builder);
    ag_arena_free(arena);
}
