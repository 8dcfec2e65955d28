// SPDX-License-Identifier: Apache-2.0
/* train_pulse.c: see train_pulse.h. */
#include "app/cli/train_pulse.h"

#include <pthread.h>

#include "core/base/mem.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "learn/monitor/lines.h"

#define BEAT (AG_SECOND / 4)
#define LOOK_EVERY (5 * AG_SECOND)

struct ag_train_pulse {
    ag_train_show *show;
    ag_record *record;
    ag_meter *meter;
    ag_cancel *stop;
    pthread_t thread;
    int64_t looks;
};

static void record_number(void *context, const char *name, double value)
{
    const ag_train_pulse *pulse = context;
    ag_record_metric(pulse->record, name, value, pulse->looks);
}

static void look(ag_train_pulse *pulse)
{
    ag_usage usage;
    ag_meter_read(pulse->meter, &usage);
    ag_train_show_usage(pulse->show, &usage);
    if (pulse->record) {
        ag_monitor_system_metrics(&usage, record_number, pulse);
        ag_record_flush(pulse->record);
    }
    pulse->looks++;
}

static void *run(void *context)
{
    ag_train_pulse *pulse = context;
    int64_t next = ag_monotonic() + AG_SECOND;
    ag_thread_name("auger-pulse");
    while (ag_cancel_sleep(pulse->stop, BEAT, NULL) >= 0) {
        int64_t now = ag_monotonic();
        ag_train_show_tick(pulse->show);
        if (now < next) continue;
        look(pulse);
        next = now + LOOK_EVERY;
    }
    look(pulse);
    return NULL;
}

ag_train_pulse *ag_train_pulse_start(ag_train_show *show, ag_record *record, const char *path)
{
    ag_train_pulse *pulse = ag_calloc(1, sizeof *pulse);
    if (!pulse) return NULL;
    pulse->show = show;
    pulse->record = record;
    if (ag_cancel_new(NULL, &pulse->stop, NULL) >= 0 && ag_meter_new(path, &pulse->meter, NULL) >= 0 &&
        pthread_create(&pulse->thread, NULL, run, pulse) == 0)
        return pulse;
    ag_meter_free(pulse->meter);
    ag_cancel_free(pulse->stop);
    ag_free(pulse);
    return NULL;
}

void ag_train_pulse_stop(ag_train_pulse *pulse)
{
    if (!pulse) return;
    ag_cancel_request(pulse->stop);
    (void)pthread_join(pulse->thread, NULL);
    ag_meter_free(pulse->meter);
    ag_cancel_free(pulse->stop);
    ag_free(pulse);
}
