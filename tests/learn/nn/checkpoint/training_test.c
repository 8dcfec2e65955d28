// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/checkpoint/training.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "frame/test.h"
#include "learn/nn/checkpoint/pretrained.h"

static const char small[] = "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,"
                            "\"patch_stride\":4,\"d_model\":4,\"num_layers\":1,\"prediction_length\":3}";

typedef struct training {
    ag_arena *arena;
    ag_model_config config;
    ag_graph *graph;
    ag_training_state state;
    ag_real *memory;
} training;

/* Numbers that tell which step they are of, in every array. */
static ag_real number(int64_t step, int array, int64_t i)
{
    return (ag_real)((double)step + 0.25 * array + 1e-3 * (double)(i % 250));
}

static void fill(training *t, int64_t step)
{
    ag_training_state *s = &t->state;
    ag_real *arrays[] = {s->values, s->average, s->moment[0], s->moment[1]};
    for (int a = 0; a < 4; a++)
        for (int64_t i = 0; i < ag_graph_flat_size(t->graph); i++) arrays[a][i] = number(step, a, i);
    s->step = s->optimizer_steps = step;
    s->epoch = step / 10;
    s->sample = step % 10;
    s->rng = (ag_rng){UINT64_MAX - (uint64_t)step, UINT64_C(1) << 63, (uint64_t)step};
    s->score = (double)NAN;
}

static void open_training(training *t)
{
    static const ag_building forward;
    ag_err err = {0};
    *t = (training){.arena = ag_arena_new(0)};
    AG_EXPECT_OK(ag_model_config_read(t->arena, ag_str_of(small), NULL, NULL, &t->config, &err));
    AG_EXPECT_OK(ag_architecture_graph(t->config.architecture, t->config.values, &forward, &t->graph, &err));
    size_t flat = (size_t)ag_graph_flat_size(t->graph);
    t->memory = ag_calloc(4 * flat, sizeof(ag_real));
    assert_non_null(t->memory);
    t->state = (ag_training_state){.graph = t->graph,
                                   .values = t->memory,
                                   .average = t->memory + flat,
                                   .optimizer = "adamw",
                                   .moments = 2,
                                   .moment = {t->memory + 2 * flat, t->memory + 3 * flat}};
    fill(t, 0);
}

static void close_training(training *t)
{
    ag_graph_free(t->graph);
    ag_arena_free(t->arena);
    ag_free(t->memory);
}

/* Everything is of the step that the state says, to the bit. */
static void expect_whole(const training *t)
{
    const ag_training_state *s = &t->state;
    const ag_real *arrays[] = {s->values, s->average, s->moment[0], s->moment[1]};
    for (int32_t p = 0; p < ag_graph_parameters(t->graph); p++) {
        const ag_parameter *row = ag_graph_parameter_at(t->graph, p);
        for (int a = 0; a < 4; a++)
            for (int64_t i = row->offset; i < row->offset + row->size; i++)
                if (arrays[a][i] != number(s->step, a, i))
                    fail_msg("array %d is not of step %lld", a, (long long)s->step);
    }
    assert_true(s->optimizer_steps == s->step && s->epoch == s->step / 10 && s->sample == s->step % 10);
    assert_true(s->rng.seed == UINT64_MAX - (uint64_t)s->step && s->rng.stream == UINT64_C(1) << 63);
}

static void save(training *t, const char *directory, int64_t step, double score)
{
    ag_err err = {0};
    fill(t, step);
    t->state.score = score;
    AG_EXPECT_OK(ag_training_save(directory, &t->config, &t->state, NULL, &err));
}

static void clear(training *t)
{
    fill(t, 77);
}

