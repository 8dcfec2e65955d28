// SPDX-License-Identifier: Apache-2.0
#pragma once
/* report.h: a training as one HTML page that needs nothing else: what came out, the curves of each training, remarks,
 * the machine, configuration, data and environment. A function of what it is given. */
#include "core/base/buf.h"
#include "core/doc/value.h"
#include "core/show/table.h"
#include "learn/monitor/monitor.h"
#include "ledger/ledger.h"

typedef struct ag_monitor_data { /* what was read */
    const char *name, *path, *digest, *context;
} ag_monitor_data;

/* All may be NULL or empty. */
typedef struct ag_monitor_about {
    const char *title, *subtitle;
    const char *outcome; /* in words: why it ended */
    ag_style style;      /* of the outcome */
    int64_t parameters;  /* of the model */
    const ag_value *configuration;
    const ag_monitor_data *data;
    size_t data_count;
    ag_pairs environment;
} ag_monitor_about;

int ag_monitor_report(const ag_monitor *monitor, int64_t at, const ag_monitor_about *about, ag_buf *out, ag_err *err);
