// SPDX-License-Identifier: Apache-2.0
/* Labels against the simulator's truth. */
#include "frame/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/label/label.h"
#include "data/label/profile.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"

typedef struct labelled {
    ag_sim_plan plan;
    ag_arena *arena;
    ag_hole *hole;
    ag_verdict verdict;
    ag_label label;
} labelled;

/* Of a file that was cut off behind so many of its rows; SIZE_MAX: whole. */
static void make_cut(labelled *m, const ag_sim_options *options, uint64_t index, size_t rows)
{
    ag_err err = {0};
    ag_limits limits;
    ag_buf file;
    ag_buf_init(&file, 64 << 20);
    m->arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_limits_default(&limits, &err));
    AG_EXPECT_OK(ag_sim_hole(options, index, &m->plan, NULL, &file, &err));
    ag_str text = ag_buf_str(&file);
    size_t at = ag_str_find(text, AG_STR("*** Datas"), 0);
    for (size_t line = 0; rows != SIZE_MAX && line < rows + 2; line++) at = ag_str_find_char(text, '\n', at) + 1;
    if (rows != SIZE_MAX) text.size = at;
    AG_EXPECT_OK(ag_hole_read(&(ag_hole_source){.bytes = text}, m->arena, &m->hole, &err));
    AG_EXPECT_OK(ag_validate(m->hole, &limits, m->arena, &m->verdict, &err));
    AG_EXPECT_OK(ag_label_hole(m->hole, &m->verdict, m->arena, &m->label, &err));
    ag_buf_deinit(&file);
}

static void make(labelled *m, const ag_sim_options *options, uint64_t index)
{
    make_cut(m, options, index, SIZE_MAX);
}

typedef struct error_sum {
    double absolute;
    size_t count;
} error_sum;

typedef struct score {
    error_sum entry, transition, exit;
    size_t holes, failures, high, high_wrong;
} score;

/* False when the depth is absent where it must not be, or off by more than a millimetre. */
static bool count_error(error_sum *sum, double found, double truth, bool *right)
{
    if (isnan(truth)) return isnan(found);
    double error = fabs(found - truth);
    if (!(error <= 0.25)) *right = false;
    if (!(error <= 1)) return false;
    sum->absolute += error;
    sum->count++;
    return true;
}

static void count_hole(score *s, const labelled *m)
{
    const ag_label *label = &m->label;
    const ag_sim_plan *plan = &m->plan;
    bool right = label->transition_count == plan->transition_count, good = right;
    good &= count_error(&s->entry, label->entry, plan->entry, &right);
    good &= count_error(&s->exit, label->exit, plan->exit, &right);
    for (size_t k = 0; good && k < plan->transition_count; k++)
        good &= count_error(&s->transition, label->transition[k], plan->transition[k], &right);
    s->holes++;
    s->failures += !good;
    if (label->outcome != AG_LABEL_FOUND || label->confidence <= 0.9) return;
    s->high++;
    s->high_wrong += !right;
}

static double mean(const error_sum *sum)
{
    return sum->count ? sum->absolute / (double)sum->count : 0;
}

/* A thousand holes with AUGER_TEST_FULL=1; a seed that no threshold was chosen with. */
AG_TEST(test_label__depths_are_those_of_the_truth_on_all_regimes)
{
    score s = {0};
    uint64_t rounds = getenv("AUGER_TEST_FULL") ? 46 : 3;
    ag_sim_options options = {.seed = 987654321};
    for (uint64_t i = 0; i < rounds * ag_sim_regime_count; i++) {
        labelled m;
        make(&m, &options, i);
        count_hole(&s, &m);
        ag_arena_free(m.arena);
    }
    print_message("%zu holes: mean error of entry %.3f, transition %.3f, exit %.3f mm; %zu failures; %zu high, %zu of "
                  "them wrong\n",
                  s.holes, mean(&s.entry), mean(&s.transition), mean(&s.exit), s.failures, s.high, s.high_wrong);
    assert_true(mean(&s.entry) <= 0.10);
    assert_true(mean(&s.transition) <= 0.12);
    assert_true(mean(&s.exit) <= 0.10);
    assert_true(s.failures * 100 <= s.holes);
    assert_true(s.high * 4 >= s.holes);
    assert_true(s.high_wrong * 20 <= s.high);
}

