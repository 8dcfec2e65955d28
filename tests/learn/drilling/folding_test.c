// SPDX-License-Identifier: Apache-2.0
/* The parts of strategies of several models that need no training: who is in which fold, and how much a vote counts. */
#include "learn/drilling/folding.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"

enum { HOLES = 40, CELLS = 8 };

typedef struct bench {
    ag_arena *arena;
    ag_settings settings;
    ag_strategy_task task;
    ag_folding f;
    ag_prepared rows[HOLES];
    ag_example items[HOLES];
    int remarks;
    char remark[600];
} bench;

static void on_remark(void *context, const char *text)
{
    bench *b = context;
    b->remarks++;
    ag_format(b->remark, sizeof b->remark, "%s", text);
}

/* Holes of two programs, of which the first two are copies under other names; all are known. */
static void open_bench(bench *b, const char *set)
{
    ag_err err = {0};
    const ag_str sets[] = {ag_str_of(set)};
    static ag_strategy_watch watch;
    memset(b, 0, sizeof *b);
    b->arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_settings_read(b->arena, NULL, sets, 1, &b->settings, &err));
    watch = (ag_strategy_watch){.context = b, .remark = on_remark};
    b->task = (ag_strategy_task){
        .settings = &b->settings, .data_dir = "holes", .output_dir = "out", .watch = &watch, .arena = b->arena};
    for (int i = 0; i < HOLES; i++) {
        ag_prepared *row = &b->rows[i];
        *row = (ag_prepared){.path = ag_arena_printf(b->arena, "%02d.xls", i),
                             .sha256 = ag_arena_printf(b->arena, "%064d", i),
                             .trace_sha256 = ag_arena_printf(b->arena, "%064d", i < 2 ? 1000 : i),
                             .program = i % 2 ? "odd" : "even",
                             .machine = ag_arena_printf(b->arena, "machine %d", i % 5),
                             .head = "head",
                             .class_name = "OK"};
        b->items[i] = (ag_example){
            .hole = row, .known = {.outcome = AG_LABEL_FOUND, .mm = {5, 8, 12}, .source = "truth", .weight = 1}};
    }
    b->f.arena = b->arena;
    b->f.run.task = &b->task;
    b->f.run.set = (ag_example_set){.dir = "holes", .items = b->items, .count = HOLES, .known = HOLES};
    b->f.run.data.group_by = AG_GROUP_TOOL;
    b->f.kind_count = 1;
    b->f.kinds[0].name = "mixer";
}

static void close_bench(bench *b)
{
    ag_arena_free(b->arena);
}

static bool contains(const size_t *list, size_t count, size_t number)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == number) return true;
    return false;
}

/* Each hole belongs to one of so many tools of a head; the tool counter falls where a tool begins. */
static void give_tools(bench *b, int tools)
{
    for (int i = 0; i < HOLES; i++) {
        b->rows[i].head_counter = ag_arena_printf(b->arena, "%d", 1000 * (i % tools) + i / tools);
        b->rows[i].tool_counter = ag_arena_printf(b->arena, "%d", 100 * (tools - i % tools) + i / tools);
    }
}

static size_t unseeing(const ag_folding *f, size_t part)
{
    size_t count = 0;
    for (size_t m = 0; m < f->member_count; m++) count += !ag_folding_sees(f, &f->members[m], part);
    return count;
}

AG_TEST(test_folding__a_tool_lies_in_one_part_and_several_models_never_saw_it)
{
    bench b;
    ag_err err = {0};
    static const struct {
        int tools, folds;
        size_t parts, left_out, fewest, most;
    } cases[] = {
        {40, 24, 24, 3, 3, 3}, /* a tool per hole: the copies tie two */
        {10, 24, 9, 1, 2, 3},  /* fewer tools than folds: several folds leave out the same; copies tie two tools */
        {40, 5, 5, 1, 1, 1},   /* a part is a fifth already */
        {4, 8, 8, 1, 1, 1},    /* too few tools: holes are dealt */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char set[80];
        ag_format(set, sizeof set, "training_config.cross_validation={n_folds: %d}", cases[c].folds);
        open_bench(&b, set);
        give_tools(&b, cases[c].tools);
        AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
        assert_int_equal(b.f.member_count, cases[c].folds);
        assert_int_equal(b.f.parts, cases[c].parts);
        assert_int_equal(b.f.left_out, cases[c].left_out);
        for (size_t part = 0; part < b.f.parts; part++)
            assert_in_range(unseeing(&b.f, part), cases[c].fewest, cases[c].most);
        for (int i = 0; i < HOLES && cases[c].tools > 4; i++)
            for (int k = 0; k < i; k++)
                if (i % cases[c].tools == k % cases[c].tools) assert_int_equal(b.f.part[i], b.f.part[k]);
        assert_int_equal(b.remarks, cases[c].tools > 4 ? 1 : 2); /* the folds; that there are too few tools */
        close_bench(&b);
    }
}

