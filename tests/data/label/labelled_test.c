// SPDX-License-Identifier: Apache-2.0
/* Labels as they stand: the latest of a person counts, what is taken back does not, nothing is lost. */
#include "data/label/dataset.h"

#include "core/sys/thread.h"

AG_TEST(test_labelled__without_people_the_automatic_label_counts)
{
    dataset d;
    dataset_make(&d);
    const ag_labelled *cut = dataset_hole(&d, "cfrp-al-single", 0), *air = dataset_hole(&d, "air-stroke", 0);
    assert_ptr_equal(cut->present, &cut->automatic);
    assert_int_equal(cut->present->outcome, AG_LABEL_FOUND);
    assert_int_equal(air->present->outcome, AG_LABEL_EMPTY);
    assert_true(isnan(air->present->entry));
    dataset_free(&d);
}

AG_TEST(test_labelled__the_latest_expert_counts_and_an_undo_brings_the_one_before_back)
{
    ag_err err = {0};
    dataset d;
    dataset_make(&d);
    const ag_labelled *hole = dataset_hole(&d, "cfrp-al-single", 0);
    dataset_say(&d, hole, "anna", 5, 15);
    dataset_say(&d, hole, "ben", 6, 16);
    dataset_say(&d, hole, "anna", 7, 17);
    dataset_load(&d);
    hole = dataset_hole(&d, "cfrp-al-single", 0);
    assert_true(hole->present->entry == 7);
    assert_int_equal(hole->expert_count, 3);
    assert_true(ag_labelled_of(hole, "ben")->entry == 6);
    ag_label_event undo = dataset_event(hole, "anna", NAN, NAN);
    undo.kind = AG_LABEL_UNDO;
    AG_EXPECT_OK(ag_labelled_add(d.dir, &undo, 1, false, NULL, &err));
    dataset_load(&d);
    hole = dataset_hole(&d, "cfrp-al-single", 0);
    assert_true(hole->present->entry == 6);
    assert_true(ag_labelled_of(hole, "anna")->entry == 5);
    undo.author = "carl";
    AG_EXPECT_ERROR(ag_labelled_add(d.dir, &undo, 1, false, NULL, &err), AG_ECONFLICT, "no label of 'carl'");
    assert_int_equal(d.set.history.count, 5); /* the automatic one that the first of them saw, and all four */
    assert_int_equal(d.set.history.events[0].kind, AG_LABEL_AUTO);
    dataset_free(&d);
}

AG_TEST(test_labelled__the_table_follows_and_prepare_keeps_what_people_said)
{
    dataset d;
    dataset_make(&d);
    char *before = dataset_read(&d, "labels.csv");
    dataset_say(&d, dataset_hole(&d, "cfrp-al-single", 1), "anna", 5.5, 15.25);
    char *after = dataset_read(&d, "labels.csv"), *manifest = dataset_read(&d, "manifest.json");
    assert_null(strstr(before, ",anna,"));
    assert_non_null(strstr(after, ",5.500,,15.250,,1.0000,high,expert,found,,,,,anna,1970-01-01T00:00:01.000000Z,"));
    assert_non_null(strstr(manifest, "\"labels.jsonl\""));
    dataset_prepare(&d);
    assert_string_equal(dataset_read(&d, "labels.csv"), after);
    assert_string_equal(dataset_read(&d, "manifest.json"), manifest);
    dataset_free(&d);
}

AG_TEST(test_labelled__what_was_said_already_is_not_added_again)
{
    ag_err err = {0};
    dataset d;
    size_t added = 9;
    dataset_make(&d);
    const ag_labelled *hole = dataset_hole(&d, "cfrp-al-single", 0);
    dataset_say(&d, hole, "anna", 5, 15);
    ag_label_event events[3] = {dataset_event(hole, "anna", 5, 15), dataset_event(hole, "anna", 5, 16),
                                dataset_event(hole, "anna", 5, 16)};
    AG_EXPECT_OK(ag_labelled_add(d.dir, events, 3, true, &added, &err));
    assert_int_equal(added, 1);
    dataset_load(&d);
    assert_int_equal(d.set.history.count, 2);
    AG_EXPECT_OK(ag_labelled_add(d.dir, events, 3, false, &added, &err));
    assert_int_equal(added, 1);
    dataset_free(&d);
}

AG_TEST(test_labelled__what_lies_behind_the_samples_is_refused_and_nothing_is_written)
{
    ag_err err = {0};
    dataset d;
    dataset_make(&d);
    const ag_labelled *hole = dataset_hole(&d, "cfrp-al-single", 0);
    ag_label_event events[2] = {dataset_event(hole, "anna", 5, 15), dataset_event(hole, "ben", 5, 1500)};
    AG_EXPECT_ERROR(ag_labelled_add(d.dir, events, 2, false, NULL, &err), AG_EINVAL, "deeper than the samples");
    assert_non_null(strstr(err.text, hole->hole->path));
    dataset_load(&d);
    assert_int_equal(d.set.history.count, 0);
    dataset_free(&d);
}

