// SPDX-License-Identifier: Apache-2.0
#include "learn/drilling/examples.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/label/labelled.h"
#include "learn/drilling/folder.h"

enum { HOLES = AG_TEST_WATCHED ? 22 : 30 }; /* at least each regime once */

typedef struct bench {
    ag_arena *arena;
    const char *raw, *dir;
    ag_drilling_data data;
} bench;

/* With data that the test may write into; the files, which nobody changes, are made once for all tests. */
static void open_own_bench(bench *b)
{
    ag_err err = {0};
    static const char *raw;
    if (!raw) raw = simulated(HOLES, 6);
    b->arena = ag_arena_new(0);
    b->raw = raw;
    b->dir = prepared(raw, b->arena);
    AG_EXPECT_OK(ag_describe_defaults(&ag_drilling_data_description, b->arena, &b->data, &err));
}

/* With data that are read only, made once for all tests that do so. */
static void open_bench(bench *b)
{
    ag_err err = {0};
    static const char *dir;
    if (!dir) {
        open_own_bench(b);
        dir = b->dir;
        ag_arena_free(b->arena);
    }
    b->arena = ag_arena_new(0);
    b->raw = NULL;
    b->dir = dir;
    AG_EXPECT_OK(ag_describe_defaults(&ag_drilling_data_description, b->arena, &b->data, &err));
}

static ag_example_set load(const bench *b, ag_pool *pool)
{
    ag_err err = {0};
    ag_example_set set;
    AG_EXPECT_OK(ag_examples_load(b->dir, &b->data, pool, NULL, NULL, b->arena, &set, &err));
    return set;
}

static void copy_truth(const bench *b, const char *to)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 24);
    AG_EXPECT_OK(ag_file_read(ag_path_join(b->arena, b->raw, "truth.csv"), 1 << 24, &text, &err));
    AG_EXPECT_OK(ag_file_replace(to, text.data, text.size, &err));
    ag_buf_deinit(&text);
}

AG_TEST(test_examples__take_the_word_that_is_trusted_most)
{
    bench b;
    ag_err err = {0};
    open_own_bench(&b);
    ag_example_set automatic = load(&b, NULL);
    assert_true(automatic.count >= HOLES - 2 && automatic.known > HOLES * 2 / 3);
    for (size_t i = 0; i < automatic.count; i++) {
        const ag_known *k = &automatic.items[i].known;
        if (k->outcome == AG_LABEL_FOUND && k->weight > 0)
            assert_true(k->weight >= b.data.min_confidence && k->weight <= 1);
    }
    copy_truth(&b, ag_path_join(b.arena, b.dir, "truth.csv"));
    ag_example_set truth = load(&b, NULL);
    assert_int_equal(truth.known, truth.count);
    assert_false(ag_sha256_equal(&truth.digest, &automatic.digest)); /* other labels are other data */
    for (size_t i = 0; i < truth.count; i++) {
        assert_string_equal(truth.items[i].known.source, "truth");
        assert_true(truth.items[i].known.weight == 1);
    }
    ag_label_event event = {.sha256 = truth.items[0].hole->sha256,
                            .path = truth.items[0].hole->path,
                            .kind = AG_LABEL_EXPERT,
                            .author = "anna",
                            .time = 1,
                            .outcome = AG_LABEL_FOUND,
                            .entry = 5.5,
                            .exit = 15.5,
                            .full_exit = NAN,
                            .confidence = NAN,
                            .comment = ""};
    AG_EXPECT_OK(ag_labelled_add(b.dir, &event, 1, false, NULL, &err));
    ag_example_set expert = load(&b, NULL);
    assert_string_equal(expert.items[0].known.source, "expert");
    assert_true(expert.items[0].known.mm[0] == 5.5 && isnan(expert.items[0].known.mm[1]));
    const char *only[] = {"truth"};
    b.data.label_sources = (ag_list){only, 1};
    assert_string_equal(load(&b, NULL).items[0].known.source, "truth");
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__a_named_table_a_missing_one_and_one_of_other_holes)
{
    static const char others[] = "path,entry_mm,exit_mm\nan/other.xls,5,15\nyet/another.xls,5,15\n";
    bench b;
    ag_err err = {0};
    ag_example_set set;
    open_own_bench(&b);
    copy_truth(&b, ag_path_join(b.arena, b.dir, "mine.csv"));
    b.data.labels = "mine.csv"; /* below the data */
    assert_string_equal(load(&b, NULL).items[3].known.source, "truth");
    assert_string_equal(load(&b, NULL).truth, ag_path_join(b.arena, b.dir, "mine.csv"));
    assert_int_equal(load(&b, NULL).truth_unmatched, 0);
    b.data.labels = "others.csv";
    AG_EXPECT_OK(ag_file_replace(ag_path_join(b.arena, b.dir, "others.csv"), others, strlen(others), &err));
    AG_EXPECT_ERROR(ag_examples_load(b.dir, &b.data, NULL, NULL, NULL, b.arena, &set, &err), AG_EINVAL,
                    "none of the 2 rows of");
    b.data.labels = NULL; /* one that merely lies there is told, not refused */
    AG_EXPECT_OK(ag_file_replace(ag_path_join(b.arena, b.dir, "truth.csv"), others, strlen(others), &err));
    set = load(&b, NULL);
    assert_true(set.truth && set.truth_unmatched == 2 && !set.truth_matched);
    b.data.labels = "absent.csv";
    AG_EXPECT_ERROR(ag_examples_load(b.dir, &b.data, NULL, NULL, NULL, b.arena, &set, &err), AG_ENOTFOUND, "no table");
    AG_EXPECT_ERROR(ag_examples_load(b.raw, &b.data, NULL, NULL, NULL, b.arena, &set, &err), AG_ENOTFOUND, "holes.csv");
    ag_arena_free(b.arena);
}

