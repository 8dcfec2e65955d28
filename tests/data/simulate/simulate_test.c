// SPDX-License-Identifier: Apache-2.0
/* Simulated holes: the same bytes whatever the threads, read back exactly, judged as the truth says. */
#include "frame/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/hash/hash.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"
#include "data/validator.h"

typedef struct made {
    ag_sim_plan plan;
    ag_sim_trace trace;
    ag_buf file;
    ag_arena *arena;
    ag_hole *hole;
    const char *rule;
    int rc;
} made;

static void make(made *m, const ag_sim_options *options, uint64_t index)
{
    ag_err err = {0};
    *m = (made){.arena = ag_arena_new(0)};
    ag_buf_init(&m->file, 64 << 20);
    AG_EXPECT_OK(ag_sim_hole(options, index, &m->plan, &m->trace, &m->file, &err));
    char path[160];
    ag_sim_plan_path(&m->plan, path);
    ag_hole_source source = {.name = ag_arena_strdup(m->arena, path), .bytes = ag_buf_str(&m->file)};
    m->rc = ag_hole_read(&source, m->arena, &m->hole, &err);
    m->rule = source.rule;
}

static void drop(made *m)
{
    ag_sim_trace_deinit(&m->trace);
    ag_buf_deinit(&m->file);
    ag_arena_free(m->arena);
}

static ag_verdict judge(const made *m)
{
    ag_err err = {0};
    ag_limits limits;
    ag_verdict verdict;
    AG_EXPECT_OK(ag_limits_default(&limits, &err));
    AG_EXPECT_OK(ag_validate(m->hole, &limits, m->arena, &verdict, &err));
    return verdict;
}

static bool has_flaw(const ag_verdict *verdict, const char *rule)
{
    for (const ag_flaw *flaw = verdict->flaws.first; flaw; flaw = flaw->next)
        if (strcmp(flaw->rule, rule) == 0) return true;
    return false;
}

AG_TEST(test_simulate__every_version_is_read_back_with_all_cells_exact)
{
    for (size_t v = 0; v < ag_format_version_count; v++) {
        const ag_format_version *format = &ag_format_versions[v];
        ag_sim_options options = {.seed = 11, .versions = &format->version, .version_count = 1};
        for (uint64_t i = 0; i < ag_sim_regime_count; i++) {
            made m;
            make(&m, &options, i);
            assert_int_equal(m.rc, AG_OK);
            assert_int_equal(m.hole->version, format->version);
            assert_string_equal(m.hole->reader, "setitec");
            assert_int_equal(m.hole->signal.rows, m.trace.rows.count);
            for (size_t c = 0; c < format->columns; c++) {
                const int32_t *values = m.hole->signal.by_id[format->channels[c]];
                assert_non_null(values);
                for (size_t r = 0; r < m.trace.rows.count; r++)
                    assert_int_equal(values[r], ((ag_sim_row *)m.trace.rows.items)[r].value[format->channels[c]]);
            }
            drop(&m);
        }
    }
}

AG_TEST(test_simulate__every_header_field_of_a_version_is_there_under_its_name)
{
    for (size_t v = 0; v < ag_format_version_count; v++) {
        const ag_format_version *format = &ag_format_versions[v];
        ag_sim_options options = {.seed = 3, .versions = &format->version, .version_count = 1};
        made m;
        make(&m, &options, 4);
        for (int id = 0; id < AG_HEADER_COUNT; id++) {
            const ag_name *name = &ag_header_names[id];
            if (name->optional) continue;
            const ag_header_field *field = m.hole->by_id[id];
            const char *text = ag_name_of_version(name, format->version);
            if (!text) {
                assert_null(field);
                continue;
            }
            if (!field) fail_msg("version %d: %s is not read", format->version, name->id);
            assert_true(ag_str_is(field->name, text));
        }
        assert_true(ag_str_is(ag_hole_text(m.hole, AG_HEADER_FIRMWARE), format->firmware));
        assert_true(ag_str_is(ag_hole_text(m.hole, AG_HEADER_HEAD_TAG), m.plan.tag));
        assert_true(ag_hole_number(m.hole, AG_HEADER_MOTOR_M2_RATIO) == m.plan.regime->program->ratio);
        assert_int_equal(m.hole->program_count, m.plan.step_count);
        for (size_t s = 0; s < m.plan.step_count; s++) {
            assert_int_equal(m.hole->program[s].number, m.plan.steps[s].number);
            assert_int_equal(m.hole->program[s].enabled, m.plan.steps[s].enabled);
            assert_true(fabs(m.hole->program[s].value[AG_PROGRAM_STROKE] - m.plan.steps[s].stroke) < 5e-4);
        }
        assert_int_equal(m.hole->result_count, format->version < 7 ? 0 : m.trace.run_count);
        drop(&m);
    }
}