AG_TEST(test_labelled__a_hole_is_found_by_its_path_the_end_of_it_or_its_digest)
{
    ag_err err = {0};
    dataset d;
    const ag_labelled *found;
    dataset_make(&d);
    const ag_labelled *hole = dataset_hole(&d, "cfrp-al-single", 0);
    char digest[13];
    memcpy(digest, hole->hole->sha256, 12);
    digest[12] = 0;
    const char *const words[] = {hole->hole->path, strrchr(hole->hole->path, '/') + 1, digest};
    for (size_t i = 0; i < 3; i++) {
        AG_EXPECT_OK(ag_labelled_find(&d.set, words[i], &found, &err));
        assert_ptr_equal(found, hole);
    }
    AG_EXPECT_ERROR(ag_labelled_find(&d.set, "nothing.xls", &found, &err), AG_ENOTFOUND, "nothing.xls");
    dataset_free(&d);
}

AG_TEST(test_labelled__samples_of_the_dataset_are_those_of_the_file)
{
    ag_err err = {0};
    dataset d;
    ag_hole *hole, *file;
    dataset_make(&d);
    const ag_prepared *record = dataset_hole(&d, "cfrp-al-single", 2)->hole;
    AG_EXPECT_OK(ag_prepared_samples(&d.set.prepared, record, d.arena, &hole, &err));
    AG_EXPECT_OK(ag_hole_read_file(ag_path_join(d.arena, d.input, record->path), NULL, d.arena, &file, NULL, &err));
    assert_int_equal(hole->signal.rows, file->signal.rows);
    assert_int_equal(hole->step_count, file->step_count);
    for (size_t c = 0; c < AG_CHANNEL_COUNT; c++) {
        assert_int_equal(hole->signal.by_id[c] != NULL, file->signal.by_id[c] != NULL);
        if (!hole->signal.by_id[c]) continue;
        assert_memory_equal(hole->signal.by_id[c], file->signal.by_id[c], hole->signal.rows * sizeof(int32_t));
    }
    dataset_free(&d);
}

typedef struct crowd {
    dataset *d;
    const ag_labelled *hole;
} crowd;

static int say_something(void *context, size_t index, ag_err *err)
{
    crowd *c = context;
    char name[20];
    ag_format(name, sizeof(name), "person-%zu", index);
    ag_label_event event = dataset_event(c->hole, name, 5, 15);
    return ag_labelled_add(c->d->dir, &event, 1, false, NULL, err);
}

AG_TEST(test_labelled__two_writers_wait_for_each_other)
{
    ag_err err = {0};
    dataset d;
    ag_pool *pool;
    dataset_make(&d);
    crowd c = {&d, dataset_hole(&d, "cfrp-al-single", 0)};
    AG_EXPECT_OK(ag_pool_new(4, &pool, &err));
    AG_EXPECT_OK(ag_pool_for(pool, 12, say_something, &c, NULL, &err));
    ag_pool_free(pool);
    dataset_load(&d);
    assert_int_equal(d.set.history.count, 13);
    assert_int_equal(dataset_hole(&d, "cfrp-al-single", 0)->expert_count, 12);
    dataset_free(&d);
}

static int add_once(void *context, ag_err *err)
{
    dataset *d = context;
    ag_label_event event = dataset_event(dataset_hole(d, "cfrp-al-single", 0), "anna", 5, 15);
    return ag_labelled_add(d->dir, &event, 1, false, NULL, err);
}

static void history_is_whole(void *context)
{
    const dataset *d = context;
    ag_err err = {0};
    ag_label_history history;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_label_history_load(d->dir, arena, &history, &err));
    assert_int_equal(history.torn, 0);
    assert_true(history.count == 0 || history.count == 2); /* the automatic label and the expert's, or none */
    ag_arena_free(arena);
}

AG_TEST(test_labelled__a_failed_addition_is_there_wholly_or_not_at_all)
{
    dataset d;
    dataset_make(&d);
    ag_test_fail_at_n(AG_FAULT_FILE, add_once, history_is_whole, &d);
    dataset_load(&d);
    assert_true(dataset_hole(&d, "cfrp-al-single", 0)->present->entry == 5);
    assert_non_null(strstr(dataset_read(&d, "labels.csv"), ",anna,"));
    dataset_free(&d);
}

static int load_once(void *context, ag_err *err)
{
    const dataset *d = context;
    ag_labelled_set set;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_labelled_load(d->dir, arena, &set, err) : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_labelled__every_failure_of_reading_is_told)
{
    dataset d;
    dataset_make(&d);
    dataset_say(&d, dataset_hole(&d, "cfrp-al-single", 0), "anna", 5, 15);
    ag_test_fail_at_n(AG_FAULT_FILE, load_once, NULL, &d);
    dataset_free(&d);
}