/* The same hole from another zero, by parts of a bin: what is found moves along, and nothing else changes. */
static void label_shifted(const labelled *m, int32_t thousandths, ag_label *out)
{
    ag_err err = {0};
    int32_t *position = (int32_t *)(uintptr_t)m->hole->signal.by_id[AG_CHANNEL_POSITION];
    for (size_t i = 0; i < m->hole->signal.rows; i++) position[i] -= thousandths;
    AG_EXPECT_OK(ag_label_hole(m->hole, &m->verdict, m->arena, out, &err));
    for (size_t i = 0; i < m->hole->signal.rows; i++) position[i] += thousandths;
}

AG_TEST(test_label__where_the_bins_begin_decides_nothing)
{
    ag_sim_options options = {.seed = 5};
    for (uint64_t i = 0; i < 2 * ag_sim_regime_count; i++) {
        labelled m;
        make(&m, &options, i);
        for (int32_t shift = 3; shift < 20 && m.plan.regime->outcome == AG_SIM_CUT; shift += 4) {
            ag_label label;
            label_shifted(&m, shift, &label);
            assert_int_equal(label.outcome, m.label.outcome);
            if (label.transition_count != m.label.transition_count) fail_msg("%s", m.plan.regime->name);
            double moved = label.exit - m.label.exit - 0.001 * shift;
            if (fabs(moved) > 0.06) fail_msg("%s: exit moved by %.3f", m.plan.regime->name, moved);
        }
        ag_arena_free(m.arena);
    }
}

/* The first row at which the tool is so deep. */
static size_t row_at(const ag_hole *hole, double mm)
{
    size_t row = 0;
    while (row < hole->signal.rows && ag_signal_depth(&hole->signal, row) < mm) row++;
    return row;
}

AG_TEST(test_label__a_recording_that_breaks_off_is_neither_air_nor_a_hole)
{
    for (size_t r = 0; r < ag_sim_regime_count; r++) {
        const ag_sim_regime *regime = &ag_sim_regimes[r];
        ag_sim_options options = {.seed = 32, .regimes = &regime, .regime_count = 1};
        labelled whole, before, inside;
        make(&whole, &options, 0);
        assert_false(ag_hole_breaks_off(whole.hole));
        if (regime->outcome == AG_SIM_CUT) {
            double middle = 0.5 * (whole.plan.entry + whole.plan.exit);
            make_cut(&before, &options, 0, row_at(whole.hole, whole.plan.entry - 0.5));
            make_cut(&inside, &options, 0, row_at(whole.hole, middle));
            assert_true(ag_hole_breaks_off(before.hole) && ag_hole_breaks_off(inside.hole));
            assert_int_equal(before.label.outcome, AG_LABEL_NONE);
            assert_true(inside.label.outcome != AG_LABEL_FOUND && inside.label.outcome != AG_LABEL_EMPTY);
            ag_arena_free(before.arena);
            ag_arena_free(inside.arena);
        }
        ag_arena_free(whole.arena);
    }
}

AG_TEST(test_label__air_is_empty_and_a_seized_tool_has_no_exit)
{
    static const char *const names[] = {"air-stroke", "air-event", "seized-stroke", "seized-event"};
    for (size_t r = 0; r < 4; r++) {
        const ag_sim_regime *regime = ag_sim_regime_find(names[r]);
        ag_sim_options options = {.seed = 31, .regimes = &regime, .regime_count = 1};
        for (uint64_t i = 0; i < 10; i++) {
            labelled m;
            make(&m, &options, i * 40);
            assert_true(isnan(m.label.exit) && isnan(m.label.full_exit));
            if (r < 2) {
                assert_int_equal(m.label.outcome, AG_LABEL_EMPTY);
                assert_true(isnan(m.label.entry));
                assert_int_equal(m.label.transition_count, 0);
            } else {
                assert_int_equal(m.label.outcome, AG_LABEL_NO_EXIT);
                assert_true(fabs(m.label.entry - m.plan.entry) < 0.5);
            }
            ag_arena_free(m.arena);
        }
    }
}

