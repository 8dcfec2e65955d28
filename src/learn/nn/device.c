// SPDX-License-Identifier: Apache-2.0
/* device.c: the list of devices, best first. */
#include "learn/nn/device.h"

#include <string.h>

#include "learn/nn/devices/cpu.h"

static const ag_device *const devices[] = {
    &ag_device_cpu,
};

const ag_device *const *ag_device_all(size_t *count)
{
    *count = sizeof devices / sizeof *devices;
    return devices;
}

int ag_device_find(const char *name, const ag_device **out, ag_err *err)
{
    bool any = !name || strcmp(name, "auto") == 0;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        if (!any && strcmp(name, devices[i]->name) != 0) continue;
        int rc = devices[i]->probe(any ? NULL : err);
        if (rc < 0 && any) continue;
        if (rc < 0) return rc;
        *out = devices[i];
        return 0;
    }
    return ag_fail(err, AG_ENOTFOUND, "there is no device '%s'; this build has: auto, %s", name ? name : "auto",
                   devices[0]->name);
}
