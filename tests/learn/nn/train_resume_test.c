// SPDX-License-Identifier: Apache-2.0
/* Trainings that are stopped, killed and resumed. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/nn/waves.h"

/* Runs with the same directory until it succeeds; every run starts from fresh weights, as a new process would. */
static void expect_resumed(const ag_real *should, void (*change)(ag_waves *b), const int64_t *steps,
                           const int64_t *inside, int stops)
{
    ag_err err = {0};
    char directory[512];
    ag_format(directory, sizeof directory, "%s/resumed", ag_test_dir());
    for (int i = 0; i <= stops; i++) {
        ag_waves b;
        ag_waves_open(&b);
        if (change) change(&b);
        b.checkpoints.directory = directory;
        b.checkpoints.every_steps = 0;
        b.job.checkpoints = &b.checkpoints;
        if (i < stops) {
            b.stop_at = steps ? steps[i] : 0;
            b.stop_inside = inside ? inside[i] : 0;
            AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_ECANCELLED, "its checkpoint is in");
            assert_non_null(strstr(err.hint, "--resume"));
        } else {
            AG_EXPECT_OK(ag_waves_train(&b, &err));
            assert_true(b.result.resumed && b.result.history_count == (size_t)b.result.epochs);
            assert_memory_equal(b.model->values, should, ag_waves_size(&b));
        }
        ag_waves_close(&b);
    }
    (void)ag_dir_remove(directory, NULL);
}

AG_TEST(test_train__stopped_at_any_step_and_resumed_gives_the_same_bits)
{
    ag_real *should = ag_waves_straight(NULL);
    for (int64_t step = 1; step < 16; step += (int64_t)ag_test_rounds(7, 1))
        expect_resumed(should, NULL, &step, NULL, 1);
    expect_resumed(should, NULL, (const int64_t[]){2, 3, 9, 15}, NULL, 4);
    ag_free(should);
}

AG_TEST(test_train__stopped_inside_a_validation_and_resumed_gives_the_same_bits)
{
    ag_real *should = ag_waves_straight(NULL);
    expect_resumed(should, NULL, NULL, (const int64_t[]){3, 8, 10}, 3);
    ag_free(should);
}

/* Every other kind of thing that has a state. */
static void otherwise(ag_waves *b)
{
    b->options.optim.optimizer = ag_optimizer_find("sgd");
    b->options.optim.momentum = 0.9;
    b->options.schedule = NULL;
    b->options.ema_decay = 0.0;
    b->options.accumulate = 0;
    b->options.drop_last = true;
    b->options.restore_best = false;
    b->job.validation = NULL;
}

AG_TEST(test_train__resumes_without_validation_average_and_best)
{
    ag_real *should = ag_waves_straight(otherwise);
    expect_resumed(should, otherwise, (const int64_t[]){1, 10, 23}, NULL, 3);
    ag_free(should);
}

/* ---- whoever writes down what happens ---- */

typedef struct writer {
    const char *directory;
    size_t before; /* checkpoints when one was announced */
    int announced, saved;
    int64_t step;
} writer;

static size_t checkpoints_in(const char *directory)
{
    ag_vec names;
    ag_arena *arena = ag_arena_new(0);
    ag_vec_init(&names, sizeof(const char *));
    (void)ag_dir_list(directory, arena, &names, NULL); /* not there at first */
    size_t count = 0;
    for (size_t i = 0; i < names.count; i++) count += **(const char *const *)ag_vec_at(&names, i) != '.'; /* its lock */
    ag_vec_deinit(&names);
    ag_arena_free(arena);
    return count;
}

static void on_saving(void *context)
{
    writer *w = context;
    w->announced++;
    w->before = checkpoints_in(w->directory);
}

static void on_saved(void *context, const char *directory, int64_t step)
{
    writer *w = context;
    (void)directory;
    w->saved++;
    assert_int_equal(checkpoints_in(w->directory), w->before + (step > w->step)); /* the last step comes twice */
    w->step = step;
}

AG_TEST(test_train__a_checkpoint_is_announced_before_it_is_there)
{
    ag_waves b;
    ag_err err = {0};
    char directory[512];
    ag_format(directory, sizeof directory, "%s/announced", ag_test_dir());
    writer w = {.directory = directory};
    ag_waves_open(&b);
    b.checkpoints.directory = directory;
    b.checkpoints.keep_last = 1000;
    b.job.checkpoints = &b.checkpoints;
    b.monitor = (ag_train_monitor){.context = &w, .saving = on_saving, .saved = on_saved};
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    assert_true(w.saved > 3 && w.announced == w.saved);
    ag_waves_close(&b);
}

/* ---- kill -9 ---- */

static int child(const char *directory, const char *file, unsigned threads)
{
    ag_waves b;
    ag_err err = {0};
    ag_pool *pool = NULL;
    ag_waves_open(&b);
    b.checkpoints.directory = directory;
    b.job.checkpoints = &b.checkpoints;
    int rc = ag_pool_new(threads, &pool, &err);
    b.job.pool = pool;
    if (rc >= 0) rc = ag_waves_train(&b, &err);
    if (rc >= 0) rc = ag_file_replace(file, b.model->values, ag_waves_size(&b), &err);
    ag_pool_free(pool);
    ag_waves_close(&b);
    return rc < 0 ? 1 : 0;
}

