// SPDX-License-Identifier: Apache-2.0
/* What is made of the events of a training: alarms, time left, means. */
#include "learn/monitor/monitor.h"

#include <string.h>

#include "frame/test.h"

#include "learn/monitor/sample.h"

static ag_monitor monitor;

static void set_up(void)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_monitor_init(&monitor, 0, &err));
}

static void expect_remark(ag_monitor_level level, const char *text)
{
    const ag_monitor_remark *remark = ag_monitor_next_remark(&monitor);
    if (!remark) fail_msg("nothing was remarked, but '%s' should have been", text);
    assert_string_equal(remark->text, text);
    assert_int_equal(remark->level, level);
}

static void expect_silence(void)
{
    const ag_monitor_remark *remark = ag_monitor_next_remark(&monitor);
    if (remark) fail_msg("'%s' was remarked", remark->text);
}

static void tell_epoch(int64_t at, int64_t index, int64_t e, double loss)
{
    ag_train_epoch epoch = sample_epoch(0, e);
    ag_train_progress now = sample_progress(e + 1, epoch.step);
    epoch.train_loss = loss;
    ag_monitor_epoch(&monitor, at, index, &epoch, &now);
}

AG_TEST(test_monitor__a_training_that_falls_silent_has_stalled_until_it_goes_on)
{
    set_up();
    int64_t at = sample_train(&monitor, 0, 0, 2, 1, 1);
    (void)sample_train(&monitor, 0, 1, 2, 1, 1);
    sample_end(&monitor, at, 1, 1);
    ag_monitor_tick(&monitor, at + 29 * AG_SECOND);
    expect_silence();
    ag_monitor_tick(&monitor, at + 45 * AG_SECOND);
    expect_remark(AG_MONITOR_ALARM, "fold 1: stalled: nothing was heard for 45 s");
    ag_monitor_tick(&monitor, at + 46 * AG_SECOND);
    expect_silence(); /* said once, and not of what has ended */
    ag_train_progress now = sample_progress(1, 30);
    ag_monitor_step(&monitor, at + 50 * AG_SECOND, 0, &now);
    expect_remark(AG_MONITOR_GOOD, "fold 1: goes on after 50 s");
    assert_int_equal(ag_monitor_training_at(&monitor, 0)->alarms, 0);
    ag_monitor_deinit(&monitor);
}

