// SPDX-License-Identifier: Apache-2.0
#pragma once
/* cpu.h: the device that is always there. */
#include "learn/nn/device.h"

extern const ag_device ag_device_cpu;
