// SPDX-License-Identifier: Apache-2.0
/* usage_gpu.c: NVIDIA GPUs through the driver's own library (NVML), loaded when it is there; no program is started. The
 * declarations are those of its stable interface. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/sys/usage.h"

typedef struct nvml_utilization { /* % */
    unsigned gpu, memory;
} nvml_utilization;

typedef struct nvml_memory {
    unsigned long long total, free, used;
} nvml_memory;

typedef void *nvml_device;

struct ag_gpus {
    void *library;
    int (*shutdown)(void);
    int (*utilization)(nvml_device device, nvml_utilization *out);
    int (*memory)(nvml_device device, nvml_memory *out);
    int (*power)(nvml_device device, unsigned *milliwatts);
    int (*power_limit)(nvml_device device, unsigned *milliwatts);
    size_t count;
    nvml_device devices[AG_USAGE_GPUS];
};

/* A function of the library into a pointer to one: copied, since ISO C does not convert the one into the other. */
static bool find(void *library, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(library, name);
    if (symbol && size == sizeof symbol) memcpy(function, &symbol, size);
    return symbol && size == sizeof symbol;
}
#define FIND(library, name, function) find((library), (name), &(function), sizeof(function))

static bool find_devices(ag_gpus *gpus)
{
    unsigned count = 0;
    int (*count_them)(unsigned *count) = NULL;
    int (*handle)(unsigned index, nvml_device *out) = NULL;
    if (!FIND(gpus->library, "nvmlDeviceGetCount_v2", count_them)) return false;
    if (!FIND(gpus->library, "nvmlDeviceGetHandleByIndex_v2", handle) || count_them(&count) != 0) return false;
    for (unsigned i = 0; i < count && gpus->count < AG_USAGE_GPUS; i++)
        if (handle(i, &gpus->devices[gpus->count]) == 0) gpus->count++;
    return gpus->count > 0;
}

ag_gpus *ag_gpus_open(void)
{
    int (*begin)(void) = NULL;
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return NULL;
    ag_gpus *gpus = ag_calloc(1, sizeof *gpus);
    if (!gpus || !FIND(library, "nvmlInit_v2", begin) || begin() != 0) {
        ag_free(gpus);
        (void)dlclose(library);
        return NULL;
    }
    gpus->library = library;
    (void)FIND(library, "nvmlShutdown", gpus->shutdown);
    (void)FIND(library, "nvmlDeviceGetUtilizationRates", gpus->utilization);
    (void)FIND(library, "nvmlDeviceGetMemoryInfo", gpus->memory);
    (void)FIND(library, "nvmlDeviceGetPowerUsage", gpus->power);
    (void)FIND(library, "nvmlDeviceGetEnforcedPowerLimit", gpus->power_limit);
    if (find_devices(gpus)) return gpus;
    ag_gpus_close(gpus);
    return NULL;
}

void ag_gpus_close(ag_gpus *gpus)
{
    if (!gpus) return;
    if (gpus->shutdown) (void)gpus->shutdown();
    (void)dlclose(gpus->library);
    ag_free(gpus);
}

size_t ag_gpus_read(ag_gpus *gpus, ag_usage_gpu out[AG_USAGE_GPUS])
{
    if (!gpus) return 0;
    for (size_t i = 0; i < gpus->count; i++) {
        nvml_utilization busy;
        nvml_memory memory;
        unsigned milliwatts;
        out[i] = (ag_usage_gpu){NAN, NAN, NAN, NAN, NAN};
        if (gpus->utilization && gpus->utilization(gpus->devices[i], &busy) == 0) out[i].utilization = busy.gpu;
        if (gpus->memory && gpus->memory(gpus->devices[i], &memory) == 0) {
            out[i].memory_used = (double)memory.used;
            out[i].memory_total = (double)memory.total;
        }
        if (gpus->power && gpus->power(gpus->devices[i], &milliwatts) == 0) out[i].power = milliwatts / 1000.0;
        if (gpus->power_limit && gpus->power_limit(gpus->devices[i], &milliwatts) == 0)
            out[i].power_limit = milliwatts / 1000.0;
    }
    return gpus->count;
}