/* The truth again, `add` mm further down and `times` as large. */
static void write_moved(const bench *b, const ag_example_set *true_ones, double add, double times)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_buf_add_text(&text, "path,entry_mm,transition_mm,exit_mm\n");
    for (size_t i = 0; i < true_ones->count; i++) {
        const ag_example *e = &true_ones->items[i];
        ag_buf_add_text(&text, e->hole->path);
        for (int k = 0; k < AG_POINTS; k++)
            isnan(e->known.mm[k]) ? ag_buf_add_text(&text, ",")
                                  : ag_buf_addf(&text, ",%.4f", e->known.mm[k] * times + add);
        ag_buf_add_char(&text, '\n');
    }
    AG_EXPECT_OK(ag_file_replace(ag_path_join(b->arena, b->dir, "mine.csv"), text.data, text.size, &err));
    ag_buf_deinit(&text);
}

AG_TEST(test_examples__labels_with_another_zero_or_unit_are_noticed)
{
    bench b;
    open_own_bench(&b);
    ag_example_set automatic = load(&b, NULL);
    assert_int_equal(automatic.doubt.compared, 0); /* nobody said anything */
    copy_truth(&b, ag_path_join(b.arena, b.dir, "truth.csv"));
    ag_example_set truth = load(&b, NULL);
    assert_true(truth.doubt.compared > HOLES / 2 && truth.doubt.senseless == 0);
    assert_true(fabs(truth.doubt.entry_mm) < 0.3 && fabs(truth.doubt.exit_mm) < 0.3);
    b.data.labels = "mine.csv";
    write_moved(&b, &truth, 5, 1);
    ag_example_set off = load(&b, NULL);
    assert_true(fabs(off.doubt.entry_mm - truth.doubt.entry_mm - 5) < 1e-3);
    assert_true(fabs(off.doubt.exit_mm - truth.doubt.exit_mm - 5) < 1e-3);
    write_moved(&b, &truth, 0, 1 / 25.4);
    assert_true(load(&b, NULL).doubt.exit_mm < -10);
    write_moved(&b, &truth, 500, 1); /* below the end of every hole */
    ag_example_set beyond = load(&b, NULL);
    size_t trained = 0;
    for (size_t i = 0; i < beyond.count; i++) trained += beyond.items[i].known.weight > 0;
    assert_int_equal(trained, beyond.known - beyond.doubt.senseless);
    assert_true(beyond.doubt.senseless > HOLES * 2 / 3 && beyond.doubt.first);
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__are_the_same_for_any_number_of_threads)
{
    bench b;
    ag_err err = {0};
    ag_pool *pool = NULL;
    open_bench(&b);
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    ag_example_set one = load(&b, NULL), many = load(&b, pool);
    assert_true(ag_sha256_equal(&one.digest, &many.digest) && one.count == many.count);
    for (size_t i = 0; i < one.count; i++) {
        const ag_track *x = &one.items[i].drilled.track, *y = &many.items[i].drilled.track;
        assert_int_equal(x->count, y->count);
        assert_memory_equal(x->torque, y->torque, x->count * sizeof(double));
        assert_int_equal(one.items[i].drilled.classes, many.items[i].drilled.classes);
    }
    ag_pool_free(pool);
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__what_belongs_together_stays_together)
{
    bench b;
    ag_err err = {0};
    const uint32_t shares[] = {3, 1};
    size_t chosen[HOLES];
    uint32_t *part;
    open_bench(&b);
    ag_example_set set = load(&b, NULL);
    for (size_t i = 0; i < set.count; i++) chosen[i] = i;
    b.data.group_by = AG_GROUP_HEAD;
    AG_EXPECT_OK(ag_examples_split(&set, &b.data, chosen, set.count, shares, 2, 5, b.arena, &part, &err));
    size_t second = 0;
    for (size_t i = 0; i < set.count; i++) {
        second += part[i] == 1;
        for (size_t k = 0; k < i; k++)
            if (strcmp(set.items[i].hole->head, set.items[k].hole->head) == 0) assert_int_equal(part[i], part[k]);
    }
    assert_true(second > 2 && second < set.count / 2);
    uint32_t even[100];
    for (int i = 0; i < 100; i++) even[i] = 1;
    assert_true(ag_examples_split(&set, &b.data, chosen, set.count, even, 100, 5, b.arena, &part, &err) < 0);
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__simulated_holes_stand_behind_the_others)
{
    enum { MADE = 22 }; /* each regime once */
    bench b;
    ag_err err = {0};
    ag_pool *pool = NULL;
    open_bench(&b);
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    ag_example_set plain = load(&b, NULL), one = plain, many = plain, other = plain;
    AG_EXPECT_OK(ag_examples_simulate(&plain, &b.data, NULL, NULL, NULL, b.arena, &err));
    assert_true(plain.simulated == 0 && ag_sha256_equal(&plain.digest, &one.digest));
    b.data.simulated = (ag_drilling_simulated){.holes = MADE, .tool_holes = 1, .seed = 3, .own_share = 0.5};
    AG_EXPECT_OK(ag_examples_simulate(&one, &b.data, NULL, NULL, NULL, b.arena, &err));
    AG_EXPECT_OK(ag_examples_simulate(&many, &b.data, pool, NULL, NULL, b.arena, &err));
    b.data.simulated.seed = 4;
    AG_EXPECT_OK(ag_examples_simulate(&other, &b.data, pool, NULL, NULL, b.arena, &err));
    assert_true(one.count == plain.count && one.known == plain.known);
    assert_true(one.simulated > MADE / 2 && one.simulated < MADE); /* but those in air */
    assert_true(ag_sha256_equal(&one.digest, &many.digest) && one.simulated == many.simulated);
    assert_false(ag_sha256_equal(&one.digest, &plain.digest) || ag_sha256_equal(&one.digest, &other.digest));
    for (size_t i = one.count; i < one.count + one.simulated; i++) {
        const ag_example *x = &one.items[i], *y = &many.items[i];
        assert_true(x->known.weight == 1 && strcmp(x->known.source, "truth") == 0);
        assert_true(x->drilled.shape.outcome == AG_LABEL_NONE && !x->drilled.shape.source); /* nobody is asked */
        assert_true(x->known.mm[0] > 0 && memcmp(x->known.mm, y->known.mm, sizeof x->known.mm) == 0);
        assert_int_equal(x->drilled.track.count, y->drilled.track.count);
        assert_memory_equal(x->drilled.track.torque, y->drilled.track.torque, x->drilled.track.count * sizeof(double));
    }
    for (size_t i = 0; i < one.count; i++) assert_true(one.items[i].hole == plain.items[i].hole);
    ag_pool_free(pool);
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__others_are_simulated_to_be_asked_about)
{
    enum { MADE = 44 };
    bench b;
    ag_err err = {0};
    ag_pool *pool = NULL;
    ag_example *one, *many;
    size_t count, same;
    const ag_drilling_simulated what = {.seed = 3, .burr = 0.25, .calibrate = MADE};
    open_bench(&b);
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    ag_example_set learned = load(&b, NULL);
    b.data.simulated = (ag_drilling_simulated){.holes = MADE, .tool_holes = 1, .seed = 3, .own_share = 1};
    AG_EXPECT_OK(ag_examples_simulate(&learned, &b.data, pool, NULL, NULL, b.arena, &err));
    AG_EXPECT_OK(ag_examples_simulate_others(&what, NULL, NULL, NULL, b.arena, &one, &count, &err));
    AG_EXPECT_OK(ag_examples_simulate_others(&what, pool, NULL, NULL, b.arena, &many, &same, &err));
    assert_true(count == same && count > MADE / 2 && count < MADE);
    size_t told = 0;
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(one[i].known.mm, many[i].known.mm, sizeof one[i].known.mm);
        assert_false(ag_known_by_labeller(&one[i].known));
        told += one[i].drilled.shape.outcome != AG_LABEL_NONE;
        for (size_t k = learned.count; k < learned.count + learned.simulated; k++) /* nobody learned from it */
            assert_true(one[i].known.mm[0] != learned.items[k].known.mm[0]);
    }
    assert_true(told > count / 2);
    ag_pool_free(pool);
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__a_hole_without_its_shape_is_otherwise_the_same)
{
    bench b;
    ag_err err = {0};
    ag_prepared_set prepared;
    ag_hole *hole = NULL;
    ag_drilled whole, less;
    open_bench(&b);
    AG_EXPECT_OK(ag_prepared_load(b.dir, b.arena, &prepared, &err));
    AG_EXPECT_OK(ag_prepared_samples(&prepared, &prepared.holes[0], b.arena, &hole, &err));
    AG_EXPECT_OK(ag_drilled_make(hole, NULL, b.arena, &whole, &err));
    AG_EXPECT_OK(ag_drilled_make_shapeless(hole, b.arena, &less, &err));
    assert_true(whole.shape.source && !less.shape.source);
    assert_true(whole.classes == less.classes && whole.unusable == less.unusable);
    assert_int_equal(whole.track.count, less.track.count);
    assert_memory_equal(whole.track.depth, less.track.depth, less.track.count * sizeof(double));
    assert_memory_equal(whole.conditions, less.conditions, sizeof whole.conditions);
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__a_lesson_repeats_own_holes_up_to_their_share)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_example_set set = {.count = 10, .simulated = 30, .own_share = 0.5};
    const size_t own[] = {7, 2, 5}, *lesson;
    size_t count;
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 3, true, arena, &lesson, &count, &err));
    assert_int_equal(count, 3 * 10 + 30); /* as many as the simulated ones */
    assert_true(lesson[0] == 7 && lesson[3] == 7 && lesson[29] == 5 && lesson[30] == 10 && lesson[59] == 39);
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 3, false, arena, &lesson, &count, &err));
    assert_int_equal(count, 33);
    set.own_share = 0;
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 3, true, arena, &lesson, &count, &err));
    assert_int_equal(count, 33); /* none is left out */
    set.own_share = 0.25;
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 0, true, arena, &lesson, &count, &err));
    assert_int_equal(count, 30);
    set.own_share = 1; /* simulated ones are for a pretraining, which shares the view */
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 3, true, arena, &lesson, &count, &err));
    assert_true(count == 3 && lesson[2] == 5);
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 3, false, arena, &lesson, &count, &err));
    assert_int_equal(count, 33);
    set.own_share = 0.25;
    set.simulated = 0;
    AG_EXPECT_OK(ag_examples_lesson(&set, own, 3, true, arena, &lesson, &count, &err));
    assert_true(count == 3 && lesson[2] == 5);
    ag_arena_free(arena);
}