AG_TEST(test_folding__without_grouping_tools_lie_on_both_sides)
{
    bench b;
    ag_err err = {0};
    bool parted = false;
    open_bench(&b, "training_config.cross_validation={n_folds: 5}");
    give_tools(&b, 10);
    b.f.run.data.group_by = AG_GROUP_NONE;
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    for (int i = 10; i < HOLES; i++) parted |= b.f.part[i] != b.f.part[i - 10];
    assert_true(parted);
    close_bench(&b);
}

AG_TEST(test_folding__every_hole_is_judged_once_and_never_by_who_learned_from_it)
{
    bench b;
    ag_err err = {0};
    size_t judged[HOLES] = {0};
    open_bench(&b, "training_config.cross_validation={n_folds: 5}");
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    assert_true(b.f.member_count == 5 && b.f.folds == 5);
    for (size_t m = 0; m < 5; m++) {
        const ag_folding_member *member = &b.f.members[m];
        assert_int_equal(member->training_count + member->validation_count, HOLES);
        assert_in_range(member->validation_count, 7, 9);
        for (size_t i = 0; i < member->validation_count; i++) {
            judged[member->validation[i]]++;
            assert_false(contains(member->training, member->training_count, member->validation[i]));
        }
        /* Near-twins are on one side. */
        assert_true(contains(member->training, member->training_count, 0) ==
                    contains(member->training, member->training_count, 1));
    }
    for (int i = 0; i < HOLES; i++) assert_int_equal(judged[i], 1);
    assert_string_equal(b.f.members[2].name, "fold-03");
    close_bench(&b);
}

AG_TEST(test_folding__a_machine_lies_in_one_fold_when_asked)
{
    bench b;
    ag_err err = {0};
    open_bench(&b, "training_config.cross_validation={n_folds: 4, strategy: machine}");
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    for (int i = 0; i < HOLES; i++)
        for (int k = 0; k < i; k++)
            if (i % 5 == k % 5) assert_int_equal(b.f.part[i], b.f.part[k]);
    close_bench(&b);
    /* The copies tie the machines that drilled them together: four groups are left of five machines. */
    open_bench(&b, "training_config.cross_validation={n_folds: 5, strategy: machine}");
    AG_EXPECT_ERROR(ag_folding_deal(&b.f, &b.task, &err), AG_EINVAL, "40 labelled holes cannot be dealt into 5 parts");
    close_bench(&b);
}

AG_TEST(test_folding__some_folds_alone)
{
    bench b;
    ag_err err = {0};
    open_bench(&b, "training_config.cross_validation={n_folds: 5, folds: [4, 2, 4]}");
    b.f.kind_count = 2;
    b.f.kinds[1].name = "lstm";
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    assert_int_equal(b.f.member_count, 4);
    assert_string_equal(b.f.members[0].name, "fold-02-mixer");
    assert_string_equal(b.f.members[3].name, "fold-04-lstm");
    for (size_t part = 0; part < 5; part++) assert_int_equal(unseeing(&b.f, part), part == 1 || part == 3 ? 2 : 0);
    close_bench(&b);
    open_bench(&b, "training_config.cross_validation={n_folds: 5, folds: [6]}");
    AG_EXPECT_ERROR(ag_folding_deal(&b.f, &b.task, &err), AG_EINVAL, "there is no fold 6: they go from 1 to 5");
    close_bench(&b);
}

AG_TEST(test_folding__without_folds_a_share_validates)
{
    bench b;
    ag_err err = {0};
    open_bench(&b, "training_config={cross_validation: {enabled: false}, validation_split: 0.25}");
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    assert_int_equal(b.f.member_count, 1);
    assert_string_equal(b.f.members[0].name, "model");
    assert_in_range(b.f.members[0].validation_count, 9, 11);
    close_bench(&b);
    open_bench(&b, "training_config={cross_validation: {enabled: false}, validation_split: 0}");
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    assert_true(b.f.members[0].validation_count == 0 && b.f.members[0].training_count == HOLES);
    close_bench(&b);
}

AG_TEST(test_folding__too_few_labels_and_missing_classes_are_told)
{
    bench b;
    ag_err err = {0};
    open_bench(&b, "training_config.cross_validation={n_folds: 30}");
    for (int i = 0; i < 20; i++) b.items[i].known.weight = 0;
    AG_EXPECT_ERROR(ag_folding_deal(&b.f, &b.task, &err), AG_EINVAL, "there are 30 folds, but only 20 labelled holes");
    assert_non_null(strstr(err.hint, "n_folds to 10"));
    for (int i = 0; i < 38; i++) b.items[i].known.weight = 0;
    AG_EXPECT_ERROR(
        ag_folding_deal(&b.f, &b.task, &err), AG_EINVAL,
        "2 holes in 'holes' can be learned from, 10 are needed: of its 40 holes 40 are labelled, 38 of them "
        "less sure than data_config.min_confidence");
    close_bench(&b);
    open_bench(&b, "training_config.cross_validation={n_folds: 5}");
    for (int i = 1; i < HOLES; i++) b.items[i].known.mm[AG_POINT_EXIT] = (double)NAN;
    AG_EXPECT_ERROR(ag_folding_deal(&b.f, &b.task, &err), AG_EINVAL, "1 of the 40 labelled holes have an exit");
    close_bench(&b);
    open_bench(&b, "training_config.cross_validation={n_folds: 5}");
    for (int i = 0; i < HOLES; i++) b.items[i].known.mm[AG_POINT_TRANSITION] = (double)NAN;
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    assert_true(b.remarks == 2); /* that no transition will be found, and the folds */
    close_bench(&b);
}

