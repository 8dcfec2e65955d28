// SPDX-License-Identifier: Apache-2.0
#pragma once
/* lines.h: what happens to a monitor, as one line of text for people, or as one JSON object for programs. Each appends
 * without a line end. JSON: {"event":"step","training":"fold 3",...}. */
#include "core/base/buf.h"
#include "learn/monitor/monitor.h"

void ag_monitor_line_step(const ag_monitor *monitor, int64_t at, int64_t index, ag_buf *out);
void ag_monitor_line_epoch(const ag_monitor *monitor, int64_t index, const ag_train_epoch *epoch, ag_buf *out);
void ag_monitor_line_resumed(const ag_monitor *monitor, int64_t index, size_t epochs, int64_t step, ag_buf *out);
void ag_monitor_line_done(const ag_monitor *monitor, int64_t index, const ag_train_result *result, ag_buf *out);

int ag_monitor_json_phase(const char *phase, ag_buf *out);
int ag_monitor_json_work(const ag_monitor *monitor, ag_buf *out);
int ag_monitor_json_remark(const ag_monitor *monitor, const ag_monitor_remark *remark, ag_buf *out);
int ag_monitor_json_step(const ag_monitor *monitor, int64_t at, int64_t index, ag_buf *out);
int ag_monitor_json_epoch(const ag_monitor *monitor, int64_t index, const ag_train_epoch *epoch, ag_buf *out);
int ag_monitor_json_resumed(const ag_monitor *monitor, int64_t index, size_t epochs, int64_t step, ag_buf *out);
int ag_monitor_json_done(const ag_monitor *monitor, int64_t index, const ag_train_result *result, ag_buf *out);
int ag_monitor_json_usage(const ag_monitor *monitor, ag_buf *out);

/* Names and values of the machine as MLflow's client logs them: "system/cpu_utilization_percentage". What is not known
 * is left out. */
typedef void (*ag_monitor_metric_fn)(void *context, const char *name, double value);
void ag_monitor_system_metrics(const ag_usage *usage, ag_monitor_metric_fn visit, void *context);