/* SIGSTOP and SIGCONT, a notebook that was closed. */
AG_TEST(test_monitor__a_process_that_was_stopped_has_not_stalled)
{
    set_up();
    int64_t at = sample_train(&monitor, 0, 0, 2, 1, 1);
    ag_monitor_tick(&monitor, at + AG_SECOND);
    ag_monitor_slept(&monitor, at + 3601 * AG_SECOND, 3600 * AG_SECOND);
    ag_monitor_tick(&monitor, at + 3601 * AG_SECOND);
    ag_monitor_tick(&monitor, at + 3629 * AG_SECOND);
    expect_silence();
    ag_monitor_tick(&monitor, at + 3646 * AG_SECOND); /* silent while everything ran */
    expect_remark(AG_MONITOR_ALARM, "fold 1: stalled: nothing was heard for 46 s");
    ag_train_progress now = sample_progress(1, 30);
    ag_monitor_step(&monitor, at + 3650 * AG_SECOND, 0, &now);
    expect_remark(AG_MONITOR_GOOD, "fold 1: goes on after 50 s");
    ag_monitor_slept(&monitor, at + 3651 * AG_SECOND, 600 * AG_SECOND); /* heard again before anybody looked */
    ag_monitor_tick(&monitor, at + 3680 * AG_SECOND);
    expect_silence();
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__who_is_slow_is_given_more_time)
{
    set_up();
    ag_monitor_begin(&monitor, 0, "model", 0, 1);
    for (int64_t i = 1; i <= 10; i++) {
        ag_train_progress now = sample_progress(0, i);
        ag_monitor_step(&monitor, i * 10 * AG_SECOND, 0, &now);
    }
    ag_monitor_tick(&monitor, (100 + 150) * AG_SECOND);
    expect_silence();
    ag_monitor_alive(&monitor, 260 * AG_SECOND, 0); /* validating is a sign of life */
    ag_monitor_tick(&monitor, 400 * AG_SECOND);
    expect_silence();
    ag_monitor_tick(&monitor, 2000 * AG_SECOND);
    assert_int_equal(ag_monitor_next_remark(&monitor)->alarm, AG_MONITOR_STALLED);
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__two_epochs_far_above_the_lowest_diverge)
{
    set_up();
    ag_monitor_begin(&monitor, 0, "model", 0, 1);
    const double losses[] = {1.0, 0.5, 1.2, 0.6, 1.2, 1.3};
    for (int e = 0; e < 5; e++) tell_epoch(e * AG_SECOND, 0, e, losses[e]);
    expect_silence(); /* one alone is a bump */
    tell_epoch(5 * AG_SECOND, 0, 5, losses[5]);
    expect_remark(AG_MONITOR_ALARM, "diverging: train_loss 1.3 in epoch 6, after 0.5");
    tell_epoch(6 * AG_SECOND, 0, 6, 9.0);
    expect_silence();
    tell_epoch(7 * AG_SECOND, 0, 7, 0.7);
    expect_remark(AG_MONITOR_GOOD, "has come back");
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__negative_losses_diverge_too_and_nan_is_above_all)
{
    set_up();
    ag_monitor_begin(&monitor, 0, "model", 0, 1);
    const double losses[] = {-1.0, -2.0, -1.5, 0.5, NAN};
    for (int e = 0; e < 4; e++) tell_epoch(e * AG_SECOND, 0, e, losses[e]);
    expect_silence();
    tell_epoch(4 * AG_SECOND, 0, 4, losses[4]);
    expect_remark(AG_MONITOR_ALARM, "diverging: train_loss nan in epoch 5, after -2");
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__a_loss_that_is_no_number_is_told_once)
{
    set_up();
    int64_t at = sample_train(&monitor, 0, 2, 3, 0, 1);
    ag_train_progress now = sample_progress(0, 2);
    now.loss = NAN;
    ag_monitor_step(&monitor, at, 2, &now);
    expect_remark(AG_MONITOR_ALARM, "fold 3: the loss is not a finite number at step 2");
    now.step = 3;
    ag_monitor_step(&monitor, at, 2, &now);
    expect_silence();
    (void)sample_train(&monitor, at, 1, 3, 0, 1);
    now.loss = 1;
    now.gradient_norm = INFINITY;
    ag_monitor_step(&monitor, at, 1, &now);
    expect_remark(AG_MONITOR_ALARM, "fold 2: the gradient is not a finite number at step 3");
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__time_left_goes_by_what_the_others_took)
{
    set_up();
    /* Two of four have ended after 100 steps each, which took 20 s; the third is at its 20th step. */
    for (int64_t i = 0; i < 2; i++) {
        (void)sample_train(&monitor, 0, i, 4, 5, 0);
        sample_end(&monitor, 10 * AG_SECOND, i, 5);
    }
    (void)sample_train(&monitor, 10 * AG_SECOND, 2, 4, 1, 0);
    ag_monitor_summary all = ag_monitor_summarise(&monitor, 22 * AG_SECOND);
    assert_int_equal(all.done, 2);
    assert_int_equal(all.running, 1);
    assert_int_equal(all.waiting, 1);
    assert_true(fabs(all.steps - 220) < 1e-9);
    assert_true(fabs(all.expected - 400) < 1e-9);
    assert_true(fabs(all.steps_per_second - 10) < 1e-9);
    assert_true(fabs(all.remaining - 18) < 1e-9);
    assert_int_equal(all.best, 0);
    ag_monitor_end(&monitor, 23 * AG_SECOND);
    all = ag_monitor_summarise(&monitor, 23 * AG_SECOND);
    assert_int_equal(all.failed, 1);
    assert_int_equal(all.running, 0);
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__steps_before_a_resumption_do_not_count_as_speed)
{
    set_up();
    ag_train_epoch before[] = {sample_epoch(0, 0), sample_epoch(0, 1)};
    ag_monitor_begin(&monitor, 0, "model", 0, 1);
    ag_monitor_resumed(&monitor, 0, 0, before, 2, 40);
    ag_train_progress now = sample_progress(2, 50);
    ag_monitor_step(&monitor, 10 * AG_SECOND, 0, &now);
    ag_monitor_summary all = ag_monitor_summarise(&monitor, 10 * AG_SECOND);
    assert_true(fabs(all.steps_per_second - 1) < 1e-9);
    assert_true(fabs(all.remaining - 150) < 1e-9);
    assert_int_equal(ag_monitor_training_at(&monitor, 0)->epochs.seen, 2);
    assert_int_equal(ag_monitor_training_at(&monitor, 0)->best_epoch, 1);
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__the_mean_of_an_epoch_is_over_those_that_have_it)
{
    set_up();
    (void)sample_train(&monitor, 0, 0, 2, 2, 0);
    (void)sample_train(&monitor, 0, 1, 2, 1, 0);
    ag_monitor_course course;
    ag_monitor_course_init(&course);
    ag_monitor_course_of(&monitor, &course);
    assert_int_equal(course.train.count, 2);
    const double *train = course.train.items, *validation = course.validation.items;
    assert_true(fabs(train[0] - 1.005) < 1e-12);
    assert_true(fabs(train[1] - exp(-0.3)) < 1e-12);
    assert_true(fabs(validation[0] - 1.005 * 1.1) < 1e-12);
    ag_monitor_course_deinit(&course);
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__events_of_trainings_that_are_not_known_are_passed_over)
{
    set_up();
    ag_train_progress now = sample_progress(0, 1);
    ag_train_epoch epoch = sample_epoch(0, 0);
    ag_train_result result = {0};
    for (int i = 0; i < 3; i++) {
        int64_t index = (const int64_t[]){-1, 5, INT64_MAX}[i];
        ag_monitor_step(&monitor, 0, index, &now);
        ag_monitor_epoch(&monitor, 0, index, &epoch, &now);
        ag_monitor_alive(&monitor, 0, index);
        ag_monitor_resumed(&monitor, 0, index, &epoch, 1, 1);
        ag_monitor_done(&monitor, 0, index, &result);
    }
    ag_monitor_begin(&monitor, 0, "far", INT64_MAX, 1);
    ag_monitor_begin(&monitor, 0, "before", -1, 1);
    ag_monitor_tick(&monitor, INT64_MAX / 2);
    expect_silence();
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__the_course_of_the_machine_is_thinned_and_never_ends)
{
    set_up();
    ag_usage usage = {.process_cpu = 100, .process_memory = 5};
    for (int64_t i = 0; i < 100000; i++) ag_monitor_usage(&monitor, i, &usage);
    assert_true(monitor.points.count > 500 && monitor.points.count < 3000);
    const ag_monitor_point *points = monitor.points.items;
    for (size_t i = 1; i < monitor.points.count; i++) assert_true(points[i].at > points[i - 1].at);
    ag_monitor_deinit(&monitor);
}

AG_TEST(test_monitor__without_memory_it_forgets_and_does_not_fail)
{
    for (uint64_t n = 1; n < 200; n++) {
        ag_monitor m;
        ag_err err = {0};
        ag_fault_arm(n, AG_FAULT_ALLOC);
        int rc = ag_monitor_init(&m, 0, &err);
        if (rc >= 0) (void)sample_folds(&m);
        if (rc >= 0) ag_monitor_tick(&m, 2000 * AG_SECOND);
        if (rc >= 0) (void)ag_monitor_summarise(&m, 2000 * AG_SECOND);
        ag_fault_arm(0, AG_FAULT_ALLOC);
        ag_monitor_deinit(&m);
    }
}