AG_TEST(test_training__resumes_with_the_same_bits)
{
    training t;
    ag_err err = {0};
    const char *path = NULL, *directory = ag_test_dir();
    open_training(&t);
    assert_int_equal(ag_training_resume(t.arena, directory, &t.state, &path, NULL, &err), 0);
    fill(&t, 12);
    t.state.score = 0.1;
    const ag_value *more = NULL;
    AG_EXPECT_OK(ag_json_parse(t.arena, AG_STR("{\"patience\":3,\"rate\":1e-3}"), NULL, &more, &err));
    t.state.more = more;
    AG_EXPECT_OK(ag_training_save(directory, &t.config, &t.state, NULL, &err));
    clear(&t);
    t.state.more = NULL;
    assert_int_equal(ag_training_resume(t.arena, directory, &t.state, &path, NULL, &err), 1);
    assert_int_equal(t.state.step, 12);
    assert_true(t.state.score == 0.1);
    assert_true(ag_value_equal(t.state.more, more));
    expect_whole(&t);
    /* It is a model too. */
    ag_pretrained *model = NULL;
    AG_EXPECT_OK(ag_pretrained_load(path, NULL, &model, &err));
    ag_pretrained_free(model);
    close_training(&t);
}

static void expect_steps(training *t, const char *directory, const char *wanted)
{
    ag_err err = {0};
    ag_vec found;
    ag_buf text;
    ag_buf_init(&text, 1000);
    ag_vec_init(&found, sizeof(ag_training_found));
    AG_EXPECT_OK(ag_training_list(t->arena, directory, &found, &err));
    for (size_t i = 0; i < found.count; i++)
        ag_buf_addf(&text, "%lld ", (long long)((const ag_training_found *)ag_vec_at(&found, i))->step);
    assert_string_equal(text.data, wanted);
    ag_vec_deinit(&found);
    ag_buf_deinit(&text);
}

AG_TEST(test_training__keeps_the_last_and_the_best)
{
    training t;
    ag_err err = {0};
    const char *directory = ag_test_dir();
    open_training(&t);
    static const double scores[] = {0.9, 0.3, 0.5, 0.3, 0.7, 0.8, (double)NAN};
    for (int i = 0; i < 7; i++) save(&t, directory, 10 * (i + 1), scores[i]);
    expect_steps(&t, directory, "20 50 60 70 ");
    fill(&t, 80);
    AG_EXPECT_OK(ag_training_save(directory, &t.config, &t.state, &(ag_training_keep){.last = 1, .best = 2}, &err));
    expect_steps(&t, directory, "20 50 80 ");
    save(&t, directory, 80, 0.01); /* again, with its score */
    fill(&t, 90);
    AG_EXPECT_OK(ag_training_save(directory, &t.config, &t.state, &(ag_training_keep){.last = 1}, &err));
    expect_steps(&t, directory, "80 90 ");
    close_training(&t);
}

static void flip(const char *path, size_t from_end)
{
    ag_err err = {0};
    ag_buf bytes;
    ag_buf_init(&bytes, 1 << 20);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &bytes, &err));
    bytes.data[bytes.size - from_end] ^= 4;
    AG_EXPECT_OK(ag_file_replace(path, bytes.data, bytes.size, &err));
    ag_buf_deinit(&bytes);
}

AG_TEST(test_training__a_broken_one_is_passed_over_and_told)
{
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors", "average.safetensors",
                                        "state.json",        "config.json",           "manifest.json"};
    training t;
    ag_err err = {0};
    open_training(&t);
    for (int i = 0; i < 12; i++) {
        const char *path = NULL, *directory = ag_test_dir();
        ag_vec passed;
        ag_vec_init(&passed, sizeof(const char *));
        save(&t, directory, 5, NAN);
        save(&t, directory, 6, NAN);
        const char *victim = ag_arena_printf(t.arena, "%s/step-000000000006/%s", directory, files[i % 6]);
        if (i < 6)
            flip(victim, 40);
        else
            AG_EXPECT_OK(ag_file_remove(victim, &err));
        clear(&t);
        assert_int_equal(ag_training_resume(t.arena, directory, &t.state, &path, &passed, &err), 1);
        assert_int_equal(t.state.step, 5);
        expect_whole(&t);
        assert_int_equal(passed.count, 1);
        assert_non_null(strstr(*(const char *const *)ag_vec_at(&passed, 0), "step-000000000006"));
        flip(ag_arena_printf(t.arena, "%s/step-000000000005/model.safetensors", directory), 1);
        AG_EXPECT_ERROR(ag_training_resume(t.arena, directory, &t.state, &path, &passed, &err), AG_ECORRUPT,
                        "none of the 2 checkpoints");
        ag_vec_deinit(&passed);
    }
    close_training(&t);
}