AG_TEST(test_train__killed_again_and_again_ends_with_the_same_bits)
{
    ag_real *should = ag_waves_straight(NULL);
    ag_rng rng = ag_rng_stream(11, "kills");
    size_t rounds = ag_test_rounds(1, 50), kills = 0;
    /* And on, when all came to their end while this one stood still. */
    for (size_t round = 0; round < rounds || (kills == 0 && round < 1000); round++) {
        char directory[512], file[512];
        ag_format(directory, sizeof directory, "%s/killed%zu", ag_test_dir(), round);
        ag_format(file, sizeof file, "%s.weights", directory);
        for (int tries = 0; !ag_file_exists(file); tries++) {
            assert_true(tries < 500);
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) _exit(child(directory, file, (unsigned)(1 + tries % 4)));
            /* Later and later, so that it gets somewhere on a slow machine too: it is started few times, since starting
             * it takes most of the time there. */
            ag_sleep((int64_t)ag_rng_below(&rng, (uint64_t)20000 << (tries < 8 ? tries : 8)));
            (void)kill(pid, SIGKILL);
            int status = 0;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            kills += WIFSIGNALED(status);
            assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
        }
        ag_buf bytes;
        ag_err err = {0};
        ag_buf_init(&bytes, (size_t)1 << 26);
        AG_EXPECT_OK(ag_file_read(file, (size_t)1 << 26, &bytes, &err));
        assert_memory_equal(bytes.data, should, bytes.size);
        ag_buf_deinit(&bytes);
    }
    assert_true(kills > 0);
    ag_free(should);
}

AG_TEST(test_train__a_finished_training_is_not_run_again)
{
    ag_waves b;
    ag_err err = {0};
    ag_real *should = ag_waves_straight(NULL);
    char directory[512];
    ag_format(directory, sizeof directory, "%s/finished", ag_test_dir());
    for (int i = 0; i < 2; i++) {
        ag_waves_open(&b);
        b.checkpoints.directory = directory;
        b.job.checkpoints = &b.checkpoints;
        AG_EXPECT_OK(ag_waves_train(&b, &err));
        assert_true(i ? b.steps_seen == 0 && b.result.resumed : b.steps_seen == 16);
        assert_memory_equal(b.model->values, should, ag_waves_size(&b));
        ag_waves_close(&b);
    }
    ag_free(should);
}

AG_TEST(test_train__a_constant_rate_may_be_given_more_epochs)
{
    char directory[512];
    ag_err err = {0};
    ag_format(directory, sizeof directory, "%s/longer", ag_test_dir());
    for (int64_t epochs = 2; epochs <= 4; epochs += 2) {
        ag_waves b;
        ag_waves_open(&b);
        b.options.schedule = NULL;
        b.options.early.patience = 0;
        b.options.epochs = epochs;
        b.checkpoints.directory = directory;
        b.job.checkpoints = &b.checkpoints;
        AG_EXPECT_OK(ag_waves_train(&b, &err));
        assert_int_equal(b.result.history_count, epochs);
        ag_waves_close(&b);
    }
}

AG_TEST(test_train__resuming_with_other_options_is_refused_by_name)
{
    char directory[512];
    ag_err err = {0};
    ag_waves b;
    ag_format(directory, sizeof directory, "%s/other", ag_test_dir());
    for (int i = 0; i < 4; i++) {
        ag_waves_open(&b);
        b.checkpoints.directory = directory;
        b.job.checkpoints = &b.checkpoints;
        if (i == 1) b.options.batch_size = 8;
        if (i == 2) b.options.seed = 8;
        if (i == 3) b.options.ema_decay = 0.0;
        if (i == 0)
            AG_EXPECT_OK(ag_waves_train(&b, &err));
        else
            AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL,
                            i == 1   ? "it has batch_size 9, this training 8"
                            : i == 2 ? "it has seed \"7\", this training \"8\""
                                     : "moving average");
        ag_waves_close(&b);
    }
}

AG_TEST(test_train__goes_on_from_the_checkpoint_before_a_broken_one)
{
    char directory[512], path[600];
    ag_err err = {0};
    ag_waves b;
    ag_real *should = ag_waves_straight(NULL);
    ag_format(directory, sizeof directory, "%s/broken", ag_test_dir());
    ag_waves_open(&b);
    b.checkpoints.directory = directory;
    b.job.checkpoints = &b.checkpoints;
    b.stop_at = 6;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_ECANCELLED, "");
    ag_waves_close(&b);
    ag_format(path, sizeof path, "%s/step-000000000006/model.safetensors", directory);
    AG_EXPECT_OK(ag_file_replace(path, "broken", 6, &err));
    ag_waves_open(&b);
    b.checkpoints.directory = directory;
    b.job.checkpoints = &b.checkpoints;
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    assert_int_equal(b.steps_seen, 16 - 5);
    assert_memory_equal(b.model->values, should, ag_waves_size(&b));
    ag_waves_close(&b);
    ag_free(should);
}
