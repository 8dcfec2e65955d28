// SPDX-License-Identifier: Apache-2.0
#pragma once
/* usage.h: what the machine and this process use: processors, memory, disk, network, and NVIDIA GPUs when their driver
 * is there. Reading never fails: what cannot be found out is NaN. A meter is used by one thread at a time. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

enum { AG_USAGE_GPUS = 8 };

typedef struct ag_usage_gpu {
    double utilization; /* % of the time something ran */
    double memory_used, memory_total;
    double power, power_limit; /* W */
} ag_usage_gpu;

/* Bytes, unless said otherwise. Shares and network are since the reading before, or since the meter was made. */
typedef struct ag_usage {
    double cpu;         /* % of all processors, by everybody */
    double process_cpu; /* % of one processor, by this process: 400 is four of them */
    double memory_used, memory_total;
    double process_memory;
    double disk_used, disk_free;
    double received, sent; /* since the meter was made */
    size_t gpu_count;
    ag_usage_gpu gpus[AG_USAGE_GPUS];
} ag_usage;

typedef struct ag_meter ag_meter;

/* `path` is on the disk that is looked at; NULL: none. */
int ag_meter_new(const char *path, ag_meter **out, ag_err *err);
void ag_meter_free(ag_meter *meter); /* NULL is fine */
void ag_meter_read(ag_meter *meter, ag_usage *out);

/* ---- the pieces that read text, for their tests ---- */

typedef struct ag_usage_ticks {
    double busy, all;
} ag_usage_ticks;
ag_usage_ticks ag_usage_of_stat(ag_str stat);                             /* /proc/stat */
void ag_usage_of_meminfo(ag_str meminfo, double *used, double *total);    /* /proc/meminfo */
void ag_usage_of_network(ag_str network, double *received, double *sent); /* /proc/net/dev, without loopback */
double ag_usage_of_statm(ag_str statm, double page);                      /* /proc/self/statm: resident bytes */

/* ---- usage_gpu.c ---- */

typedef struct ag_gpus ag_gpus;
ag_gpus *ag_gpus_open(void); /* NULL: no driver, no GPU */
void ag_gpus_close(ag_gpus *gpus);
size_t ag_gpus_read(ag_gpus *gpus, ag_usage_gpu out[AG_USAGE_GPUS]); /* how many */
