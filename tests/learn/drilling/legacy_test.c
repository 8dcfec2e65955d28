// SPDX-License-Identifier: Apache-2.0
/* The old pipeline against its own recorded answers (on real files, when they are there), and piece by piece against
 * what its description says, worked out by other code than the pipeline's. */
#include "learn/drilling/legacy.h"

#include <math.h>
#include <string.h>

#include "core/io/path.h"
#include "data/reader.h"
#include "data/shared.h"
#include "learn/drilling/legacy_settings.h"
#include "learn/drilling/made.h"
#include "learn/nn/exec.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/strategy.h"
#include "learn/strategy_made.h"

#define NEAR(a, b, within) assert_true(fabs((a) - (b)) <= (within))

static void trace_of(const made *m, ag_arena *arena, ag_legacy_trace *out)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_legacy_trace_of(make_hole(m, arena), arena, out, &err));
}

/* ---- the recorded answers ---- */

AG_TEST(test_legacy__entry_and_transition_of_real_files)
{
    static const struct {
        const char *file;
        double entry, transition;
    } recorded[] = {
        {"MDB/17070141_17070141_ST_753_55.xls", 4.569, 5.010},
        {"MDB/17070141_17070141_ST_798_100.xls", 5.227, 5.512},
        {"MDB/17070143_17070143_ST_885_99.xls", 4.596, 4.907},
        {"HAM_lower/E00401006B6B2977_113-V3-022_ST_2193_63.xls", 2.558, 18.284},
        {"mdb-mql-1/E00401009F45C395_114-V3-002-MQ_ST_1874_1.xls", 5.637, 10.252},
    };
    const char *root = unpack_shared();
    ag_err err = {0};
    ag_legacy *legacy = NULL;
    AG_EXPECT_OK(ag_legacy_open(NULL, NULL, NULL, &legacy, &err));
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        ag_arena *arena = ag_arena_new(0);
        ag_hole *hole;
        ag_legacy_trace trace;
        double entry, transition;
        ag_prediction said;
        const char *path = ag_path_join(arena, root, recorded[i].file);
        AG_EXPECT_OK(ag_hole_read_file(path, NULL, arena, &hole, NULL, &err));
        AG_EXPECT_OK(ag_legacy_trace_of(hole, arena, &trace, &err));
        AG_EXPECT_OK(ag_legacy_entry(&trace, &entry, &err));
        AG_EXPECT_OK(ag_legacy_transition(&trace, arena, &transition, &err));
        if (fabs(entry - recorded[i].entry) > 5e-4 || fabs(transition - recorded[i].transition) > 5e-4)
            fail_msg("%s: %.4f %.4f", recorded[i].file, entry, transition);
        AG_EXPECT_OK(ag_legacy_ask(legacy, (const ag_hole *[]){hole}, 1, arena, NULL, &said, &err));
        assert_int_equal(said.outcome, AG_LABEL_FOUND);
        assert_true(isnan(said.points[AG_POINT_EXIT].mm) && isnan(said.confidence) && said.grip_code == 0);
        ag_arena_free(arena);
    }
    ag_legacy_free(legacy);
}

/* ---- rules ---- */

AG_TEST(test_legacy__position_is_turned_to_be_positive)
{
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_trace trace;
    trace_of(&(made){.entry = 5, .transition = 9, .exit = 14, .step_two = 700, .rows = 1600}, arena, &trace);
    NEAR((double)trace.x[0], 1.0, 1e-6);
    NEAR((double)trace.x[1599], 16.99, 1e-5);
    assert_int_equal(trace.step[699], 1);
    assert_int_equal(trace.step[700], 2);
    ag_arena_free(arena);
}