AG_TEST(test_simulate__every_regime_is_judged_as_the_truth_says)
{
    ag_sim_options options = {.seed = 20};
    size_t invalid = 0;
    for (uint64_t i = 0; i < 8 * ag_sim_regime_count; i++) {
        made m;
        make(&m, &options, i);
        assert_int_equal(m.rc, AG_OK);
        ag_verdict verdict = judge(&m);
        bool seized = m.plan.regime->outcome == AG_SIM_SEIZED;
        for (const ag_flaw *flaw = verdict.flaws.first; flaw; flaw = flaw->next)
            if (flaw->severity == AG_SEVERITY_FAIL && !seized) {
                print_message("%s, hole %d, version %d: %s %s\n", m.plan.regime->name, (int)i, m.plan.version,
                              flaw->rule, flaw->text);
                invalid++;
            }
        char expected[64], found[64];
        ag_class_format(ag_sim_classes(&m.plan, &m.trace), expected);
        ag_class_format(verdict.classes, found);
        if (strcmp(expected, found) != 0) {
            print_message("%s, hole %d: class %s, not %s; peak %.2f A\n", m.plan.regime->name, (int)i, found, expected,
                          verdict.peak_torque);
            invalid++;
        }
        if (seized) assert_true(has_flaw(&verdict, "T6") && has_flaw(&verdict, "S3"));
        assert_int_equal(has_flaw(&verdict, "C11"), m.plan.lost > 0);
        drop(&m);
    }
    assert_int_equal(invalid, 0);
}

AG_TEST(test_simulate__every_planted_defect_is_caught_by_its_rule)
{
    size_t missed = 0;
    for (size_t f = 0; f < ag_sim_fault_count(); f++) {
        const ag_sim_fault *fault = ag_sim_fault_at(f);
        assert_true(!fault->trace != !fault->bytes);
        assert_non_null(ag_rule_find(fault->rule, NULL));
        assert_ptr_equal(ag_sim_fault_find(fault->name), fault);
        ag_sim_options options = {.seed = 5, .faults = &fault, .fault_count = 1};
        for (uint64_t i = 0; i < (AG_TEST_WATCHED ? 5 : 30); i++) {
            made m;
            make(&m, &options, i);
            bool caught = m.rc < 0 ? m.rule && strcmp(m.rule, fault->rule) == 0 : false;
            if (m.rc == AG_OK) {
                ag_verdict verdict = judge(&m);
                caught = has_flaw(&verdict, fault->rule);
            }
            if (!caught && ++missed < 40)
                print_message("%s (%s) not caught: %s, version %d, reader %d rule %s\n", fault->name, fault->rule,
                              m.plan.regime->name, m.plan.version, m.rc, m.rule ? m.rule : "-");
            drop(&m);
        }
    }
    assert_int_equal(missed, 0);
}

AG_TEST(test_simulate__truth_lies_within_the_documented_ranges)
{
    ag_sim_options options = {.seed = 99};
    for (uint64_t i = 0; i < 40 * ag_sim_regime_count; i++) {
        ag_err err = {0};
        ag_sim_plan plan;
        AG_EXPECT_OK(ag_sim_plan_draw(&options, i, &plan, &err));
        const ag_sim_regime *regime = plan.regime;
        assert_true(plan.point >= regime->point.low && plan.point <= regime->point.high);
        assert_int_equal(plan.layer_count, regime->layer_count);
        assert_int_equal(isnan(plan.exit), regime->outcome != AG_SIM_CUT);
        assert_int_equal(isnan(plan.entry), regime->outcome == AG_SIM_AIR);
        if (plan.layer_count == 0) continue;
        assert_true(plan.entry >= regime->entry.low - 3 * regime->shift &&
                    plan.entry <= regime->entry.high + 3 * regime->shift);
        for (size_t k = 0; k < plan.layer_count; k++) {
            double thickness = plan.layers[k].bottom - plan.layers[k].top;
            const ag_sim_layer_range *range = &regime->layers[k];
            assert_true(thickness >= range->thickness.low - 0.07 && thickness <= range->thickness.high + 0.07);
            assert_true(plan.layers[k].torque >= 0.9 * range->torque.low * regime->wear.low);
            assert_true(plan.layers[k].torque <= 1.1 * range->torque.high * regime->wear.high);
        }
        for (size_t k = 0; k < plan.transition_count; k++)
            assert_true(plan.transition[k] > plan.entry && !(plan.transition[k] >= plan.exit));
        if (regime->outcome == AG_SIM_CUT) assert_true(fabs(plan.full_exit - plan.exit - plan.point) < 1e-9);
    }
}

