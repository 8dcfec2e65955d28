// SPDX-License-Identifier: Apache-2.0
/* Time zone files: whatever is accepted must answer for any instant. */
#include <stddef.h>
#include <stdint.h>

#include "core/sys/zone_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t instants[] = {INT64_MIN,        -62135596800000000, -1,       0,
                                       1795253400000000, 32503680000000000,  INT64_MAX};
    ag_zone *zone = NULL;
    ag_err err = {0};
    ag_zone_rule rule;
    ag_zone_rule_parse((ag_str){(const char *)data, size}, &rule, &err);
    if (ag_zone_parse(data, size, &zone, &err) < 0) return 0;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        ag_date date = ag_zone_date(zone, instants[i]);
        ag_zone_instant(zone, &date);
    }
    ag_zone_free(zone);
    return 0;
}
