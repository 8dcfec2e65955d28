// SPDX-License-Identifier: Apache-2.0
/* Repeatability: of answers that are made up, on simulated holes of one stack; and of the labellers on real files, when
 * they are there. */
#include "learn/drilling/repeat.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/reader.h"
#include "data/shared.h"
#include "learn/drilling/folder.h"

enum { HOLES = 12 };

static const char *one_stack(uint64_t seed)
{
    ag_err err = {0};
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-stroke");
    ag_sim_options options = {.seed = seed, .regimes = &regime, .regime_count = 1};
    ag_sim_totals totals;
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_sim_batch(&options, dir, HOLES, 0, 2, NULL, NULL, &totals, &err));
    return dir;
}

AG_TEST(test_repeat__half_the_rate_is_every_second_sample)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *dir = simulated(3, 4);
    ag_prepare_summary summary;
    ag_prepare_options options = {.input_dir = dir, .output_dir = ag_test_dir(), .jobs = 1};
    AG_EXPECT_OK(ag_prepare(&options, arena, &summary, &err));
    for (size_t i = 0; i < summary.count; i++) {
        ag_hole *hole, *half;
        AG_EXPECT_OK(
            ag_hole_read_file(ag_path_join(arena, dir, summary.holes[i].path), NULL, arena, &hole, NULL, &err));
        AG_EXPECT_OK(ag_repeat_halve(hole, arena, &half, &err));
        assert_int_equal(half->signal.rows, (hole->signal.rows + 1) / 2);
        assert_true(fabs(half->signal.rate - 50) < 1e-9);
        assert_int_equal(half->step_count, hole->step_count);
        for (size_t row = 0; row < half->signal.rows; row++)
            assert_int_equal(half->signal.by_id[AG_CHANNEL_TORQUE][row],
                             hole->signal.by_id[AG_CHANNEL_TORQUE][2 * row]);
        assert_true(half->steps[0].end <= half->signal.rows);
        assert_true(ag_str_equal(ag_hole_text(half, AG_HEADER_FIRMWARE), ag_hole_text(hole, AG_HEADER_FIRMWARE)));
    }
    ag_arena_free(arena);
}

/* Entry at 5; exit by the parity of the file's rows, except of the halved ones. */
static int ask_made_up(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
                       ag_prediction *out, ag_err *err)
{
    (void)context;
    (void)arena;
    (void)cancel;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        bool half = holes[i]->signal.rate < 60;
        double exit = 15.0 + (half ? 0.25 : 0.0);
        out[i] = (ag_prediction){.outcome = AG_LABEL_FOUND, .confidence = 1, .spread = NAN};
        out[i].points[AG_POINT_ENTRY] = (ag_point){5, 4.9, 5.1, 1};
        out[i].points[AG_POINT_TRANSITION] = (ag_point){half ? (double)NAN : 9.0, NAN, NAN, 1};
        out[i].points[AG_POINT_EXIT] = (ag_point){exit, NAN, NAN, 1};
    }
    return AG_OK;
}

static const ag_answerer made_up = {.name = "made up", .ask = ask_made_up};

static const ag_answerer *automatic(ag_answerer *answerer)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_answerer_auto(answerer, &err));
    return answerer;
}

AG_TEST(test_repeat__made_up_answers_get_their_spread)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_repeat r;
    ag_repeat_options options = {.dir = one_stack(7), .who = &made_up};
    AG_EXPECT_OK(ag_repeat_run(&options, arena, &r, &err));
    assert_int_equal(r.files, HOLES);
    assert_int_equal(r.answered, HOLES);
    assert_true(r.group_count >= 1);
    assert_true(r.groups[0].holes >= 4);
    assert_int_equal(r.groups[0].answered, r.groups[0].holes);
    assert_true(fabs(r.groups[0].thickness - 10) < 1e-9 && r.groups[0].spread < 1e-9);
    assert_true(r.groups[0].automatic > 0); /* the labellers do not say the same of all */
    assert_true(isnan(r.groups[0].naive) && isnan(r.groups[0].ratio));
    assert_int_equal(r.rates.count, HOLES);
    assert_int_equal(r.rates.unlike, HOLES); /* the transition is gone */
    assert_true(fabs(r.rates.median[AG_POINT_EXIT] - 0.25) < 1e-9);
    assert_true(fabs(r.rates.most[AG_POINT_ENTRY]) < 1e-9);
    assert_true(isnan(r.rates.p95[AG_POINT_TRANSITION]));
    assert_int_equal(r.twins.count, 0);
    const ag_repeat_pair *apart[3];
    assert_int_equal(ag_repeat_apart(&r, apart, 3), HOLES); /* all are unlike */
    assert_ptr_equal(apart[0], &r.rates.items[0]);
    for (size_t i = 0; i < HOLES; i++) {
        r.rates.items[i].unlike = false;
        r.rates.items[i].away[AG_POINT_EXIT] = i == 5 ? -0.9 : i == 2 ? 0.4 : AG_REPEAT_APART;
    }
    r.rates.items[7].unlike = true;
    assert_int_equal(ag_repeat_apart(&r, apart, 3), 3);
    assert_ptr_equal(apart[0], &r.rates.items[7]);
    assert_ptr_equal(apart[1], &r.rates.items[5]);
    assert_ptr_equal(apart[2], &r.rates.items[2]);
    assert_int_equal(ag_repeat_apart(&r, apart, 1), 3);
    assert_ptr_equal(apart[0], &r.rates.items[7]);
    ag_arena_free(arena);
}

