// SPDX-License-Identifier: Apache-2.0
/* Lines for people and for programs, and the machine's numbers under MLflow's names. */
#include "learn/monitor/lines.h"

#include <string.h>

#include "frame/test.h"

#include "core/doc/json.h"
#include "learn/monitor/sample.h"

static ag_monitor monitor;
static ag_buf text;

static int64_t set_up(void)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_monitor_init(&monitor, 1000 * AG_SECOND, &err));
    ag_buf_init(&text, 1 << 20);
    return sample_folds(&monitor);
}

static void tear_down(void)
{
    ag_monitor_deinit(&monitor);
    ag_buf_deinit(&text);
}

static void expect(const char *wanted)
{
    assert_string_equal(ag_buf_str(&text).data, wanted);
    ag_buf_clear(&text);
}

AG_TEST(test_lines__for_people)
{
    int64_t at = set_up();
    ag_monitor_line_step(&monitor, at, 7, &text);
    expect("fold 8: epoch 4 of 10: 224 of 640 samples, loss 0.26, 320/s, about 1 min 41 s left for all");
    ag_train_epoch e = sample_epoch(7, 2);
    e.metrics_count = 1;
    e.metrics[0] = (ag_train_metric){"mae", 0.25};
    ag_monitor_line_epoch(&monitor, 7, &e, &text);
    expect("fold 8: epoch 3 of 10: train_loss 0.61881, val_loss 0.68069 (best), mae 0.25, rate 0.001, norm 0.5, 2 s");
    ag_monitor_line_resumed(&monitor, 0, 3, 60, &text);
    expect("fold 1: going on after step 60, 3 epochs done");
    ag_train_result result = {.epochs = 7, .best_epoch = 5, .best_metric = 0.5, .seconds = 61, .stopped_early = true};
    ag_monitor_line_done(&monitor, 1, &result, &text);
    expect("fold 2: 7 epochs in 1 min 01 s, stopped early; the best was epoch 6 with 0.5");
    result.best_epoch = -1;
    ag_monitor_line_done(&monitor, 1, &result, &text);
    expect("fold 2: 7 epochs in 1 min 01 s, stopped early");
    tear_down();
}

static void expect_json(const char *const *wanted)
{
    ag_err err = {0};
    const ag_value *tree;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &tree, &err));
    for (; *wanted; wanted++)
        if (!strstr(text.data, *wanted)) fail_msg("no %s in %s", *wanted, text.data);
    ag_arena_free(arena);
    ag_buf_clear(&text);
}
#define EXPECT_JSON(...) expect_json((const char *const[]){__VA_ARGS__, NULL})

AG_TEST(test_lines__for_programs)
{
    ag_err err = {0};
    int64_t at = set_up();
    AG_EXPECT_OK(ag_monitor_json_step(&monitor, at, 7, &text));
    EXPECT_JSON("\"event\":\"step\"", "\"training\":\"fold 8\"", "\"epoch\":4", "\"trainings_done\":5",
                "\"remaining_all\":");
    ag_train_epoch e = sample_epoch(7, 2);
    AG_EXPECT_OK(ag_monitor_json_epoch(&monitor, 7, &e, &text));
    EXPECT_JSON("\"event\":\"epoch\"", "\"val_loss\":0.68", "\"best\":true", "\"epochs\":10");
    e.val_loss = NAN;
    e.train_loss = NAN;
    AG_EXPECT_OK(ag_monitor_json_epoch(&monitor, 7, &e, &text));
    EXPECT_JSON("\"train_loss\":null", "\"gradient_norm\"");
    AG_EXPECT_OK(ag_monitor_json_phase("validation", &text));
    EXPECT_JSON("{\"event\":\"phase\",\"phase\":\"validation\"}");
    AG_EXPECT_OK(ag_monitor_json_resumed(&monitor, 0, 3, 60, &text));
    EXPECT_JSON("\"event\":\"resumed\"", "\"epochs\":3", "\"step\":60");
    ag_train_result result = {.epochs = 7, .best_epoch = 5, .best_metric = 0.5};
    AG_EXPECT_OK(ag_monitor_json_done(&monitor, 1, &result, &text));
    EXPECT_JSON("\"event\":\"trained\"", "\"best_epoch\":6");
    ag_progress_state work = {.what = "files", .done = 3, .total = 4, .remaining = 2 * AG_SECOND};
    ag_monitor_phase(&monitor, "data");
    ag_monitor_work(&monitor, &work);
    AG_EXPECT_OK(ag_monitor_json_work(&monitor, &text));
    EXPECT_JSON("\"event\":\"progress\"", "\"phase\":\"data\"", "\"what\":\"files\"", "\"remaining\":2.0");
    ag_monitor_tick(&monitor, at + 100 * AG_SECOND);
    const ag_monitor_remark *remark = ag_monitor_next_remark(&monitor);
    AG_EXPECT_OK(ag_monitor_json_remark(&monitor, remark, &text));
    EXPECT_JSON("\"event\":\"alarm\"", "\"kind\":\"stalled\"", "\"training\":\"fold 6\"");
    ag_monitor_note(&monitor, at, "a \"remark\"");
    while ((remark = ag_monitor_next_remark(&monitor)) && remark->alarm) continue;
    AG_EXPECT_OK(ag_monitor_json_remark(&monitor, remark, &text));
    EXPECT_JSON("{\"event\":\"remark\",\"text\":\"a \\\"remark\\\"\"}");
    AG_EXPECT_OK(ag_monitor_json_usage(&monitor, &text));
    EXPECT_JSON("\"event\":\"system\"", "\"cpu_utilization_percentage\":97.0", "\"process_memory_bytes\":612");
    tear_down();
}

typedef struct told {
    int count;
    double cpu, power;
} told;

static void tell(void *context, const char *name, double value)
{
    told *t = context;
    t->count++;
    assert_int_equal(strncmp(name, "system/", 7), 0);
    if (strcmp(name, "system/cpu_utilization_percentage") == 0) t->cpu = value;
    if (strcmp(name, "system/gpu_1_power_usage_percentage") == 0) t->power = value;
}

AG_TEST(test_lines__the_machine_under_the_names_of_mlflow)
{
    told t = {0};
    ag_usage usage = {
        .cpu = 12.5,
        .memory_used = 1e9,
        .memory_total = 4e9,
        .disk_used = NAN,
        .disk_free = NAN,
        .gpu_count = 2,
        .gpus = {{.memory_used = NAN, .memory_total = NAN, .power = NAN},
                 {.utilization = 50, .power = 100, .power_limit = 400, .memory_used = 1e9, .memory_total = 8e9}}};
    ag_monitor_system_metrics(&usage, tell, &t);
    assert_true(t.cpu == 12.5 && t.power == 25.0);
    assert_int_equal(t.count, 1 + 2 + 2 + 1 + 5); /* what is not known is left out */
}