/* The words of the description, with negative indexes as Python takes them. */
static double entry_by_the_words(const ag_legacy_trace *trace)
{
    ptrdiff_t n = (ptrdiff_t)trace->rows, i0 = -1;
    const float *t = trace->torque;
    for (ptrdiff_t i = 0; i <= n - 3 && i0 < 0; i++)
        if (t[i] > 0.1F && t[i + 1] > 0.1F && t[i + 2] > 0.1F && trace->x[i] > 3.0F) i0 = i;
    if (i0 < 0) return NAN;
    for (ptrdiff_t i = i0 - 1; i >= 1; i--)
        if (t[i] - t[i - 3 < 0 ? n + i - 3 : i - 3] < 0.0001F && t[i + 3] - t[i] >= 0.05F) return (double)trace->x[i];
    return (double)trace->x[i0];
}

AG_TEST(test_legacy__entry_follows_its_description_on_random_traces)
{
    ag_err err = {0};
    size_t found = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        ag_rng rng = ag_rng_stream(seed, "trace");
        float x[60], torque[60];
        int32_t step[60] = {0};
        ag_legacy_trace trace = {.rows = 3 + ag_rng_below(&rng, 57), .x = x, .torque = torque, .step = step};
        for (size_t i = 0; i < trace.rows; i++) {
            x[i] = 2.0F + 0.1F * (float)i;
            torque[i] = 0.049F * (float)ag_rng_below(&rng, i < 20 ? 3 : 6);
        }
        double wanted = entry_by_the_words(&trace), entry = NAN;
        int rc = ag_legacy_entry(&trace, &entry, &err);
        assert_int_equal(rc, isnan(wanted) ? AG_ENOTFOUND : AG_OK);
        if (rc == AG_OK) NEAR(entry, wanted, 0.0);
        found += rc == AG_OK;
    }
    assert_true(found > 50);
}

AG_TEST(test_legacy__transition_is_the_first_steep_place_before_step_2)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_trace trace;
    double transition;
    trace_of(&(made){.entry = 3, .transition = 9.5, .exit = 14, .step_two = 900, .rows = 1600}, arena, &trace);
    AG_EXPECT_OK(ag_legacy_transition(&trace, arena, &transition, &err));
    NEAR(transition, 9.5, 0.06); /* its window is 7 to 10 mm; smoothing reaches five samples ahead */
    ag_arena_free(arena);
}

AG_TEST(test_legacy__a_constant_slope_has_no_steep_place)
{
    ag_err err = {0};
    float x[40], torque[40];
    int32_t step[40];
    double transition;
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_trace trace = {.rows = 40, .x = x, .torque = torque, .step = step};
    for (int i = 0; i < 40; i++) {
        x[i] = (float)i;
        torque[i] = 0.0F;
        step[i] = i < 30 ? 1 : 2;
    }
    AG_EXPECT_ERROR(ag_legacy_transition(&trace, arena, &transition, &err), AG_ENOTFOUND, "no steep place");
    for (int i = 0; i < 40; i++) step[i] = i < 10 ? 1 : 2;
    AG_EXPECT_ERROR(ag_legacy_transition(&trace, arena, &transition, &err), AG_ENOTFOUND, "only 10 samples");
    for (int i = 0; i < 40; i++) step[i] = 1;
    AG_EXPECT_ERROR(ag_legacy_transition(&trace, arena, &transition, &err), AG_ENOTFOUND, "no step 2");
    AG_EXPECT_ERROR(ag_legacy_entry(&trace, &transition, &err), AG_ENOTFOUND, "no three samples");
    ag_arena_free(arena);
}

/* ---- the table ---- */

