// SPDX-License-Identifier: Apache-2.0
/* Exams of the automatic labellers on simulated holes, as whoever is examined: from a prepared dataset and from a
 * folder of files; and of answers that are made up, whose scores are known beforehand. */
#include "learn/drilling/exam.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "frame/test.h"
#include "learn/drilling/folder.h"

enum { HOLES = 22 };

/* Says the truth of each hole plus a tenth of a millimetre, but knows the truth only by the table it is given. */
typedef struct oracle {
    const ag_known_set *set;
    double shift;
    size_t most; /* holes asked at once */
} oracle;

static int ask_oracle(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
                      ag_prediction *out, ag_err *err)
{
    const oracle *o = context;
    (void)arena;
    (void)cancel;
    (void)err;
    assert_true(count <= o->most);
    for (size_t i = 0; i < count; i++) {
        const ag_known_hole *hole = NULL;
        for (size_t k = 0; k < o->set->count && !hole; k++)
            if (ag_str_ends(ag_str_of(holes[i]->file), ag_str_of(o->set->holes[k].record->path)))
                hole = &o->set->holes[k];
        assert_non_null(hole);
        out[i] = (ag_prediction){.outcome = hole->known.outcome, .confidence = 0.9, .spread = NAN};
        for (int p = 0; p < AG_POINTS; p++) {
            double mm = hole->known.mm[p] + o->shift;
            out[i].points[p] = (ag_point){mm, mm - 0.2, mm + 0.2, 0.9};
        }
    }
    return AG_OK;
}

typedef struct data {
    ag_arena *arena;
    const char *raw, *dir;
    char *truth;
    ag_known_set set;
} data;

static void open_data(data *d, const char *raw, const char *dir)
{
    ag_err err = {0};
    d->raw = raw;
    d->dir = dir;
    d->truth = ag_path_join(d->arena, d->raw, "truth.csv");
    AG_EXPECT_OK(ag_known_load(d->dir, &(ag_known_options){.truth = d->truth}, d->arena, &d->set, &err));
}

static void make_some(data *d, uint64_t holes, uint64_t seed)
{
    d->arena = ag_arena_new(0);
    const char *raw = simulated(holes, seed);
    open_data(d, raw, prepared(raw, d->arena));
}

/* The same for all tests, which only read them. */
static void make(data *d)
{
    static const char *raw, *dir;
    d->arena = ag_arena_new(0);
    if (!raw) {
        raw = simulated(HOLES, 91);
        dir = prepared(raw, d->arena);
    }
    open_data(d, raw, dir);
}

AG_TEST(test_exam__made_up_answers_get_their_scores)
{
    ag_err err = {0};
    data d;
    ag_exam exam;
    make(&d);
    oracle o = {&d.set, 0.1, 5};
    ag_answerer who = {.name = "oracle", .context = &o, .ask = ask_oracle};
    ag_exam_options options = {.data = d.dir, .truth = d.truth, .who = &who, .batch = 5, .worst = 3};
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &exam, &err));
    assert_int_equal(exam.known, HOLES);
    assert_int_equal(exam.all.right, HOLES);
    assert_int_equal(exam.all.failed + exam.all.abstained + exam.all.false_numbers, 0);
    assert_true(fabs(exam.all.error[AG_SCORE_EXIT].mae - 0.1) < 1e-9);
    assert_true(fabs(exam.all.error[AG_SCORE_EXIT].bias - 0.1) < 1e-9);
    assert_true(fabs(exam.all.error[AG_SCORE_THICKNESS].mae) < 1e-9);
    assert_true(fabs(exam.all.interval[AG_POINTS].covered - 1) < 1e-9);
    assert_true(exam.all.air_right == exam.all.air && exam.all.air > 0);
    assert_true(exam.all.seized_right == exam.all.seized && exam.all.seized > 0);
    assert_int_equal(exam.parts[AG_SCORE_BY_REGIME].count, HOLES);
    assert_int_equal(exam.worst_count, 3);
    assert_true(exam.worst[0].rows > 100 && exam.worst[0].depth[0] > 0);
    ag_arena_free(d.arena);
}

/* Asks to stop as it is asked for the first time. */
typedef struct stopper {
    ag_cancel *cancel;
    size_t calls;
} stopper;

static int ask_stopper(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
                       ag_prediction *out, ag_err *err)
{
    stopper *s = context;
    (void)holes, (void)count, (void)arena, (void)out;
    assert_ptr_equal(cancel, s->cancel);
    s->calls++;
    ag_cancel_request(s->cancel);
    return ag_cancel_check(cancel, err);
}

