// SPDX-License-Identifier: Apache-2.0
/* What is known of holes: truth, people, labellers, and which of them counts. */
#include "learn/drilling/known.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "data/label/labelled.h"
#include "frame/test.h"
#include "learn/drilling/folder.h"

AG_TEST(test_known__truth_is_matched_by_path)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(22, 5), *dir = prepared(raw, arena);
    ag_known_set set;
    ag_known_options options = {.truth = ag_path_join(arena, raw, "truth.csv")};
    AG_EXPECT_OK(ag_known_load(dir, &options, arena, &set, &err));
    assert_int_equal(set.count, 22);
    assert_int_equal(set.truths, 22);
    assert_int_equal(set.experts + set.automatic + set.unmatched, 0);
    size_t found = 0, air = 0, seized = 0;
    for (size_t i = 0; i < set.count; i++) {
        const ag_known_hole *hole = &set.holes[i];
        found += hole->known.outcome == AG_LABEL_FOUND;
        air += hole->known.outcome == AG_LABEL_EMPTY;
        seized += hole->known.outcome == AG_LABEL_NO_EXIT;
        assert_string_equal(hole->known.source, "truth");
        assert_non_null(hole->text[AG_SCORE_BY_REGIME]);
        assert_non_null(strstr(hole->record->path, hole->text[AG_SCORE_BY_REGIME]));
        const char *material = hole->text[AG_SCORE_BY_MATERIAL];
        assert_true(material ? !strpbrk(material, "0123456789. ") : hole->known.outcome == AG_LABEL_EMPTY);
        assert_false(isnan(hole->tool_age));
        if (hole->known.outcome != AG_LABEL_FOUND || hole->automatic.outcome != AG_LABEL_FOUND) continue;
        assert_true(fabs(hole->automatic.points[AG_POINT_EXIT].mm - hole->known.mm[AG_POINT_EXIT]) < 1.5);
        assert_true(hole->automatic.grip_code > 0);
    }
    assert_true(found >= 18 && air >= 1 && seized >= 1 && found + air + seized == 22);
    ag_arena_free(arena);
}

AG_TEST(test_known__people_count_before_labellers_and_truth_before_people)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(4, 6), *dir = prepared(raw, arena);
    ag_known_set set;
    AG_EXPECT_OK(ag_known_load(dir, NULL, arena, &set, &err));
    assert_int_equal(set.truths + set.experts + set.automatic, 0);
    assert_null(set.truth);
    assert_int_equal(set.holes[0].known.outcome, AG_LABEL_NONE);
    AG_EXPECT_OK(ag_known_load(dir, &(ag_known_options){.automatic = true}, arena, &set, &err));
    assert_true(set.automatic >= 3);
    size_t said = set.automatic, k = 0;
    while (set.holes[k].known.outcome != AG_LABEL_FOUND) k++;
    assert_string_equal(set.holes[k].known.source, "automatic");
    assert_true(set.holes[k].known.weight > 0 && set.holes[k].known.weight <= 1);
    ag_label_event event = {.sha256 = set.holes[k].record->sha256,
                            .path = set.holes[k].record->path,
                            .kind = AG_LABEL_EXPERT,
                            .author = "anna",
                            .outcome = AG_LABEL_FOUND,
                            .entry = 3,
                            .exit = 8.5,
                            .full_exit = NAN,
                            .confidence = NAN,
                            .comment = ""};
    AG_EXPECT_OK(ag_labelled_add(dir, &event, 1, false, NULL, &err));
    AG_EXPECT_OK(ag_known_load(dir, &(ag_known_options){.automatic = true}, arena, &set, &err));
    assert_int_equal(set.experts, 1);
    assert_int_equal(set.automatic, said - 1);
    assert_string_equal(set.holes[k].known.source, "expert");
    assert_true(fabs(set.holes[k].known.mm[AG_POINT_EXIT] - 8.5) < 1e-9);
    assert_true(isnan(set.holes[k].known.mm[AG_POINT_TRANSITION]));
    const char *table =
        ag_arena_printf(arena, "sha256;entry_mm;transition_mm;exit_mm;material\n%s;1.5;2|3;4;Ti\nff;1;;2;\n",
                        set.holes[k].record->sha256);
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, dir, "truth.csv"), table, strlen(table), &err));
    AG_EXPECT_OK(ag_known_load(dir, NULL, arena, &set, &err));
    assert_int_equal(set.truths, 1);
    assert_int_equal(set.unmatched, 1);
    assert_int_equal(set.experts, 0);
    assert_true(fabs(set.holes[k].known.mm[AG_POINT_TRANSITION] - 2) < 1e-9);
    assert_string_equal(set.holes[k].text[AG_SCORE_BY_MATERIAL], "Ti");
    assert_non_null(set.truth);
    ag_arena_free(arena);
}