AG_TEST(test_legacy__row_k_holds_fifteen_samples_in_a_row)
{
    ag_err err = {0};
    enum { ROWS = 100, FIRST = 10 };
    float x[ROWS], torque[ROWS];
    int32_t step[ROWS];
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_trace trace = {.rows = ROWS, .x = x, .torque = torque, .step = step};
    ag_legacy_settings settings = {.local = 50, .predrilled = false};
    ag_legacy_table table;
    for (int i = 0; i < ROWS; i++) {
        x[i] = 100.0F + (float)i;
        torque[i] = (float)((i * 37) % 50);
        step[i] = i < FIRST ? 1 : 2;
    }
    AG_EXPECT_OK(ag_legacy_table_of(&trace, &settings, arena, &table, &err));
    assert_int_equal(table.samples, 30); /* 90 / 3 */
    assert_int_equal(table.rows, 830);
    for (size_t c = 0; c < 15; c++) { /* column c at row k is sample 3 (k - c / 3) + c % 3 of step 2, or 0 */
        double raw[30], mean = 0, square = 0;
        for (size_t k = 0; k < 30; k++) {
            raw[k] = k >= c / 3 ? (double)torque[FIRST + c % 3 + 3 * (k - c / 3)] : 0;
            mean += raw[k] / 30;
        }
        for (size_t k = 0; k < 30; k++) square += (raw[k] - mean) * (raw[k] - mean) / 30;
        for (size_t k = 0; k < 30; k++)
            NEAR((double)table.values[(400 + k) * 17 + c], (raw[k] - mean) / sqrt(square), 1e-6);
        NEAR((double)table.values[399 * 17 + c], -1.0, 0);
        NEAR((double)table.values[430 * 17 + c], -1.0, 0);
    }
    NEAR((double)table.values[15], 0.034 * 50 - 1.7, 1e-6);
    NEAR((double)table.values[829 * 17 + 16], -1.45, 1e-6);
    NEAR((double)table.x[401], 0, 0); /* two rows of delay */
    NEAR((double)table.x[402], 100 + FIRST + 1, 0);
    NEAR((double)table.x[429], 100 + FIRST + 1 + 3 * 27, 0);
    NEAR((double)table.x[430], 0, 0);
    ag_arena_free(arena);
}

AG_TEST(test_legacy__scaling_is_that_of_hole_and_reference_together)
{
    ag_err err = {0};
    float x[12], torque[12];
    int32_t step[12];
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_trace trace = {.rows = 12, .x = x, .torque = torque, .step = step};
    ag_legacy_settings settings = {.predrilled = true, .reference = {.rows = 4}};
    ag_legacy_table table;
    for (int i = 0; i < 12; i++) {
        x[i] = (float)i;
        torque[i] = (float)i;
        step[i] = 2;
    }
    for (int c = 0; c < 15; c++) {
        settings.reference.mean[c] = 2.5; /* of 1, 2, 3, 4 */
        settings.reference.deviation[c] = sqrt(1.25);
    }
    AG_EXPECT_OK(ag_legacy_table_of(&trace, &settings, arena, &table, &err));
    /* torque1 is 0, 3, 6, 9; with 1, 2, 3, 4: mean 3.5, squares 140 + 16 = 156 -> variance 156 / 8 - 12.25 */
    static const double all[8] = {0, 3, 6, 9, 1, 2, 3, 4};
    double mean = 0, square = 0;
    for (int i = 0; i < 8; i++) mean += all[i] / 8;
    for (int i = 0; i < 8; i++) square += (all[i] - mean) * (all[i] - mean) / 8;
    for (int k = 0; k < 4; k++) NEAR((double)table.values[(400 + k) * 17], (3 * k - mean) / sqrt(square), 1e-6);
    ag_arena_free(arena);
}

AG_TEST(test_legacy__reference_table_is_read)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_buf text;
    ag_legacy_reference r;
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "id");
    for (int c = 15; c >= 1; c--) ag_buf_addf(&text, ",torque%d", c);
    for (int row = 0; row < 4; row++) {
        ag_buf_addf(&text, "\n%d", row);
        for (int c = 15; c >= 1; c--) ag_buf_addf(&text, ",%d", c * 10 + row);
    }
    char *path = ag_path_join(arena, ag_test_dir(), "ref.csv");
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    AG_EXPECT_OK(ag_legacy_reference_read(path, &r, &err));
    assert_int_equal(r.rows, 4);
    for (int c = 0; c < 15; c++) {
        NEAR(r.mean[c], (c + 1) * 10 + 1.5, 1e-12);
        NEAR(r.deviation[c], sqrt(1.25), 1e-12);
    }
    AG_EXPECT_OK(ag_file_replace(path, "torque1,torque2\n1,2\n", 20, &err));
    AG_EXPECT_ERROR(ag_legacy_reference_read(path, &r, &err), AG_EPARSE, "no column 'torque3'");
    ag_buf_clear(&text);
    for (int c = 1; c <= 15; c++) ag_buf_addf(&text, "%storque%d", c > 1 ? "," : "", c);
    ag_buf_add_text(&text, "\n");
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    AG_EXPECT_ERROR(ag_legacy_reference_read(path, &r, &err), AG_EPARSE, "no rows");
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