AG_TEST(test_training__what_does_not_fit_is_refused)
{
    training t;
    ag_err err = {0};
    const char *path = NULL, *directory = ag_test_dir();
    open_training(&t);
    save(&t, directory, 5, NAN);
    ag_training_state other = t.state;
    other.optimizer = "lion";
    AG_EXPECT_ERROR(ag_training_resume(t.arena, directory, &other, &path, NULL, &err), AG_EINVAL,
                    "'adamw', not with 'lion'");
    other = t.state;
    other.average = NULL;
    AG_EXPECT_ERROR(ag_training_resume(t.arena, directory, &other, &path, NULL, &err), AG_EINVAL, "moving average");
    other = t.state;
    other.step = -1;
    AG_EXPECT_ERROR(ag_training_save(directory, &t.config, &other, NULL, &err), AG_EINVAL, "step -1");
    ag_lock *lock = NULL;
    AG_EXPECT_OK(ag_lock_take(ag_path_join(t.arena, directory, ".lock"), 0, &lock, &err));
    AG_EXPECT_ERROR(ag_training_save(directory, &t.config, &t.state, NULL, &err), AG_ECONFLICT, "step 5");
    ag_lock_release(lock);
    close_training(&t);
}

/* ---- as an enemy ---- */

static training failing;
static const char *failing_directory;

static int save_next(void *context, ag_err *err)
{
    int64_t *step = context;
    *step = 2 + (*step + 1) % 3; /* few steps, so that a failing removal cannot pile them up */
    fill(&failing, *step);
    return ag_training_save(failing_directory, &failing.config, &failing.state, NULL, err);
}

static void look(void *context)
{
    (void)context;
    ag_err err = {0};
    const char *path = NULL;
    clear(&failing);
    ag_arena *arena = ag_arena_new(0);
    int rc = ag_training_resume(arena, failing_directory, &failing.state, &path, NULL, &err);
    ag_arena_free(arena);
    if (rc != 1) fail_msg("%s", err.text);
    assert_true(failing.state.step >= 1 && failing.state.step <= 4);
    expect_whole(&failing);
}

AG_TEST(test_training__every_failing_call_leaves_a_whole_one)
{
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    int64_t step = 1;
    failing_directory = ag_test_dir();
    open_training(&failing);
    save(&failing, failing_directory, 1, NAN);
    assert_true(ag_test_fail_at_n(AG_FAULT_FILE, save_next, look, &step) > 20);
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, save_next, look, &step) > 20);
    close_training(&failing);
}

static _Noreturn void save_until_killed(const char *directory, int64_t from)
{
    training t;
    ag_err err = {0};
    open_training(&t);
    for (int64_t step = from;; step++) {
        fill(&t, step);
        t.state.score = (double)(step % 7);
        if (ag_training_save(directory, &t.config, &t.state, NULL, &err) < 0) _exit(3);
    }
}

AG_TEST(test_training__killed_at_any_moment_it_goes_on)
{
    const char *full = getenv("AUGER_TEST_FULL");
    int rounds = full && *full == '1' ? 300 : 40;
    training t;
    ag_err err = {0};
    const char *path = NULL, *directory = ag_test_dir();
    open_training(&t);
    save(&t, directory, 1, NAN);
    ag_rng rng = ag_rng_stream(4, "kills");
    int64_t last = 1;
    /* On a machine that is so busy that no child has saved anything yet, they are given more and more time. */
    for (int i = 0; i < rounds || last == 1; i++) {
        pid_t child = fork();
        assert_true(child >= 0 && i < 1000);
        if (child == 0) save_until_killed(directory, last + 1);
        ag_sleep((int64_t)(1000 + ag_rng_below(&rng, 40000 + (last == 1 ? 4000 * (uint64_t)i : 0))));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        clear(&t);
        ag_vec passed;
        ag_vec_init(&passed, sizeof(const char *));
        int rc = ag_training_resume(t.arena, directory, &t.state, &path, &passed, &err);
        if (rc != 1) fail_msg("round %d: %s", i, err.text);
        assert_int_equal(passed.count, 0); /* what is visible is whole */
        assert_true(t.state.step >= last);
        expect_whole(&t);
        last = t.state.step;
        ag_vec_deinit(&passed);
    }
    assert_true(last > 1);
    close_training(&t);
}