AG_TEST(test_known__bad_tables_are_refused_with_their_place)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"name,entry_mm,exit_mm\na,1,2\n", "needs a column 'path' or 'sha256'"},
        {"path,entry_mm\na,1\n", "needs the columns 'entry_mm' and 'exit_mm'"},
        {"path,entry_mm,exit_mm\na,1,deep\n", "'deep' is no depth in mm"},
        {"path,entry_mm,exit_mm\na,-1,2\n", "'-1' is no depth in mm"},
        {"path,entry_mm,exit_mm\na,1,inf\n", "'inf' is no depth in mm"},
        {"path,entry_mm,exit_mm\na,9.5,2\n", "the exit at 2 mm lies before the entry at 9.5 mm"},
        {"path,entry_mm,transition_mm,exit_mm\na,2,1.5,4\n", "the transition at 1.5 mm lies before the entry at 2 mm"},
        {"path,entry_mm,transition_mm,exit_mm\na,2,5,4\n", "the exit at 4 mm lies before the transition at 5 mm"},
        {"path,entry_mm,exit_mm\na,1,2\nb,1,2\na,1,2.5\n", "'a' stands in line 2, too, with other depths"},
        {"sha256,entry_mm,exit_mm\nff,1,2\nff,1,\n", "'ff' stands in line 2, too, with other depths"},
        {"path;entry_mm;exit_mm\na;1,25;2\n", "'1,25' is no depth in mm"},
    };
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(1, 6), *dir = prepared(raw, arena);
    ag_known_set set;
    ag_known_options options = {.truth = ag_path_join(arena, ag_test_dir(), "t.csv")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AG_EXPECT_OK(ag_file_replace(options.truth, rows[i].text, strlen(rows[i].text), &err));
        AG_EXPECT_ERROR(ag_known_load(dir, &options, arena, &set, &err), AG_EPARSE, rows[i].part);
        assert_string_equal(err.file, options.truth);
    }
    assert_non_null(strstr(err.hint, "with a point"));
    static const char german[] = "Pfad;Eintritt;Austritt\na;1;2\n";
    AG_EXPECT_OK(ag_file_replace(options.truth, german, strlen(german), &err));
    AG_EXPECT_ERROR(ag_known_load(dir, &options, arena, &set, &err), AG_EPARSE, "needs a column 'path'");
    assert_non_null(strstr(err.hint, "Pfad, Eintritt, Austritt"));
    options.truth = "/nowhere/truth.csv";
    AG_EXPECT_ERROR(ag_known_load(dir, &options, arena, &set, &err), AG_ENOTFOUND, "/nowhere/truth.csv");
    AG_EXPECT_ERROR(ag_known_load("/nowhere", NULL, arena, &set, &err), AG_ENOTFOUND, "no prepared dataset");
    ag_arena_free(arena);
}