/* ---- windows ---- */

AG_TEST(test_legacy__the_peak_of_a_heat_map_is_a_position)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_trace trace;
    ag_legacy_table table;
    ag_legacy_settings settings = {.predrilled = true};
    trace_of(&(made){.entry = 5, .transition = 9, .exit = 14, .step_two = 500, .rows = 1700}, arena, &trace);
    AG_EXPECT_OK(ag_legacy_table_of(&trace, &settings, arena, &table, &err));
    assert_int_equal(ag_legacy_window(&table, 0), table.peak - 330);
    assert_int_equal(ag_legacy_window(&table, 39), table.peak - 330 + 195);
    float *heat = ag_arena_array(arena, 512 * 17, sizeof *heat);
    for (int c = 0; c < 15; c++) heat[340 * 17 + c] = 1.0F; /* ten rows behind the peak of the torque */
    NEAR(ag_legacy_peak(&table, 0, heat, 17), (double)table.x[table.peak + 10], 0);
    NEAR(ag_legacy_peak(&table, 2, heat, 17), (double)table.x[table.peak + 20], 0);
    heat[200 * 17 + 16] = 1000.0F; /* not a torque */
    heat[345 * 17] = 15.5F;        /* more than 15 ones */
    heat[345 * 17 + 1] = -900.0F;  /* below -1 counts as 0 */
    NEAR(ag_legacy_peak(&table, 0, heat, 17), (double)table.x[table.peak + 15], 0);
    heat[345 * 17 + 2] = -0.9F; /* above it counts */
    NEAR(ag_legacy_peak(&table, 0, heat, 17), (double)table.x[table.peak + 10], 0);
    heat[339 * 17] = 15.0F; /* of equals the first */
    NEAR(ag_legacy_peak(&table, 0, heat, 17), (double)table.x[table.peak + 9], 0);
    ag_arena_free(arena);
}

/* A small model of the right shape. */
static ag_model *small_model(ag_arena *arena, int64_t channels, ag_model_config *config)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_patchtsmixer *values = ag_arena_alloc(arena, sizeof *values);
    AG_EXPECT_OK(ag_describe_defaults(&ag_patchtsmixer_description, arena, values, &err));
    values->context_length = values->prediction_length = 512;
    values->num_input_channels = channels;
    values->patch_length = values->patch_stride = 64;
    values->d_model = 4;
    values->num_layers = 1;
    values->head = 1;
    *config = (ag_model_config){.architecture = &ag_architecture_patchtsmixer, .values = values};
    AG_EXPECT_OK(ag_architecture_graph(config->architecture, values, &(ag_building){0}, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 11);
    return model;
}

static void write_settings(const char *dir, ag_arena *arena, const ag_legacy_settings *settings)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "strategy", "legacy_patchtsmixer");
    ag_json_name(&json, "legacy");
    ag_legacy_settings_write(settings, &json);
    ag_json_end_object(&json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_OK(ag_file_replace(ag_path_join(arena, dir, AG_STRATEGY_FILE), text.data, text.size, &err));
    ag_buf_deinit(&text);
}