AG_TEST(test_repeat__copies_are_left_out_and_twins_compared)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_repeat r;
    ag_answerer answerer = {0};
    const char *dir = one_stack(8);
    ag_vec names;
    ag_buf text;
    ag_vec_init(&names, sizeof(const char *));
    ag_buf_init(&text, 1 << 24);
    const char *folder = ag_path_join(arena, dir, "cfrp-ti-stroke");
    AG_EXPECT_OK(ag_dir_list(folder, arena, &names, &err));
    AG_EXPECT_OK(ag_file_read(ag_path_join(arena, folder, *(const char **)ag_vec_at(&names, 0)), 1 << 24, &text, &err));
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, dir, "zz-copy.xls"), text.data, text.size, &err));
    char *at = strstr(text.data, "Standard"); /* another header, the same samples */
    if (at) memcpy(at, "standarD", 8);
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, dir, "zz-twin.xls"), text.data, text.size, &err));
    ag_repeat_options options = {.dir = dir, .who = automatic(&answerer)};
    AG_EXPECT_OK(ag_repeat_run(&options, arena, &r, &err));
    assert_int_equal(r.files, HOLES + (at ? 1 : 0));
    assert_int_equal(r.twins.count, at ? 1 : 0);
    assert_int_equal(r.twins.unlike, 0);
    if (at) assert_true(r.twins.most[AG_POINT_EXIT] < 1e-12);
    ag_answerer_close(&answerer);
    ag_buf_deinit(&text);
    ag_vec_deinit(&names);
    ag_arena_free(arena);
}

AG_TEST(test_repeat__threads_change_nothing_and_all_of_it_is_shown)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_repeat r[2];
    ag_answerer answerer = {0};
    ag_pool *pool = NULL;
    ag_buf text[2], page;
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    ag_repeat_options options = {.dir = one_stack(9), .who = automatic(&answerer), .seed = 2};
    for (int k = 0; k < 2; k++) {
        options.pool = k ? pool : NULL;
        AG_EXPECT_OK(ag_repeat_run(&options, arena, &r[k], &err));
        ag_buf_init(&text[k], 1 << 20);
        ag_json json = ag_json_writer(&text[k], 2, AG_JSON_REFUSE_NONFINITE);
        ag_repeat_json(&r[k], &json);
        AG_EXPECT_OK(ag_json_end_document(&json, &err));
    }
    assert_string_equal(text[0].data, text[1].data);
    assert_non_null(strstr(text[0].data, "\"half_rate\""));
    ag_buf_init(&page, 1 << 24);
    AG_EXPECT_OK(ag_repeat_html(&r[0], &page, &err));
    assert_non_null(strstr(page.data, "Holes that repeat each other"));
    assert_non_null(strstr(page.data, "half the sampling rate"));
    assert_int_equal(strstr(page.data, "farthest apart") != NULL, ag_repeat_apart(&r[0], NULL, 0) > 0);
    assert_non_null(strstr(text[0].data, "\"farthest_apart\""));
    assert_null(strstr(page.data, "nan"));
    ag_buf_deinit(&page);
    ag_buf_deinit(&text[0]);
    ag_buf_deinit(&text[1]);
    ag_pool_free(pool);
    ag_answerer_close(&answerer);
    ag_arena_free(arena);
}