AG_TEST(test_label__a_planted_defect_never_makes_a_high_label)
{
    for (size_t f = 0; f < ag_sim_trace_faults().count; f++) {
        const ag_sim_fault *fault = &ag_sim_trace_faults().items[f];
        if (ag_rule_find(fault->rule, NULL)->severity != AG_SEVERITY_FAIL) continue;
        ag_sim_options options = {.seed = 8, .faults = &fault, .fault_count = 1};
        labelled m;
        make(&m, &options, 3);
        assert_true(m.label.outcome == AG_LABEL_EMPTY || m.label.confidence <= 0.9);
        ag_arena_free(m.arena);
    }
}

AG_TEST(test_label__step_codes_tell_events_and_nothing_about_strokes)
{
    const ag_labeller *codes = ag_labeller_find("step-codes");
    static const char *const names[] = {"cfrp-ti-stroke", "cfrp-ti-event", "cfrp-ti-peck"};
    for (size_t r = 0; r < 3; r++) {
        ag_err err = {0};
        const ag_sim_regime *regime = ag_sim_regime_find(names[r]);
        labelled m;
        make(&m, &(ag_sim_options){.seed = 2, .regimes = &regime, .regime_count = 1}, 0);
        ag_label label;
        AG_EXPECT_OK(ag_label_by(codes, m.hole, &m.verdict, m.arena, &label, &err));
        assert_int_equal(label.outcome, r == 0 ? AG_LABEL_NONE : AG_LABEL_FOUND);
        if (r == 0) assert_true(isnan(label.entry) && isnan(label.exit) && label.confidence == 0);
        if (r > 0) assert_true(fabs(label.exit - m.plan.exit) < 1.0);
        if (r == 1) assert_true(fabs(label.entry - m.plan.entry) < 0.7);
        if (r == 2) assert_true(fabs(label.transition[0] - m.plan.transition[0]) < 0.7);
        ag_arena_free(m.arena);
    }
}

/* Where the depth stands still the shapes say nothing, and the controller's events lie over each other: an exit above
 * the entry, or one without an entry, is no answer. */
AG_TEST(test_label__the_controllers_word_alone_is_whole_or_none)
{
    static const int32_t still[] = {-5000, -300};
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-event");
    for (size_t i = 0; i < sizeof still / sizeof *still; i++) {
        ag_err err = {0};
        ag_label code, label;
        labelled m;
        make(&m, &(ag_sim_options){.seed = 2, .regimes = &regime, .regime_count = 1}, 0);
        ag_channel *position = NULL;
        for (size_t c = 0; c < m.hole->signal.count; c++)
            if (m.hole->signal.channels[c].id == AG_CHANNEL_POSITION) position = &m.hole->signal.channels[c];
        assert_non_null(position);
        for (size_t row = 0; row < m.hole->signal.rows; row++) position->values[row] = still[i];
        AG_EXPECT_OK(ag_label_by(ag_labeller_find("step-codes"), m.hole, &m.verdict, m.arena, &code, &err));
        assert_int_equal(code.outcome, AG_LABEL_FOUND);
        assert_true(!(code.entry < code.exit) || code.entry < 0);
        AG_EXPECT_OK(ag_label_hole(m.hole, &m.verdict, m.arena, &label, &err));
        assert_int_equal(label.outcome, AG_LABEL_NONE);
        assert_true(isnan(label.entry) && isnan(label.exit) && label.transition_count == 0);
        ag_arena_free(m.arena);
    }
}