/* Ever fewer calls are tried the later they come, as each round makes a hole; all of them with AUGER_TEST_FULL. */
AG_TEST(test_examples__simulating_leaves_the_set_as_it_was_when_a_call_fails)
{
    bench b;
    open_bench(&b);
    const ag_example_set before = load(&b, NULL);
    const size_t divisor = ag_test_rounds(1, SIZE_MAX);
    b.data.simulated = (ag_drilling_simulated){.holes = 1, .tool_holes = 1, .seed = 3};
    bool fired = true;
    for (uint64_t n = 1; fired; n += 1 + n / divisor) {
        ag_err err = {0};
        ag_example_set after = before;
        ag_fault_arm(n, AG_FAULT_ALLOC);
        ag_arena *arena = ag_arena_new(0);
        int rc = arena ? ag_examples_simulate(&after, &b.data, NULL, NULL, NULL, arena, &err) : ag_fail_memory(&err, 1);
        fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        if (!fired) AG_EXPECT_OK(rc);
        assert_int_equal(after.simulated, rc >= 0);
        if (rc < 0) assert_true(*err.text && after.items == before.items);
        ag_arena_free(arena);
    }
    ag_arena_free(b.arena);
}

AG_TEST(test_examples__a_tool_is_a_head_whose_counter_runs_on)
{
    /* head, its counter, the tool's: in no order */
    static const char *const rows[][3] = {
        {"A", "103", "2"}, {"A", "101", "39"}, {"A", "102", "1"}, {"A", "100", "38"}, {"B", "101", "40"},
        {"A", "103", "2"}, {"", "5", "5"},     {"A", "x", "1"},   {"A", "104", ""},   {"B", "99", "38"},
        {"A", "300", "7"}, {NULL, "5", "6"},   {"A", "301", "6"},
    };
    /* The last tool of head A ran on from 2 to 7 before it was changed. */
    static const int same[][2] = {{0, 2}, {0, 5}, {1, 3}, {4, 9}, {0, 10}};
    static const int other[][2] = {{0, 1}, {1, 4}, {6, 11}, {7, 8}, {7, 0}, {10, 12}, {6, 7}};
    enum { ROWS = sizeof rows / sizeof *rows };
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_prepared holes[ROWS];
    ag_example items[ROWS];
    uint32_t *tool;
    size_t count;
    for (size_t i = 0; i < ROWS; i++) {
        holes[i] = (ag_prepared){.path = ag_arena_printf(arena, "%02zu.xls", i),
                                 .head = rows[i][0],
                                 .head_counter = rows[i][1],
                                 .tool_counter = rows[i][2]};
        items[i] = (ag_example){.hole = &holes[i]};
    }
    ag_example_set set = {.items = items, .count = ROWS};
    AG_EXPECT_OK(ag_examples_tools(&set, arena, &tool, &count, &err));
    assert_int_equal(count, 8);
    for (size_t i = 0; i < ROWS; i++) assert_in_range(tool[i], 0, count - 1);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) assert_int_equal(tool[same[i][0]], tool[same[i][1]]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_int_not_equal(tool[other[i][0]], tool[other[i][1]]);
    set.count = 0;
    AG_EXPECT_OK(ag_examples_tools(&set, arena, &tool, &count, &err));
    assert_int_equal(count, 0);
    ag_arena_free(arena);
}

