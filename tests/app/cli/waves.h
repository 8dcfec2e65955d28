// SPDX-License-Identifier: Apache-2.0
#pragma once
/* waves.h: a series for tests of forecasting: hours of two waves with noise, as CSV. A row without a number leaves the
 * others as they are. */
#include <math.h>

#include "core/base/buf.h"
#include "core/base/rng.h"
#include "core/io/file.h"
#include "frame/test.h"

typedef struct waves {
    int rows, hole, swapped; /* -1: none; the row without a number, the row with the time of the one before */
    const char *head;        /* NULL: "date,fast,slow" */
} waves;

static inline void write_waves(const char *path, waves w)
{
    ag_err err = {0};
    ag_buf text;
    ag_rng rng = ag_rng_stream(4, "waves");
    ag_buf_init(&text, 1 << 20);
    ag_buf_addf(&text, "%s\n", w.head ? w.head : "date,fast,slow");
    for (int i = 0; i < w.rows; i++) {
        int hour = i == w.swapped ? i - 1 : i;
        ag_buf_addf(&text, "2020-01-%02d %02d:00:00,", 1 + hour / 24, hour % 24);
        double noise = ag_rng_normal(&rng);
        if (i != w.hole) ag_buf_addf(&text, "%.4f", sin(i * 0.9) + 0.05 * noise);
        ag_buf_addf(&text, ",%.4f\n", 5 + 3 * cos(i * 0.25) + 0.05 * ag_rng_normal(&rng));
    }
    AG_EXPECT_OK(ag_buf_check(&text, "waves", &err));
    AG_EXPECT_OK(ag_file_replace(path, text.data, text.size, &err));
    ag_buf_deinit(&text);
}