/* Rows of a restart are in the bins of nothing but themselves, wherever the bins begin. */
AG_TEST(test_label__a_restart_does_not_mix_with_what_was_drilled_before)
{
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-stroke");
    ag_err err = {0};
    labelled m;
    make(&m, &(ag_sim_options){.seed = 2, .regimes = &regime, .regime_count = 1}, 0);
    const ag_signal *signal = &m.hole->signal;
    int32_t *torque = NULL, *position = NULL;
    double before = ag_signal_depth(signal, m.hole->steps[0].held - 1);
    for (size_t c = 0; c < signal->count; c++) {
        if (signal->channels[c].id == AG_CHANNEL_TORQUE) torque = signal->channels[c].values;
        if (signal->channels[c].id == AG_CHANNEL_POSITION) position = signal->channels[c].values;
    }
    assert_true(m.hole->step_count == 2 && torque && position);
    for (size_t row = 0; row < signal->rows; row++) {
        bool again = row >= m.hole->steps[1].begin && ag_signal_depth(signal, row) <= before + 0.62;
        torque[row] = again ? 0 : 3000;
    }
    for (int shift = 0; shift < 20; shift++) { /* a bin is 0.02 mm */
        ag_profile profile;
        AG_EXPECT_OK(ag_profile_make(m.hole, m.arena, &profile, &err));
        for (size_t i = 0; i < profile.count; i++) assert_true(!profile.told[i] || fabs(profile.torque[i] - 3) < 1e-9);
        for (size_t row = 0; row < signal->rows; row++) position[row]--;
    }
    ag_arena_free(m.arena);
}

/* Every second sample of it, as at half the rate. */
static void halve(labelled *m)
{
    ag_err err = {0};
    ag_limits limits;
    ag_signal *signal = &m->hole->signal;
    signal->rows /= 2;
    signal->rate /= 2;
    for (size_t c = 0; c < signal->count; c++)
        for (size_t row = 0; row < signal->rows; row++)
            signal->channels[c].values[row] = signal->channels[c].values[2 * row];
    m->hole->steps = NULL;
    m->hole->step_count = 0;
    AG_EXPECT_OK(ag_hole_finish(m->hole, &err));
    AG_EXPECT_OK(ag_limits_default(&limits, &err));
    AG_EXPECT_OK(ag_validate(m->hole, &limits, m->arena, &m->verdict, &err));
    AG_EXPECT_OK(ag_label_hole(m->hole, &m->verdict, m->arena, &m->label, &err));
}

/* The lag of the firmware's smoothing is a time: counted in samples it moved all depths by 0.03 mm at half the rate. */
AG_TEST(test_label__half_the_rate_moves_no_depth)
{
    enum { HOLES = 12 };
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-al-stroke");
    double moved = 0;
    for (uint64_t i = 0; i < HOLES; i++) {
        labelled m;
        make(&m, &(ag_sim_options){.seed = 5, .regimes = &regime, .regime_count = 1}, i);
        double entry = m.label.entry, exit = m.label.exit;
        halve(&m);
        moved += (m.label.entry - entry + m.label.exit - exit) / (2 * HOLES);
        ag_arena_free(m.arena);
    }
    assert_true(fabs(moved) < 0.01);
}

AG_TEST(test_label__one_hole_that_differs_from_its_group_is_doubted)
{
    ag_err err = {0};
    ag_label labels[9];
    ag_label *list[9];
    for (size_t i = 0; i < 9; i++) {
        labels[i] = (ag_label){.outcome = AG_LABEL_FOUND,
                               .entry = 5 + (double)i,
                               .exit = 15 + (double)i + 0.01 * (double)i,
                               .clarity = 1,
                               .quality = 1,
                               .consistency = 1,
                               .confidence = 1};
        list[i] = &labels[i];
    }
    labels[4].exit += 2;
    labels[8] = (ag_label){.outcome = AG_LABEL_EMPTY, .exit = (double)NAN, .entry = (double)NAN, .confidence = 1};
    AG_EXPECT_OK(ag_label_compare(list, 9, &err));
    assert_true(labels[0].confidence == 1 && labels[7].confidence == 1 && labels[8].confidence == 1);
    assert_true(labels[4].consistency < 0.2 && labels[4].confidence < 0.2);
    labels[4].consistency = 1;
    AG_EXPECT_OK(ag_label_compare(list + 3, 3, &err)); /* too few to compare */
    assert_true(labels[4].consistency == 1);
}