/* Window by window, with a plan of one sample. */
static double exit_by_hand(const ag_model *model, const ag_legacy_table *table, size_t channels, ag_arena *arena)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    ag_plan_options plan = {.outputs = true, .max_samples = 1};
    float *in = ag_arena_array(arena, 512 * channels, sizeof *in), *out = ag_arena_array(arena, 512 * channels, 4);
    double sum = 0;
    AG_EXPECT_OK(ag_exec_new(model->graph, &plan, model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", in, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "prediction_outputs", out, &err));
    for (size_t j = 0; j < 200; j += 5) {
        size_t start = table->peak - 330 + j, best = 0;
        double most = -INFINITY;
        for (size_t r = 0; r < 512; r++)
            for (size_t c = 0; c < channels; c++) in[r * channels + c] = table->values[(start + r) * 17 + c];
        AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = 1}, &err));
        for (size_t r = 0; r < 512; r++) {
            double heat = 0;
            for (size_t c = 0; c < 15; c++) heat += out[r * channels + c] < -1.0F ? 0.0 : (double)out[r * channels + c];
            if (heat > most) best = r, most = heat;
        }
        sum += (double)table->x[start + best];
    }
    ag_exec_free(exec);
    return sum / 40;
}

AG_TEST(test_legacy__a_checkpoint_is_loaded_and_asked_in_40_windows)
{
    ag_err err = {0};
    for (int64_t channels = 15; channels <= 17; channels += 2) {
        ag_arena *arena = ag_arena_new(0);
        ag_model_config config;
        ag_model *model = small_model(arena, channels, &config);
        char *dir = ag_arena_printf(arena, "%s/model-%d", ag_test_dir(), (int)channels);
        ag_legacy *legacy = NULL;
        ag_legacy_settings settings = {.local = 7, .predrilled = true, .reference = {.rows = 10}};
        ag_legacy_trace trace;
        ag_legacy_table table;
        ag_prediction said[2];
        for (int c = 0; c < 15; c++) settings.reference.mean[c] = 3, settings.reference.deviation[c] = 2;
        made m = {.entry = 5, .transition = 9.5, .exit = 14, .step_two = 900, .rows = 1700};
        AG_EXPECT_OK(ag_pretrained_save(dir, &config, model, &err));
        write_settings(dir, arena, &settings);
        AG_EXPECT_OK(ag_legacy_open(dir, NULL, NULL, &legacy, &err));
        assert_true(ag_legacy_has_model(legacy));
        trace_of(&m, arena, &trace);
        AG_EXPECT_OK(ag_legacy_table_of(&trace, &settings, arena, &table, &err));
        const ag_hole *holes[2] = {make_hole(&m, arena), make_hole(&m, arena)};
        AG_EXPECT_OK(ag_legacy_ask(legacy, holes, 2, arena, NULL, said, &err));
        double wanted = exit_by_hand(model, &table, (size_t)channels, arena), last = said[0].points[AG_POINT_EXIT].mm;
        if (said[0].outcome == AG_LABEL_FOUND) {
            NEAR(last, wanted, 1e-9);
            NEAR(said[1].points[AG_POINT_EXIT].mm, wanted, 1e-9);
        } else { /* untrained, so it may be anywhere: also before the transition */
            assert_true(wanted < 9.6);
            assert_string_equal(said[0].reason, "a layer came out negative, for which it published nothing");
        }
        ag_legacy_free(legacy);
        ag_model_free(model);
        ag_arena_free(arena);
    }
}

AG_TEST(test_legacy__models_of_another_shape_are_refused)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_model_config config;
    ag_model *model = small_model(arena, 16, &config);
    ag_legacy *legacy = NULL;
    char *dir = ag_path_join(arena, ag_test_dir(), "sixteen");
    AG_EXPECT_OK(ag_pretrained_save(dir, &config, model, &err));
    AG_EXPECT_ERROR(ag_legacy_open(dir, NULL, NULL, &legacy, &err), AG_EINVAL, "512 rows of 17 (or 15) channels");
    AG_EXPECT_ERROR(ag_legacy_open("/nowhere/at/all", NULL, NULL, &legacy, &err), AG_ENOTFOUND, "/nowhere/at/all");
    assert_null(legacy);
    ag_model_free(model);
    ag_arena_free(arena);
}