AG_TEST(test_exam__stops_within_a_hole_when_it_is_asked_to)
{
    ag_err err = {0};
    data d;
    ag_exam exam;
    stopper s = {0};
    make(&d);
    AG_EXPECT_OK(ag_cancel_new(NULL, &s.cancel, &err));
    ag_answerer who = {.name = "stopper", .context = &s, .ask = ask_stopper};
    ag_exam_options options = {.data = d.dir, .truth = d.truth, .who = &who, .batch = 5, .cancel = s.cancel};
    AG_EXPECT_ERROR(ag_exam_run(&options, d.arena, &exam, &err), AG_ECANCELLED, "");
    assert_int_equal(s.calls, 1);
    AG_EXPECT_ERROR(ag_exam_run(&options, d.arena, &exam, &err), AG_ECANCELLED, ""); /* reads no hole more */
    assert_int_equal(s.calls, 1);
    ag_cancel_free(s.cancel);
    ag_arena_free(d.arena);
}

/* Everybody who answers looks at every hole, whether or not it is asked of many. */
AG_TEST(test_exam__answerers_stop_when_they_are_asked_to)
{
    ag_err err = {0};
    data d;
    ag_hole *hole = NULL;
    ag_prediction said[2];
    ag_cancel *cancel = NULL;
    make_some(&d, 2, 94);
    AG_EXPECT_OK(ag_known_samples(&d.set, &d.set.holes[0], d.arena, &hole, &err));
    const ag_hole *holes[] = {hole, hole};
    ag_answerer all[2] = {0};
    AG_EXPECT_OK(ag_answerer_auto(&all[0], &err));
    AG_EXPECT_OK(ag_answerer_legacy(NULL, NULL, &all[1], &err));
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    for (int i = 0; i < 2; i++) AG_EXPECT_OK(ag_answerer_ask(&all[i], holes, 2, d.arena, cancel, said, &err));
    ag_cancel_request(cancel);
    for (int i = 0; i < 2; i++) {
        AG_EXPECT_ERROR(ag_answerer_ask(&all[i], holes, 2, d.arena, cancel, said, &err), AG_ECANCELLED, "");
        ag_answerer_close(&all[i]);
    }
    ag_cancel_free(cancel);
    ag_arena_free(d.arena);
}

AG_TEST(test_exam__nothing_depends_on_threads_and_batches)
{
    ag_err err = {0};
    data d;
    ag_exam one, many;
    ag_answerer automatic = {0}, legacy = {0};
    ag_pool *pool = NULL;
    make(&d);
    AG_EXPECT_OK(ag_answerer_auto(&automatic, &err));
    AG_EXPECT_OK(ag_answerer_legacy(NULL, NULL, &legacy, &err));
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    ag_answerer baselines[2] = {automatic, legacy};
    ag_exam_options options = {.data = d.dir,
                               .truth = d.truth,
                               .who = &automatic,
                               .baselines = baselines,
                               .baseline_count = 2,
                               .score = {.seed = 5, .draws = 100},
                               .worst = 2};
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &one, &err));
    options.pool = pool;
    options.batch = 3;
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &many, &err));
    ag_buf a, b;
    ag_buf_init(&a, 1 << 24);
    ag_buf_init(&b, 1 << 24);
    one.seconds = many.seconds = 0;
    ag_json first = ag_json_writer(&a, 2, AG_JSON_REFUSE_NONFINITE),
            second = ag_json_writer(&b, 2, AG_JSON_REFUSE_NONFINITE);
    ag_exam_json(&one, &first);
    ag_exam_json(&many, &second);
    AG_EXPECT_OK(ag_json_end_document(&first, &err));
    AG_EXPECT_OK(ag_json_end_document(&second, &err));
    assert_string_equal(a.data, b.data);
    /* Against itself there is no difference. */
    assert_true(fabs(one.baselines[0].all.depth[AG_SCORE_EXIT].gain) < 1e-12);
    assert_true(one.baselines[0].all.depth[AG_SCORE_EXIT].pairs > 10);
    assert_int_equal(one.baselines[0].by_count[0], HOLES); /* by regime */
    assert_true(one.baselines[0].by_count[1] > 1 && one.baselines[0].by_count[1] < HOLES);
    size_t holes = 0; /* each has one material */
    for (size_t g = 0; g < one.baselines[0].by_count[1]; g++) holes += one.baselines[0].by[1][g].known;
    assert_int_equal(holes, HOLES);
    /* The rules have no exit, and are not blamed for it. */
    assert_int_equal(one.baselines[1].all.depth[AG_SCORE_EXIT].pairs, 0);
    assert_true(one.baselines[1].all.baseline_failed < HOLES);
    assert_true(one.baselines[1].all.depth[AG_SCORE_ENTRY].pairs > 0);
    ag_buf_deinit(&a);
    ag_buf_deinit(&b);
    ag_pool_free(pool);
    ag_answerer_close(&automatic);
    ag_answerer_close(&legacy);
    ag_arena_free(d.arena);
}