/* A table as a cross-validation leaves it: 5 to 15, and the last hole is missing. */
static const char *write_said(ag_arena *arena, const char *dir, const char *first_exit)
{
    ag_err err = {0};
    ag_buf text;
    ag_prepare_summary summary;
    ag_prepare_options options = {.input_dir = dir, .output_dir = ag_test_dir(), .jobs = 1};
    const char *path = ag_path_join(arena, ag_test_dir(), "out_of_fold.csv");
    AG_EXPECT_OK(ag_prepare(&options, arena, &summary, &err));
    ag_buf_init(&text, 1 << 20);
    ag_buf_add_text(&text, "sha256,predicted_outcome,entry_predicted_mm,transition_predicted_mm,exit_predicted_mm\n");
    for (size_t i = 0; i + 1 < summary.count; i++)
        ag_buf_addf(&text, "%s,found,5,,%s\n", summary.holes[i].sha256, i ? "15" : first_exit);
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    ag_buf_deinit(&text);
    return path;
}

AG_TEST(test_repeat__what_was_said_out_of_fold_counts)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_repeat r;
    ag_repeat_options options = {.dir = one_stack(7), .who = &made_up};
    options.said = write_said(arena, options.dir, "15");
    AG_EXPECT_OK(ag_repeat_run(&options, arena, &r, &err));
    assert_int_equal(r.files, HOLES - 1); /* of the one that nobody spoke of nothing is made up */
    assert_int_equal(r.rates.count, 0);
    assert_true(r.group_count >= 1 && fabs(r.groups[0].thickness - 10) < 1e-9 && r.groups[0].spread < 1e-9);
    options.said = write_said(arena, options.dir, "deep");
    AG_EXPECT_ERROR(ag_repeat_run(&options, arena, &r, &err), AG_EPARSE, "'deep' is no depth in mm");
    AG_EXPECT_OK(ag_file_replace(options.said, "sha256,entry_mm\n", 16, &err));
    AG_EXPECT_ERROR(ag_repeat_run(&options, arena, &r, &err), AG_EPARSE, "need the columns sha256");
    options.said = "/nowhere/out_of_fold.csv";
    AG_EXPECT_ERROR(ag_repeat_run(&options, arena, &r, &err), AG_ENOTFOUND, "nowhere");
    ag_arena_free(arena);
}

AG_TEST(test_repeat__labellers_on_real_files)
{
    const char *root = unpack_shared();
    bool full = ag_test_rounds(0, 1) > 0;
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_repeat r;
    ag_answerer answerer = {0};
    ag_pool *pool = NULL;
    size_t known = 0;
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    const char *messages = ag_path_join(arena, root, "mqtt");
    ag_repeat_options options = {.dir = full ? root : messages, .who = automatic(&answerer), .pool = pool};
    AG_EXPECT_OK(ag_repeat_run(&options, arena, &r, &err));
    for (size_t g = 0; g < r.group_count; g++) {
        known += isfinite(r.groups[g].naive);
        if (isfinite(r.groups[g].spread)) assert_true(fabs(r.groups[g].spread - r.groups[g].automatic) < 0.02);
    }
    if (full) assert_true(r.files > 100 && known >= 5);
    assert_true(r.twins.count >= 1); /* messages and the files they belong to */
    assert_int_equal(r.twins.unlike, 0);
    for (int p = 0; p < AG_POINTS; p++) assert_true(!(r.twins.most[p] > 1e-9));
    assert_true(r.rates.median[AG_POINT_EXIT] < 0.05);
    ag_pool_free(pool);
    ag_answerer_close(&answerer);
    ag_arena_free(arena);
}

static int run_once(void *context, ag_err *err)
{
    ag_repeat r;
    ag_buf page;
    ag_buf_init(&page, 1 << 24);
    ag_arena *arena = ag_arena_new(0);
    ag_repeat_options options = {.dir = context, .who = &made_up};
    int rc = arena ? ag_repeat_run(&options, arena, &r, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_repeat_html(&r, &page, err);
    ag_buf_deinit(&page);
    ag_arena_free(arena);
    return rc;
}

static int show_once(void *context, ag_err *err)
{
    ag_buf page;
    ag_buf_init(&page, 1 << 24);
    int rc = ag_repeat_html(context, &page, err);
    if (rc == AG_OK) rc = ag_buf_check(&page, "the page", err);
    ag_buf_deinit(&page);
    return rc;
}

AG_TEST(test_repeat__every_allocation_may_fail)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_repeat r;
    const char *dir = one_stack(3);
    ag_repeat_options options = {.dir = dir, .who = &made_up};
    AG_EXPECT_OK(ag_repeat_run(&options, arena, &r, &err));
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, show_once, NULL, &r) >= 1);
    if (ag_test_rounds(0, 1)) /* prepares and labels again for every failure: minutes */
        assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, run_once, NULL, (void *)(uintptr_t)dir) >= 1);
    ag_arena_free(arena);
}