AG_TEST(test_label__within_a_quarter_of_a_millimetre_of_its_group_nothing_is_doubted)
{
    ag_err err = {0};
    ag_label labels[8];
    ag_label *list[8];
    for (size_t i = 0; i < 8; i++) {
        labels[i] = (ag_label){.outcome = AG_LABEL_FOUND,
                               .entry = 5,
                               .exit = 15,
                               .transition = {9},
                               .transition_count = 1,
                               .clarity = 1,
                               .quality = 1,
                               .consistency = 1};
        list[i] = &labels[i];
    }
    labels[1].exit += 0.24;
    labels[2].transition[0] += 0.5;
    labels[3].transition_count = 0;
    AG_EXPECT_OK(ag_label_compare(list, 8, &err));
    assert_true(labels[0].confidence == 1 && labels[1].confidence == 1);
    assert_true(fabs(labels[2].consistency - 0.5) < 1e-9);
    assert_true(labels[3].consistency == 0.7);
}

AG_TEST(test_label__categories_and_grip_codes_follow_the_settings)
{
    ag_err err = {0};
    ag_label_settings settings;
    AG_EXPECT_OK(ag_label_settings_default(&settings, &err));
    ag_label label = {.outcome = AG_LABEL_FOUND, .confidence = 0.9};
    assert_string_equal(ag_label_category(&label, &settings), "medium");
    label.confidence = 0.901;
    assert_string_equal(ag_label_category(&label, &settings), "high");
    label.confidence = 0.7;
    assert_string_equal(ag_label_category(&label, &settings), "low");
    label.outcome = AG_LABEL_EMPTY;
    assert_string_equal(ag_label_category(&label, &settings), "empty");
    assert_int_equal(ag_label_grip(1.0, &settings), 1);
    assert_int_equal(ag_label_grip(14.28, &settings), 9);
    assert_int_equal(ag_label_grip(14.30, &settings), 10);
    assert_int_equal(ag_label_grip(0, &settings), 0);
    assert_int_equal(ag_label_grip((double)NAN, &settings), 0);
    assert_int_equal(ag_label_grip(40, &settings), 0);
    settings.grip_tolerance = 0.127;
    assert_int_equal(ag_label_grip(14.30, &settings), 9);
    assert_int_equal(ag_label_grip(0.05, &settings), 1);
    assert_string_equal(ag_label_outcome_name(AG_LABEL_NO_EXIT), "no exit");
    assert_int_equal(ag_labellers().count, 2);
    assert_null(ag_labeller_find("guess"));
}

typedef struct attempt {
    labelled *made;
} attempt;

static int try_label(void *context, ag_err *err)
{
    const attempt *a = context;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_label label;
    int rc = ag_label_hole(a->made->hole, &a->made->verdict, arena, &label, err);
    ag_label *list[] = {&label};
    if (rc == AG_OK) rc = ag_label_compare(list, 1, err);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_label__a_failing_allocation_is_told)
{
    labelled m;
    make(&m, &(ag_sim_options){.seed = 1}, 1);
    ag_test_fail_at_n(AG_FAULT_ALLOC, try_label, NULL, &(attempt){&m});
    ag_arena_free(m.arena);
}