AG_TEST(test_simulate__a_burr_follows_thrust_and_moves_the_full_exit_only)
{
    ag_sim_options plain = {.seed = 98}, burred = {.seed = 98, .burr = 0.25};
    size_t burrs = 0;
    for (uint64_t i = 0; i < 4 * ag_sim_regime_count; i++) {
        ag_err err = {0};
        ag_sim_plan a, b;
        AG_EXPECT_OK(ag_sim_plan_draw(&plain, i, &a, &err));
        AG_EXPECT_OK(ag_sim_plan_draw(&burred, i, &b, &err));
        const ag_sim_layer *last = b.layer_count ? &b.layers[b.layer_count - 1] : NULL;
        assert_true(a.burr == 0 && (isnan(a.exit) ? isnan(b.exit) : a.exit == b.exit));
        assert_true(isnan(a.entry) ? isnan(b.entry) : a.entry == b.entry);
        if (!last || last->material == AG_SIM_CFRP) {
            assert_true(b.burr == 0);
            continue;
        }
        assert_true(b.burr >= 0.7 * 0.25 * last->thrust && b.burr <= 1.3 * 0.25 * last->thrust);
        if (!isnan(b.exit)) assert_true(fabs(b.full_exit - b.exit - b.point - b.burr) < 1e-9);
        burrs++;
    }
    assert_true(burrs > ag_sim_regime_count);
}

AG_TEST(test_simulate__holes_of_a_tool_share_head_and_stack_and_wear_on)
{
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-stroke");
    ag_sim_options options = {.seed = 4, .series = AG_SIM_LIFE, .regimes = &regime, .regime_count = 1};
    ag_err err = {0};
    ag_sim_plan first, plan;
    AG_EXPECT_OK(ag_sim_plan_draw(&options, 0, &first, &err));
    for (uint64_t i = 1; i < 80; i++) {
        AG_EXPECT_OK(ag_sim_plan_draw(&options, i, &plan, &err));
        assert_int_equal(plan.age, i % 40);
        assert_int_equal(strcmp(plan.tag, first.tag) == 0, i < 40);
        if (i < 40) assert_true(plan.point == first.point && plan.version == first.version);
        if (i == 39) assert_true(plan.layers[1].torque > 1.05 * first.layers[1].torque);
    }
}

/* Names as they are on every machine and with every compiler. */
AG_TEST(test_simulate__a_seed_means_the_same_hole_everywhere)
{
    static const char *const paths[] = {"cfrp-ti-stroke/E00401D3AFE38CC9_110-V3-516_ST_12402_31.xls",
                                        "cfrp-al-stroke/E004013CB61CFD93_116-V3-107_ST_6038_12.xls"};
    ag_err err = {0};
    ag_sim_options options = {.seed = 3};
    for (uint64_t i = 0; i < 2; i++) {
        ag_sim_plan plan;
        char path[160];
        AG_EXPECT_OK(ag_sim_plan_draw(&options, i, &plan, &err));
        ag_sim_plan_path(&plan, path);
        assert_string_equal(path, paths[i]);
    }
}

static void digest_all(const char *directory, char out[65])
{
    ag_err err = {0};
    ag_buf all;
    ag_buf_init(&all, 256 << 20);
    ag_arena *arena = ag_arena_new(0);
    char *path = ag_path_join(arena, directory, "truth.csv");
    AG_EXPECT_OK(ag_file_read(path, all.max, &all, &err));
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t count;
    AG_EXPECT_OK(ag_csv_open_file(path, &(ag_csv_options){.header = true, .delimiter = ','}, &csv, &err));
    while (ag_csv_next(csv, &cells, &count, &err) == 1) {
        char *name = ag_arena_strndup(arena, cells[0].data, cells[0].size);
        AG_EXPECT_OK(ag_file_read(ag_path_join(arena, directory, name), all.max, &all, &err));
    }
    ag_csv_free(csv);
    ag_sha256 digest;
    AG_EXPECT_OK(ag_sha256_of(all.data, all.size, &digest, &err));
    ag_sha256_format(&digest, out);
    ag_buf_deinit(&all);
    ag_arena_free(arena);
}