AG_TEST(test_exam__a_folder_of_files_is_prepared_for_the_while)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(HOLES, 93);
    ag_exam exam;
    ag_answerer automatic = {0};
    AG_EXPECT_OK(ag_answerer_auto(&automatic, &err));
    ag_exam_options options = {.data = raw, .who = &automatic, .baselines = &automatic, .baseline_count = 1};
    AG_EXPECT_OK(ag_exam_run(&options, arena, &exam, &err));
    assert_int_equal(exam.known, HOLES);
    assert_int_equal(exam.truths, HOLES);
    assert_true(exam.all.error[AG_SCORE_ENTRY].mae < 0.3);
    assert_false(ag_file_exists(ag_path_join(arena, raw, "holes.csv")));
    ag_answerer_close(&automatic);
    ag_arena_free(arena);
}

static void html_of(const ag_exam *exam, ag_arena *arena, ag_buf *out)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_exam_html(exam, NULL, arena, out, &err));
}

AG_TEST(test_exam__the_page_holds_everything_and_needs_nothing)
{
    ag_err err = {0};
    data d;
    ag_exam exam;
    ag_answerer automatic = {0}, legacy = {0};
    ag_buf page;
    make(&d);
    AG_EXPECT_OK(ag_answerer_auto(&automatic, &err));
    AG_EXPECT_OK(ag_answerer_legacy(NULL, NULL, &legacy, &err));
    ag_exam_options options = {.data = d.dir,
                               .truth = d.truth,
                               .who = &automatic,
                               .baselines = &legacy,
                               .baseline_count = 1,
                               .score = {.draws = 50},
                               .worst = 4};
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &exam, &err));
    ag_buf_init(&page, 1 << 26);
    html_of(&exam, d.arena, &page);
    static const char *const parts[] = {"How good the model is",
                                        "Errors",
                                        "Does it know when it is wrong?",
                                        "Against the baselines",
                                        "By regime",
                                        "By material",
                                        "By age of the tool",
                                        "The worst holes",
                                        "depth, mm",
                                        "confidence",
                                        "cfrp"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(page.data, parts[i])) fail_msg("'%s' is missing", parts[i]);
    assert_null(strstr(page.data, "href="));
    assert_null(strstr(page.data, "src="));
    assert_null(strstr(page.data, "<script"));
    assert_null(strstr(page.data, "nan"));
    ag_buf_deinit(&page);
    ag_answerer_close(&automatic);
    ag_answerer_close(&legacy);
    ag_arena_free(d.arena);
}

AG_TEST(test_exam__an_exam_where_everything_is_silent_still_has_a_page)
{
    ag_err err = {0};
    data d;
    ag_exam exam;
    ag_answerer legacy = {0};
    ag_buf page, words;
    make(&d);
    /* Only air: the old pipeline has no answer at all. */
    const char *path = NULL;
    for (size_t i = 0; i < d.set.count; i++)
        if (d.set.holes[i].known.outcome == AG_LABEL_EMPTY) path = d.set.holes[i].record->path;
    char *truth = ag_path_join(d.arena, ag_test_dir(), "air.csv");
    const char *text = ag_arena_printf(d.arena, "path,entry_mm,exit_mm\n%s,,\n", path);
    AG_EXPECT_OK(ag_file_replace(truth, text, strlen(text), &err));
    AG_EXPECT_OK(ag_answerer_legacy(NULL, NULL, &legacy, &err));
    ag_exam_options options = {.data = d.dir, .truth = truth, .who = &legacy, .worst = 4};
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &exam, &err));
    assert_int_equal(exam.known, 1);
    assert_int_equal(exam.all.abstained, 1);
    ag_buf_init(&page, 1 << 26);
    ag_buf_init(&words, 4096);
    html_of(&exam, d.arena, &page);
    ag_exam_words(&exam, &words);
    assert_string_equal(words.data, "0 of 1 holes answered, 0 failed, 1 abstained; air told as air 0 of 1");
    assert_null(strstr(page.data, "nan"));
    ag_buf_deinit(&page);
    ag_buf_deinit(&words);
    ag_answerer_close(&legacy);
    ag_arena_free(d.arena);
}