AG_TEST(test_legacy__broken_settings_are_refused)
{
    static const char *const broken[] = {
        "{\"legacy\": {\"local\": 1, \"reference_rows\": 0}}",
        "{\"legacy\": {\"local\": 1, \"predrilled\": true, \"reference_rows\": -1}}",
        "{\"legacy\": {\"local\": 1, \"predrilled\": true, \"reference_rows\": 2, \"reference_mean\": [1]}}",
        "{\"legacy\": 3}",
    };
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_settings settings = {.local = 4};
    const char *dir = ag_test_dir();
    AG_EXPECT_OK(ag_legacy_settings_load(dir, &settings, &err));
    NEAR(settings.local, 4, 0);
    char *path = ag_path_join(arena, dir, AG_STRATEGY_FILE);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        AG_EXPECT_OK(ag_file_replace(path, broken[i], strlen(broken[i]), &err));
        AG_EXPECT_ERROR(ag_legacy_settings_load(dir, &settings, &err), AG_EPARSE, "'legacy' lacks");
    }
    AG_EXPECT_OK(ag_file_remove(path, &err));
    ag_arena_free(arena);
}

AG_TEST(test_legacy__keys_are_sound)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_legacy_data data;
    ag_legacy_settings settings;
    AG_EXPECT_OK(ag_describe_verify(&ag_legacy_data_description, &err));
    AG_EXPECT_OK(ag_describe_defaults(&ag_legacy_data_description, arena, &data, &err));
    AG_EXPECT_OK(ag_legacy_settings_of(&data, &settings, &err));
    assert_true(settings.predrilled && settings.reference.rows == 0);
    data.reference.file = "/nowhere.csv";
    AG_EXPECT_ERROR(ag_legacy_settings_of(&data, &settings, &err), AG_ENOTFOUND, "data_config.reference.file");
    ag_arena_free(arena);
}

/* ---- what it cannot answer ---- */

AG_TEST(test_legacy__abstains_where_it_threw)
{
    static const struct {
        made made;
        const char *reason;
    } rows[] = {
        {{.entry = 5, .transition = NAN, .exit = 14, .rows = 1600}, "not enough steps"},
        {{.entry = NAN, .transition = NAN, .exit = NAN, .step_two = 700, .rows = 1600}, "no three samples"},
        {{.entry = 5, .transition = 9, .exit = 14, .step_two = 5, .rows = 1600}, "only 5 samples"},
    };
    ag_err err = {0};
    ag_legacy *legacy = NULL;
    AG_EXPECT_OK(ag_legacy_open(NULL, NULL, NULL, &legacy, &err));
    assert_false(ag_legacy_has_model(legacy));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_arena *arena = ag_arena_new(0);
        ag_prediction said;
        const ag_hole *hole = make_hole(&rows[i].made, arena);
        AG_EXPECT_OK(ag_legacy_ask(legacy, &hole, 1, arena, NULL, &said, &err));
        assert_int_equal(said.outcome, AG_LABEL_NONE);
        assert_non_null(strstr(said.reason, rows[i].reason));
        assert_true(isnan(said.points[0].mm));
        ag_arena_free(arena);
    }
    ag_legacy_free(legacy);
}

typedef struct attempt {
    const char *dir;
    const ag_hole *hole;
} attempt;

static int ask_once(void *context, ag_err *err)
{
    const attempt *a = context;
    ag_legacy *legacy = NULL;
    ag_prediction said;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_legacy_open(a->dir, NULL, NULL, &legacy, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_legacy_ask(legacy, &a->hole, 1, arena, NULL, &said, err);
    ag_legacy_free(legacy);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_legacy__every_allocation_and_file_may_fail)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_model_config config;
    ag_model *model = small_model(arena, 17, &config);
    attempt a = {.dir = ag_path_join(arena, ag_test_dir(), "faulty")};
    a.hole = make_hole(&(made){.entry = 5, .transition = 9.5, .exit = 14, .step_two = 900, .rows = 1200}, arena);
    AG_EXPECT_OK(ag_pretrained_save(a.dir, &config, model, &err));
    write_settings(a.dir, arena, &(ag_legacy_settings){.predrilled = true});
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, ask_once, NULL, &a) >= 1);
    ag_model_free(model);
    ag_arena_free(arena);
}