/* ---- votes ---- */

/* Every member of kind k is `errors[k]` mm off, up and down by turns where `turns` says so. */
static void pretend(bench *b, const double *errors, const bool *turns)
{
    for (size_t m = 0; m < b->f.member_count; m++) {
        ag_folding_member *member = &b->f.members[m];
        for (size_t i = 0; i < member->validation_count; i++) {
            double sign = turns && turns[member->kind] && i % 2 ? -1 : 1;
            for (int p = 0; p < AG_POINTS; p++) {
                member->readings[i].mm[p] =
                    b->items[member->validation[i]].known.mm[p] + sign * errors[turns ? member->kind : m];
                member->readings[i].apart[p] = (double)NAN;
            }
        }
    }
}

AG_TEST(test_folding__a_vote_weighs_by_the_error_on_its_own_fold)
{
    bench b;
    ag_err err = {0};
    static const double errors[] = {0.05, 0.05, 0.1, 0.1, 5.0};
    open_bench(&b, "training_config.cross_validation={n_folds: 5}");
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    pretend(&b, errors, NULL);
    AG_EXPECT_OK(ag_folding_weigh(&b.f, &b.task, &err));
    assert_float_equal(b.f.members[2].error, 0.1, 1e-9);
    assert_float_equal(b.f.members[4].error, 1.0, 1e-9); /* farther than that is a failure, however far */
    assert_float_equal(b.f.members[2].weight, 1.0, 1e-9);
    assert_float_equal(b.f.members[0].weight, 1.6, 1e-9);
    assert_true(b.f.members[4].weight < 0.03);
    b.settings.ensemble.voting = AG_VOTE_MEDIAN;
    AG_EXPECT_OK(ag_folding_weigh(&b.f, &b.task, &err));
    for (size_t m = 0; m < 5; m++) assert_float_equal(b.f.members[m].weight, 1.0, 0.0);
    /* Who finds nothing where there is something is as wrong as can be. */
    for (size_t i = 0; i < b.f.members[0].validation_count; i++)
        for (int p = 0; p < AG_POINTS; p++) b.f.members[0].readings[i].none[p] = 0.9;
    AG_EXPECT_OK(ag_folding_weigh(&b.f, &b.task, &err));
    assert_float_equal(b.f.members[0].error, 1.0, 1e-9);
    close_bench(&b);
}

AG_TEST(test_folding__stacking_finds_who_complements_whom)
{
    bench b;
    ag_err err = {0};
    static const double errors[] = {0.1, -0.1, 0.3};
    static const bool turns[] = {false, false, true};
    open_bench(&b, "training_config.cross_validation={n_folds: 4}");
    b.f.kind_count = 3;
    b.f.kinds[1].name = "lstm";
    b.f.kinds[2].name = "other";
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    pretend(&b, errors, turns);
    b.settings.ensemble.voting = AG_VOTE_STACKED;
    AG_EXPECT_OK(ag_folding_weigh(&b.f, &b.task, &err));
    /* Two that are off to both sides by the same get all, and half each. */
    for (size_t m = 0; m < b.f.member_count; m += 3) {
        assert_float_equal(b.f.members[m].weight, b.f.members[m + 1].weight, 1e-3);
        assert_true(b.f.members[m].weight > 0.44 && b.f.members[m + 2].weight < 0.1);
    }
    assert_non_null(strstr(b.remark, "other votes with"));
    close_bench(&b);
}

AG_TEST(test_folding__what_nobody_was_asked_of_does_not_count)
{
    bench b;
    ag_err err = {0};
    size_t count = 0;
    const ag_example **examples = NULL;
    ag_reading *readings = NULL;
    open_bench(&b, "training_config.cross_validation={n_folds: 4}");
    AG_EXPECT_OK(ag_folding_deal(&b.f, &b.task, &err));
    AG_EXPECT_OK(ag_folding_unseen(&b.f, b.arena, &examples, &readings, &count, &err));
    assert_int_equal(count, 0); /* before the training */
    b.f.readings = ag_arena_array(b.arena, HOLES, sizeof *b.f.readings);
    for (int i = 0; i < HOLES; i++) b.f.readings[i] = (ag_reading){.voices = i < 7 ? 0 : 3};
    AG_EXPECT_OK(ag_folding_unseen(&b.f, b.arena, &examples, &readings, &count, &err));
    assert_int_equal(count, HOLES - 7);
    assert_true(examples[0] == &b.items[7] && readings[0].voices == 3);
    close_bench(&b);
}