/* Holes whose samples are few, flat, or jump about are labelled without a fall, with a number or without. */
AG_TEST(test_label__odd_samples_do_no_harm)
{
    ag_err err = {0};
    for (size_t rows = 1; rows < 400; rows = rows * 3 + 1) {
        for (int kind = 0; kind < 3; kind++) {
            labelled m;
            make(&m, &(ag_sim_options){.seed = 6}, 1);
            int32_t *position = (int32_t *)(uintptr_t)m.hole->signal.by_id[AG_CHANNEL_POSITION];
            int32_t *torque = (int32_t *)(uintptr_t)m.hole->signal.by_id[AG_CHANNEL_TORQUE];
            for (size_t i = 0; i < m.hole->signal.rows; i++) {
                if (kind == 0) position[i] = -5000;
                if (kind == 1) torque[i] = INT32_MAX;
                if (kind == 2) position[i] = i % 2 ? INT32_MIN + 1 : 2000;
            }
            m.hole->signal.rows = rows < m.hole->signal.rows ? rows : m.hole->signal.rows;
            m.hole->step_count = 0;
            AG_EXPECT_OK(ag_hole_finish(m.hole, &err));
            AG_EXPECT_OK(ag_label_hole(m.hole, &m.verdict, m.arena, &m.label, &err));
            assert_true(m.label.confidence >= 0 && m.label.confidence <= 1);
            ag_arena_free(m.arena);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* A deviation that outliers do not stretch. */
static double spread_of(double *values, size_t count)
{
    qsort(values, count, sizeof(double), by_size);
    double middle = values[count / 2];
    for (size_t i = 0; i < count; i++) values[i] = fabs(values[i] - middle);
    qsort(values, count, sizeof(double), by_size);
    return 1.4826 * values[count / 2];
}

AG_TEST(test_label__full_exit_lies_behind_exit_and_transitions_between)
{
    ag_sim_options options = {.seed = 55, .series = AG_SIM_LIFE};
    double thickness[40];
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-al-stroke");
    options.regimes = &regime;
    options.regime_count = 1;
    for (uint64_t i = 0; i < 40; i++) {
        labelled m;
        make(&m, &options, i);
        assert_int_equal(m.label.outcome, AG_LABEL_FOUND);
        assert_true(m.label.full_exit > m.label.exit && m.label.exit > m.label.transition[0]);
        assert_true(m.label.transition[0] > m.label.entry);
        assert_string_equal(m.label.source, "change-points");
        thickness[i] = m.label.exit - m.label.entry;
        ag_arena_free(m.arena);
    }
    assert_true(spread_of(thickness, 40) < 0.1);
}

/* Holes of one tool's life whose burr grows with thrust as the tool wears: mean error of the exit and of the full exit,
 * and how the thickness scatters. */
static double drill_with_burr(double burr, error_sum *exit, error_sum *full)
{
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-stroke");
    ag_sim_options options = {
        .seed = 90210, .series = AG_SIM_LIFE, .regimes = &regime, .regime_count = 1, .burr = burr};
    double thickness[20];
    bool right;
    for (uint64_t i = 0; i < 20; i++) {
        labelled m;
        make(&m, &options, 2 * i);
        assert_int_equal(m.label.outcome, AG_LABEL_FOUND);
        thickness[i] = m.label.exit - m.label.entry;
        assert_true(count_error(exit, m.label.exit, m.plan.exit, &right));
        assert_true(count_error(full, m.label.full_exit, m.plan.full_exit, &right));
        ag_arena_free(m.arena);
    }
    return spread_of(thickness, 20);
}

AG_TEST(test_label__a_burr_delays_the_corners_and_not_the_tip)
{
    static const double burrs[] = {0, 0.2, 0.25, 0.3};
    for (size_t k = 0; k < sizeof(burrs) / sizeof(burrs[0]); k++) {
        error_sum exit = {0}, full = {0};
        double spread = drill_with_burr(burrs[k], &exit, &full);
        print_message("%.2f mm/A: mean error of exit %.3f, full exit %.3f mm; thickness scatters by %.3f\n", burrs[k],
                      mean(&exit), mean(&full), spread);
        assert_true(mean(&exit) < 0.06 && mean(&full) < 0.08);
        assert_true(spread < 0.06);
    }
}

/* Takes the oscillation out of the samples: inside a step the tip never goes back. */
static void steady(ag_hole *hole)
{
    int32_t *position = (int32_t *)hole->signal.by_id[AG_CHANNEL_POSITION];
    for (size_t s = 0; s < hole->step_count; s++)
        for (size_t i = hole->steps[s].begin + 1; i < hole->steps[s].held; i++)
            if (ag_signal_depth(&hole->signal, i) < ag_signal_depth(&hole->signal, i - 1))
                position[i] = position[i - 1];
}

/* Waves of torque over a millimetre and of thrust over a tenth, as real pecking has them. */
static void disturb(ag_hole *hole, double phase)
{
    int32_t *torque = (int32_t *)hole->signal.by_id[AG_CHANNEL_TORQUE];
    int32_t *thrust = (int32_t *)hole->signal.by_id[AG_CHANNEL_THRUST];
    for (size_t i = 0; i < hole->signal.rows; i++) {
        double depth = ag_signal_depth(&hole->signal, i);
        torque[i] = (int32_t)lround(torque[i] * (1 + 0.15 * sin(6 * depth + phase)));
        thrust[i] = (int32_t)lround(thrust[i] * (1 + 0.5 * sin(48 * depth + phase)));
    }
}

AG_TEST(test_label__pecking_is_told_by_the_samples_and_not_by_the_program)
{
    ag_err err = {0};
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-peck");
    const ag_labeller *labeller = ag_labeller_find("change-points");
    size_t pecked = 0, smooth = 0, plain = 0;
    for (uint64_t i = 0; i < 20; i++) {
        labelled m;
        ag_label label, other;
        make(&m, &(ag_sim_options){.seed = 5150, .regimes = &regime, .regime_count = 1, .burr = 0.15}, i);
        assert_true(m.verdict.classes & AG_CLASS_MICROPECK);
        AG_EXPECT_OK(ag_label_by(labeller, m.hole, &m.verdict, m.arena, &label, &err));
        m.verdict.classes &= ~(unsigned)AG_CLASS_MICROPECK; /* as of messages and prepared samples */
        AG_EXPECT_OK(ag_label_by(labeller, m.hole, &m.verdict, m.arena, &other, &err));
        assert_true(label.entry == other.entry && label.exit == other.exit && label.full_exit == other.full_exit);
        pecked += label.full_exit - label.exit > label.point + 1e-9;
        steady(m.hole);
        AG_EXPECT_OK(ag_label_by(labeller, m.hole, &m.verdict, m.arena, &other, &err));
        smooth += other.full_exit - other.exit > other.point + 1e-9;
        ag_arena_free(m.arena);
        make(&m, &(ag_sim_options){.seed = 5150, .series = 1, .regimes = &regime, .regime_count = 1}, i);
        disturb(m.hole, (double)i);
        AG_EXPECT_OK(ag_label_by(labeller, m.hole, &m.verdict, m.arena, &label, &err));
        plain += label.full_exit - label.exit > label.point + 1e-9;
        ag_arena_free(m.arena);
    }
    print_message("of 20 holes %zu have a burr, of 20 without one %zu; %zu if the drill went steadily\n", pecked, plain,
                  smooth);
    assert_true(pecked < smooth && plain == 0);
}

/* Where waves hide how long the point is (and without thrust nothing tells of a burr), it is nearer to the usual length
 * with a drill that oscillates; with another it is what fits best. */
AG_TEST(test_label__a_point_that_pecking_hides_is_as_long_as_usual)
{
    ag_err err = {0};
    const ag_sim_regime *regime = ag_sim_regime_find("cfrp-ti-peck");
    const ag_labeller *labeller = ag_labeller_find("change-points");
    double pecked = 0, smooth = 0;
    for (uint64_t i = 0; i < 20; i++) {
        labelled m;
        ag_label label, other;
        make(&m, &(ag_sim_options){.seed = 5151, .series = 1, .regimes = &regime, .regime_count = 1}, i);
        disturb(m.hole, (double)i);
        memset((int32_t *)m.hole->signal.by_id[AG_CHANNEL_THRUST], 0, m.hole->signal.rows * sizeof(int32_t));
        AG_EXPECT_OK(ag_label_by(labeller, m.hole, &m.verdict, m.arena, &label, &err));
        steady(m.hole);
        AG_EXPECT_OK(ag_label_by(labeller, m.hole, &m.verdict, m.arena, &other, &err));
        pecked += fabs(label.point - 1.65) / 20;
        smooth += fabs(other.point - 1.65) / 20;
        ag_arena_free(m.arena);
    }
    print_message("points are %.3f mm from the usual one, %.3f mm if the drill went steadily\n", pecked, smooth);
    assert_true(pecked < 0.9 * smooth);
}
