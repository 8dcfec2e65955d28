// SPDX-License-Identifier: Apache-2.0
#pragma once
/* asker.h: one model or many asked about holes. */
#include "core/sys/cancel.h"
#include "core/sys/thread.h"
#include "learn/drilling/heat.h"
#include "learn/nn/device.h"
#include "learn/nn/model.h"

typedef enum ag_fusion { AG_FUSE_MEAN, AG_FUSE_MEDIAN } ag_fusion;
extern const char *const ag_fusion_names[]; /* ended by NULL */

/* Windows and models are fused. What is pointed to outlives the asker. */
typedef struct ag_asking {
    const ag_view *view;
    ag_model *const *models; /* graphs without a loss will do */
    const double *weights;   /* NULL: all alike */
    size_t model_count;
    int fusion; /* ag_fusion: of maps (mean), or of depths (median) */
    const ag_device *device;
    ag_pool *pool;
    ag_cancel *cancel; /* of ag_drilling_ask(); may be NULL */
} ag_asking;

/* True where no model is asked: air, and what cannot be used. Its reading stays as it is. */
bool ag_drilled_silent(const ag_drilled *hole);

/* readings[count] side by side with the holes. */
int ag_drilling_ask(const ag_asking *asking, const ag_drilled *const *holes, size_t count, ag_reading *readings,
                    ag_err *err);

/* The same for who asks again and again: nothing but a little work space is allocated behind ag_asker_new(). `most`:
 * windows of a run. An asker is used by one thread at a time. */
typedef struct ag_asker ag_asker;
enum { AG_ASKER_WINDOWS = 64 };
int ag_asker_new(const ag_asking *asking, int64_t most, ag_asker **out, ag_err *err);
void ag_asker_free(ag_asker *asker); /* NULL is fine */
int ag_asker_ask(ag_asker *asker, const ag_drilled *const *holes, size_t count, ag_cancel *cancel, ag_reading *readings,
                 ag_err *err);