/* Files of every day are often called the same. */
AG_TEST(test_known__a_row_belongs_to_one_hole)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(4, 6), *days[] = {"monday/001.xls", "tuesday/001.xls", "001.xls"};
    const char *twice = ag_path_join(arena, ag_test_dir(), "days");
    ag_known_set set;
    AG_EXPECT_OK(ag_known_load(prepared(raw, arena), NULL, arena, &set, &err));
    for (size_t i = 0; i < 3; i++) {
        ag_buf bytes;
        ag_buf_init(&bytes, 1 << 24);
        const char *to = ag_path_join(arena, twice, days[i]);
        AG_EXPECT_OK(ag_file_read(ag_path_join(arena, raw, set.holes[i].record->path), 1 << 24, &bytes, &err));
        AG_EXPECT_OK(ag_dir_make(ag_arena_strndup(arena, to, strlen(to) - strlen("/001.xls")), &err));
        AG_EXPECT_OK(ag_file_replace(to, bytes.data, bytes.size, &err));
        ag_buf_deinit(&bytes);
        if (i == 0) continue;
        static const char table[] = "path,entry_mm,exit_mm\n001.xls,1.5,4\n001.xls,1.5,4\n";
        ag_known_options options = {.truth = ag_path_join(arena, ag_test_dir(), "days.csv")};
        AG_EXPECT_OK(ag_file_replace(options.truth, table, strlen(table), &err));
        const char *dir = prepared(twice, arena);
        if (i == 1) { /* which day is meant? */
            AG_EXPECT_ERROR(ag_known_load(dir, &options, arena, &set, &err), AG_EPARSE,
                            "this path fits two holes, 'monday/001.xls' and 'tuesday/001.xls'");
            assert_true(err.line == 2 && strstr(err.hint, "holes.csv"));
            AG_EXPECT_OK(ag_known_load(prepared(raw, arena), NULL, arena, &set, &err));
        } else { /* the one that is called so */
            AG_EXPECT_OK(ag_known_load(dir, &options, arena, &set, &err));
            assert_true(set.count == 3 && set.truths == 1 && set.unmatched == 0);
            for (size_t k = 0; k < 3; k++)
                assert_int_equal(set.holes[k].known.outcome != AG_LABEL_NONE,
                                 strcmp(set.holes[k].record->path, "001.xls") == 0);
        }
    }
    ag_arena_free(arena);
}

AG_TEST(test_known__samples_keep_what_the_table_knows_of_the_header)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(2, 8), *dir = prepared(raw, arena);
    ag_known_set set;
    ag_hole *hole, *file;
    AG_EXPECT_OK(ag_known_load(dir, NULL, arena, &set, &err));
    for (size_t i = 0; i < set.count; i++) {
        AG_EXPECT_OK(ag_known_samples(&set, &set.holes[i], arena, &hole, &err));
        AG_EXPECT_OK(
            ag_hole_read_file(ag_path_join(arena, raw, set.holes[i].record->path), NULL, arena, &file, NULL, &err));
        assert_int_equal(hole->signal.rows, file->signal.rows);
        assert_memory_equal(hole->signal.by_id[AG_CHANNEL_TORQUE], file->signal.by_id[AG_CHANNEL_TORQUE],
                            file->signal.rows * sizeof(int32_t));
        assert_true(ag_str_equal(ag_hole_text(hole, AG_HEADER_HEAD_LOCAL_COUNTER),
                                 ag_hole_text(file, AG_HEADER_HEAD_LOCAL_COUNTER)));
        assert_true(fabs(ag_hole_number(hole, AG_HEADER_HEAD_LOCAL_COUNTER) - set.holes[i].tool_age) < 1e-9);
        assert_true(isnan(ag_hole_number(hole, AG_HEADER_BOX_OPERATION)));
    }
    ag_arena_free(arena);
}

typedef struct attempt {
    const char *dir, *truth;
} attempt;

static int load_once(void *context, ag_err *err)
{
    const attempt *a = context;
    ag_known_set set;
    ag_hole *hole;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_known_load(a->dir, &(ag_known_options){.truth = a->truth}, arena, &set, err)
                   : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_known_samples(&set, &set.holes[0], arena, &hole, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_known__every_allocation_and_file_may_fail)
{
    ag_arena *arena = ag_arena_new(0);
    const char *raw = simulated(2, 8);
    attempt a = {.dir = prepared(raw, arena), .truth = ag_path_join(arena, raw, "truth.csv")};
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, load_once, NULL, &a) >= 1);
    ag_arena_free(arena);
}
