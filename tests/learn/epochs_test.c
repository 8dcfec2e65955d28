// SPDX-License-Identifier: Apache-2.0
/* epochs_test.c: epochs without end in a bounded number of places. */
#include "learn/epochs.h"

#include "frame/test.h"

static void add(ag_epochs *epochs, int64_t number, bool best)
{
    ag_err err = {0};
    ag_train_epoch epoch = {.epoch = number, .best = best};
    AG_EXPECT_OK(ag_epochs_add(epochs, &epoch, &err));
}

static const ag_train_epoch *at(const ag_epochs *epochs, size_t place)
{
    return ag_vec_at(&epochs->kept, place);
}

AG_TEST(test_epochs__all_are_kept_while_they_have_places)
{
    ag_epochs epochs;
    ag_epochs_init(&epochs);
    for (int64_t i = 0; i < AG_EPOCHS_MOST; i++) add(&epochs, i, i % 3 == 0);
    assert_int_equal(epochs.kept.count, AG_EPOCHS_MOST);
    for (int64_t i = 0; i < AG_EPOCHS_MOST; i++) assert_int_equal(at(&epochs, (size_t)i)->epoch, i);
    ag_epochs_deinit(&epochs);
}

AG_TEST(test_epochs__of_too_many_each_group_has_its_last_one)
{
    ag_epochs epochs;
    ag_epochs_init(&epochs);
    const int64_t all = 10 * AG_EPOCHS_MOST + 5;
    for (int64_t i = 0; i < all; i++) {
        add(&epochs, i, false);
        assert_int_equal(at(&epochs, epochs.kept.count - 1)->epoch, i);
    }
    assert_true(epochs.seen == all && epochs.every == 16);
    assert_int_equal(epochs.kept.count, (all + 15) / 16);
    for (size_t i = 0; i + 1 < epochs.kept.count; i++) assert_int_equal(at(&epochs, i)->epoch, (int64_t)i * 16 + 15);
    ag_epochs_deinit(&epochs);
}

AG_TEST(test_epochs__the_best_is_never_lost)
{
    for (int64_t best = 0; best < 2 * AG_EPOCHS_MOST; best += 2 * AG_EPOCHS_MOST / 13) {
        ag_epochs epochs;
        bool found = false;
        ag_epochs_init(&epochs);
        for (int64_t i = 0; i < 3 * AG_EPOCHS_MOST; i++) add(&epochs, i, i == best || (i < best && i % 100 == 0));
        for (size_t i = 0; i < epochs.kept.count; i++) {
            if (i) assert_true(at(&epochs, i)->epoch > at(&epochs, i - 1)->epoch);
            found |= at(&epochs, i)->epoch == best;
        }
        assert_true(found && epochs.kept.count <= AG_EPOCHS_MOST);
        ag_epochs_deinit(&epochs);
    }
}

AG_TEST(test_epochs__cleared_begins_anew)
{
    ag_epochs epochs;
    ag_epochs_init(&epochs);
    for (int64_t i = 0; i < 2 * AG_EPOCHS_MOST + 1; i++) add(&epochs, i, false);
    ag_epochs_clear(&epochs);
    assert_true(epochs.kept.count == 0 && epochs.seen == 0);
    for (int64_t i = 0; i < 3; i++) add(&epochs, i, false);
    assert_true(epochs.kept.count == 3 && at(&epochs, 1)->epoch == 1);
    ag_epochs_deinit(&epochs);
    ag_epochs_deinit(&(ag_epochs){0});
}

static int one_more(void *context, ag_err *err)
{
    return ag_epochs_add(context, &(ag_train_epoch){.epoch = 1}, err);
}

AG_TEST(test_epochs__without_memory_one_is_forgotten)
{
    ag_epochs epochs;
    ag_epochs_init(&epochs);
    ag_test_fail_at_n(AG_FAULT_ALLOC, one_more, NULL, &epochs);
    assert_int_equal(epochs.kept.count, 1);
    ag_epochs_deinit(&epochs);
}
