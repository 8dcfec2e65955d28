// SPDX-License-Identifier: Apache-2.0
/* Agreement by numbers that are known, and what the queue thinks of disagreement. */
#include "data/label/agreement.h"

#include "data/label/dataset.h"
#include "data/label/queue.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

AG_TEST(test_agreement__numbers_of_pairs)
{
    ag_err err = {0};
    static const double a[] = {1, 2, 3, 4}, b[] = {1.1, 2.3, 2.9, 4.7};
    ag_agree_stats s;
    AG_EXPECT_OK(ag_agree_measure(a, b, 4, &s, &err));
    assert_true(near(s.bias, 0.25) && near(s.mae, 0.3) && near(s.p95, 0.64) && near(s.most, 0.7));
    assert_true(near(s.within[0], 0.5) && near(s.within[1], 0.5) && near(s.within[2], 0.75));
    double deviation = sqrt((0.15 * 0.15 + 0.05 * 0.05 + 0.35 * 0.35 + 0.45 * 0.45) / 3);
    assert_true(near(s.low, 0.25 - 1.96 * deviation) && near(s.high, 0.25 + 1.96 * deviation));
    AG_EXPECT_OK(ag_agree_measure(a, b, 0, &s, &err));
    assert_true(isnan(s.mae) && isnan(s.icc));
    AG_EXPECT_OK(ag_agree_measure(a, b, 1, &s, &err));
    assert_true(isnan(s.icc) && near(s.mae, 0.1));
}

/* Shrout and Fleiss's example, its first two judges: ICC(2,1) computed by hand from the mean squares. */
AG_TEST(test_agreement__intraclass_correlation)
{
    ag_err err = {0};
    static const double a[] = {9, 6, 8, 7, 10, 6}, b[] = {2, 1, 4, 1, 5, 2};
    ag_agree_stats s;
    AG_EXPECT_OK(ag_agree_measure(a, b, 6, &s, &err));
    double rows = 23.416666666667 / 5, columns = 80.083333333333, rest = 3.416666666667 / 5;
    assert_true(fabs(s.icc - (rows - rest) / (rows + rest + 2 * (columns - rest) / 6)) < 1e-6);
    AG_EXPECT_OK(ag_agree_measure(a, a, 6, &s, &err));
    assert_true(near(s.icc, 1) && near(s.mae, 0));
}

AG_TEST(test_agreement__people_against_each_other_and_the_labellers)
{
    ag_err err = {0};
    dataset d;
    ag_agreement pair;
    const char **authors;
    size_t count;
    dataset_make(&d);
    const ag_labelled *one = dataset_hole(&d, "cfrp-al-single", 0), *two = dataset_hole(&d, "cfrp-al-single", 1);
    dataset_say(&d, one, "ben", 5, 15);
    dataset_say(&d, one, "anna", 5.3, 15.1);
    dataset_say(&d, two, "anna", 5, 15);
    ag_label_event empty = dataset_event(two, "ben", NAN, NAN);
    empty.outcome = AG_LABEL_EMPTY;
    AG_EXPECT_OK(ag_labelled_add(d.dir, &empty, 1, false, NULL, &err));
    dataset_load(&d);
    AG_EXPECT_OK(ag_agree_authors(&d.set, d.arena, &authors, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(authors[0], "anna");
    AG_EXPECT_OK(ag_agree(&d.set, "anna", "ben", 10, d.arena, &pair, &err));
    assert_int_equal(pair.holes, 2);
    assert_int_equal(pair.depth[AG_AGREE_ENTRY].count, 1);
    assert_true(near(pair.depth[AG_AGREE_ENTRY].bias, -0.3));
    assert_int_equal(pair.table[0][0], 1);
    assert_int_equal(pair.table[0][2], 1);
    assert_true(near(pair.kappa, 0));
    assert_string_equal(pair.worst[0].what, "outcome");
    assert_string_equal(pair.worst[1].what, "entry");
    AG_EXPECT_OK(ag_agree(&d.set, AG_AGREE_AUTOMATIC, AG_AGREE_EXPERT, 1, d.arena, &pair, &err));
    assert_int_equal(pair.holes, 2);
    assert_int_equal(pair.worst_count, 1);
    dataset_free(&d);
}

static const ag_queue_item *waiting(const ag_queue *queue, const ag_labelled *hole)
{
    for (size_t i = 0; i < queue->count; i++)
        if (queue->items[i].hole->hole == hole->hole) return &queue->items[i];
    return NULL;
}

AG_TEST(test_queue__what_was_seen_leaves_and_comes_back_when_people_differ)
{
    ag_err err = {0};
    dataset d;
    ag_queue queue;
    dataset_make(&d);
    AG_EXPECT_OK(ag_queue_make(&d.set, d.arena, &queue, &err));
    for (size_t i = 1; i < queue.count; i++) assert_true(queue.items[i - 1].value >= queue.items[i].value);
    assert_null(waiting(&queue, dataset_hole(&d, "air-stroke", 0)));
    const ag_labelled *hole = dataset_hole(&d, "seized-stroke", 0);
    assert_non_null(waiting(&queue, hole));
    assert_true(*waiting(&queue, hole)->why);
    const ag_label_event *label = hole->present;
    ag_label_event event = dataset_event(hole, "anna", label->entry, NAN);
    event.outcome = AG_LABEL_NO_EXIT;
    event.transition_count = label->transition_count;
    memcpy(event.transition, label->transition, sizeof(event.transition));
    AG_EXPECT_OK(ag_labelled_add(d.dir, &event, 1, false, NULL, &err));
    dataset_load(&d);
    AG_EXPECT_OK(ag_queue_make(&d.set, d.arena, &queue, &err));
    hole = dataset_hole(&d, "seized-stroke", 0);
    assert_null(waiting(&queue, hole));
    assert_int_equal(queue.seen, 1);
    event = dataset_event(hole, "ben", label->entry - 0.7, NAN);
    event.outcome = AG_LABEL_NO_EXIT;
    event.transition_count = label->transition_count;
    memcpy(event.transition, label->transition, sizeof(event.transition));
    AG_EXPECT_OK(ag_labelled_add(d.dir, &event, 1, false, NULL, &err));
    dataset_load(&d);
    AG_EXPECT_OK(ag_queue_make(&d.set, d.arena, &queue, &err));
    const ag_queue_item *item = waiting(&queue, dataset_hole(&d, "seized-stroke", 0));
    assert_non_null(item);
    assert_non_null(strstr(item->why, "ben and anna differ by 0.70 mm"));
    dataset_free(&d);
}