AG_TEST(test_exam__says_what_is_missing)
{
    ag_err err = {0};
    data d;
    ag_exam exam;
    ag_answerer automatic = {0}, model = {0};
    make(&d);
    AG_EXPECT_OK(ag_answerer_auto(&automatic, &err));
    ag_exam_options options = {.data = d.dir, .who = &automatic};
    AG_EXPECT_ERROR(ag_exam_run(&options, d.arena, &exam, &err), AG_EINVAL, "nothing is known of any of the 22 holes");
    assert_non_null(strstr(err.hint, "--truth"));
    options.data = "/nowhere/at/all";
    AG_EXPECT_ERROR(ag_exam_run(&options, d.arena, &exam, &err), AG_ENOTFOUND, "/nowhere/at/all");
    AG_EXPECT_ERROR(ag_answerer_open("/nowhere/model", NULL, NULL, &model, &err), AG_ENOTFOUND, "there is no model");
    AG_EXPECT_ERROR(ag_answerer_open(ag_test_dir(), NULL, NULL, &model, &err), AG_ENOTFOUND, "there is no auger.json");
    ag_answerer_close(&model);
    ag_answerer_close(&automatic);
    ag_arena_free(d.arena);
}

static int run_once(void *context, ag_err *err)
{
    const data *d = context;
    ag_exam exam;
    ag_answerer legacy = {0}, automatic = {0};
    ag_buf page;
    ag_buf_init(&page, 1 << 26);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_answerer_legacy(NULL, NULL, &legacy, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_answerer_auto(&automatic, err);
    ag_exam_options options = {.data = d->dir,
                               .truth = d->truth,
                               .who = &automatic,
                               .baselines = &legacy,
                               .baseline_count = 1,
                               .score = {.draws = 4},
                               .worst = 1};
    if (rc == AG_OK) rc = ag_exam_run(&options, arena, &exam, err);
    if (rc == AG_OK) rc = ag_exam_html(&exam, NULL, arena, &page, err);
    ag_answerer_close(&legacy);
    ag_answerer_close(&automatic);
    ag_buf_deinit(&page);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_exam__every_allocation_and_file_may_fail)
{
    ag_err err = {0};
    data d;
    make_some(&d, 2, 97);
    const ag_known_hole *hole = &d.set.holes[0];
    const char *text = ag_arena_printf(d.arena, "path,entry_mm,exit_mm\n%s,1,2\n", hole->record->path);
    char *truth = ag_path_join(d.arena, ag_test_dir(), "one.csv");
    AG_EXPECT_OK(ag_file_replace(truth, text, strlen(text), &err));
    d.truth = truth;
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, run_once, NULL, &d) >= 1);
    ag_arena_free(d.arena);
}

/* The words of a table, as the terminal has it; the caller frees them. */
static ag_buf words_of(ag_table *table)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_table_write(table, AG_TABLE_TERMINAL, 0, false, &text, &err));
    ag_table_free(table);
    return text;
}

AG_TEST(test_exam__against_automatic_labels_says_how_to_read_it)
{
    ag_err err = {0};
    data d;
    ag_exam exam;
    ag_answerer automatic = {0};
    ag_table *table = NULL;
    ag_buf json_text, page;
    make(&d);
    AG_EXPECT_OK(ag_answerer_auto(&automatic, &err));
    ag_exam_options options = {.data = d.dir, .who = &automatic, .worst = 2};
    AG_EXPECT_ERROR(ag_exam_run(&options, d.arena, &exam, &err), AG_EINVAL, "nothing is known");
    assert_non_null(strstr(err.hint, "--automatic"));
    options.automatic = true;
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &exam, &err));
    assert_true(exam.labelled == exam.known && exam.known > 15 && exam.truths == 0);
    assert_true(exam.all.failed == 0); /* it agrees with itself */
    assert_non_null(strstr(ag_exam_caution(&exam, d.arena), "not to the truth"));
    ag_buf_init(&json_text, 1 << 24);
    ag_buf_init(&page, 1 << 26);
    ag_json json = ag_json_writer(&json_text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_exam_json(&exam, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    assert_non_null(strstr(json_text.data, "\"caution\": \""));
    AG_EXPECT_OK(ag_exam_html(&exam, NULL, d.arena, &page, &err));
    assert_non_null(strstr(page.data, "not to the truth"));
    assert_non_null(strstr(page.data, "What is taken for what"));
    AG_EXPECT_OK(ag_exam_table_confusion(&exam, &table, &err));
    ag_buf words = words_of(table);
    assert_non_null(strstr(words.data, "no exit"));
    ag_buf_deinit(&words);
    ag_buf_deinit(&json_text);
    ag_buf_deinit(&page);
    /* holes.csv taken for a table of truth is still a table of labels. */
    options = (ag_exam_options){.data = d.dir, .truth = ag_path_join(d.arena, d.dir, "holes.csv"), .who = &automatic};
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &exam, &err));
    assert_true(exam.labelled == exam.known && exam.truths == 0);
    /* With the truth there is nothing to be cautious about. */
    options.truth = d.truth;
    AG_EXPECT_OK(ag_exam_run(&options, d.arena, &exam, &err));
    assert_true(exam.labelled == 0 && ag_exam_caution(&exam, d.arena) == NULL);
    ag_answerer_close(&automatic);
    ag_arena_free(d.arena);
}