AG_TEST(test_examples__a_single_tool_can_be_split_all_the_same)
{
    bench b;
    ag_err err = {0};
    const uint32_t shares[] = {1, 1};
    size_t chosen[HOLES], parts = 9, count = 0;
    uint32_t *part, *tool;
    open_bench(&b);
    ag_example_set set = load(&b, NULL);
    AG_EXPECT_OK(ag_examples_tools(&set, b.arena, &tool, &count, &err));
    assert_true(count > 2);
    for (size_t i = 0; i < set.count; i++) chosen[i] = i;
    AG_EXPECT_OK(ag_examples_split_tools(&set, chosen, set.count, 24, 2, 5, b.arena, &part, &parts, &err));
    assert_true(parts >= 2 && parts <= count);
    for (size_t i = 0; i < set.count; i++)
        for (size_t k = 0; k < i; k++)
            if (tool[i] == tool[k]) assert_int_equal(part[i], part[k]);
    AG_EXPECT_OK(ag_examples_split_tools(&set, chosen, set.count, 24, count + 1, 5, b.arena, &part, &parts, &err));
    assert_int_equal(parts, 0);
    for (size_t i = 0; i < set.count; i++) {
        ((ag_prepared *)set.items[i].hole)->head = "one";
        ((ag_prepared *)set.items[i].hole)->head_counter = "7";
        ((ag_prepared *)set.items[i].hole)->tool_counter = "7";
    }
    b.data.group_by = AG_GROUP_TOOL;
    AG_EXPECT_OK(ag_examples_split(&set, &b.data, chosen, set.count, shares, 2, 5, b.arena, &part, &err));
    ag_arena_free(b.arena);
}