AG_TEST(test_simulate__the_bytes_do_not_depend_on_threads_or_on_how_many_holes)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_sim_options options = {.seed = 77};
    ag_sim_totals totals;
    char one[65], four[65];
    char *a = ag_path_join(arena, ag_test_dir(), "one"), *b = ag_path_join(arena, ag_test_dir(), "four");
    AG_EXPECT_OK(ag_sim_batch(&options, a, 30, 2, 1, NULL, NULL, &totals, &err));
    assert_int_equal(totals.files, 30);
    AG_EXPECT_OK(ag_sim_batch(&options, b, 30, 0, 4, NULL, NULL, &totals, &err));
    digest_all(a, one);
    digest_all(b, four);
    assert_string_equal(one, four);
    assert_true(ag_file_exists(ag_path_join(arena, a, "hole-000001.svg")));
    assert_false(ag_file_exists(ag_path_join(arena, a, "hole-000002.svg")));

    ag_buf few, many;
    ag_buf_init(&few, 64 << 20);
    ag_buf_init(&many, 64 << 20);
    made m;
    make(&m, &options, 17);
    char path[160];
    ag_sim_plan_path(&m.plan, path);
    AG_EXPECT_OK(ag_file_read(ag_path_join(arena, a, path), few.max, &few, &err));
    assert_true(ag_str_equal(ag_buf_str(&few), ag_buf_str(&m.file)));
    drop(&m);
    ag_buf_deinit(&few);
    ag_buf_deinit(&many);
    ag_arena_free(arena);
}

AG_TEST(test_simulate__another_seed_gives_other_holes)
{
    made a, b;
    make(&a, &(ag_sim_options){.seed = 1}, 0);
    make(&b, &(ag_sim_options){.seed = 2}, 0);
    assert_true(a.plan.entry != b.plan.entry);
    assert_false(ag_str_equal(ag_buf_str(&a.file), ag_buf_str(&b.file)));
    drop(&a);
    drop(&b);
}

typedef struct attempt {
    ag_sim_options options;
    const char *directory;
} attempt;

static int try_batch(void *context, ag_err *err)
{
    attempt *a = context;
    ag_sim_totals totals;
    return ag_sim_batch(&a->options, a->directory, 2, 1, 1, NULL, NULL, &totals, err);
}

AG_TEST(test_simulate__a_failing_call_is_told_and_leaves_no_half_file)
{
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-al-single");
    attempt a = {.options = {.seed = 1, .regimes = &regime, .regime_count = 1}, .directory = ag_test_dir()};
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, try_batch, NULL, &a);
}

AG_TEST(test_simulate__tables_are_printed_whole)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_sim_regimes_markdown(&text);
    ag_sim_faults_markdown(&text);
    for (size_t i = 0; i < ag_sim_regime_count; i++)
        assert_true(ag_str_find(ag_buf_str(&text), ag_str_of(ag_sim_regimes[i].name), 0) != SIZE_MAX);
    for (size_t i = 0; i < ag_sim_fault_count(); i++)
        assert_true(ag_str_find(ag_buf_str(&text), ag_str_of(ag_sim_fault_at(i)->name), 0) != SIZE_MAX);
    ag_buf_deinit(&text);
    assert_null(ag_sim_regime_find("none"));
    assert_null(ag_sim_fault_find("none"));
    assert_null(ag_sim_fault_at(ag_sim_fault_count()));
}

AG_TEST(test_simulate__short_series_have_more_tools_of_all_ages)
{
    enum { COUNT = 600 };
    ag_err err = {0};
    const ag_sim_regime *only = ag_sim_regime_find("cfrp-ti-stroke");
    ag_sim_options options = {.seed = 3, .series = 2, .regimes = &only, .regime_count = 1};
    unsigned oldest = 0, youngest = 99;
    for (uint64_t i = 0; i < COUNT; i++) {
        ag_sim_plan plan, next;
        AG_EXPECT_OK(ag_sim_plan_draw(&options, i, &plan, &err));
        AG_EXPECT_OK(ag_sim_plan_draw(&options, i + 1, &next, &err));
        assert_true(plan.age < plan.life);
        if (i % 2 == 0) assert_true(next.tool == plan.tool && next.age == plan.age + 1);
        if (i % 2 == 1) assert_true(next.tool != plan.tool);
        oldest = plan.age > oldest ? plan.age : oldest;
        youngest = plan.age < youngest ? plan.age : youngest;
    }
    assert_true(oldest > 35 && youngest < 5);
    ag_sim_plan whole, same;
    options.series = AG_SIM_LIFE;
    AG_EXPECT_OK(ag_sim_plan_draw(&options, 45, &whole, &err));
    options.series = 1000;
    AG_EXPECT_OK(ag_sim_plan_draw(&options, 45, &same, &err));
    assert_true(whole.tool == same.tool && whole.age == 5 && same.age == 5 && whole.entry == same.entry);
    options.series = 0;
    AG_EXPECT_OK(ag_sim_plan_draw(&options, 19, &whole, &err));
    options.series = AG_SIM_SERIES;
    AG_EXPECT_OK(ag_sim_plan_draw(&options, 10, &same, &err));
    assert_true(whole.tool == same.tool && whole.age == same.age + 9);
    AG_EXPECT_OK(ag_sim_plan_draw(&options, 20, &same, &err));
    assert_true(whole.tool != same.tool);
}
