// SPDX-License-Identifier: Apache-2.0
/* What the machine uses, from texts of the kernel and from this machine. */
#include "core/sys/usage.h"

#include <math.h>
#include <time.h>

#include "frame/test.h"

#include "core/sys/clock.h"

AG_TEST(test_usage__reads_the_kernels_texts)
{
    ag_usage_ticks ticks = ag_usage_of_stat(AG_STR("cpu  100 5 20 800 50 1 4 20 7 0\ncpu0 1 2 3\n"));
    assert_true(ticks.all == 1000 && ticks.busy == 150);
    double used, total, in, out;
    ag_usage_of_meminfo(AG_STR("MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:    400 kB\n"), &used, &total);
    assert_true(total == 1024000 && used == 600 * 1024);
    ag_usage_of_network(AG_STR("Inter-|   Receive\n face |bytes\n    lo: 9 0 0 0 0 0 0 0 9 0\n"
                               "  eth0:  100 1 0 0 0 0 0 0 30 1 0\n wlan0: 1 0 0 0 0 0 0 0 2 0 0\n"),
                        &in, &out);
    assert_true(in == 101 && out == 32);
    assert_true(ag_usage_of_statm(AG_STR("500 25 3 1 0 2 0\n"), 4096) == 25 * 4096);
}

AG_TEST(test_usage__what_is_no_such_text_is_not_known)
{
    const ag_str texts[] = {{0}, AG_STR(""), AG_STR("cpu"), AG_STR("cpu  x y z\n"), AG_STR("\n\n"), AG_STR("a:b:c\n:")};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double used, total, in, out;
        assert_true(isnan(ag_usage_of_stat(texts[i]).all));
        ag_usage_of_meminfo(texts[i], &used, &total);
        assert_true(isnan(used) && isnan(total));
        ag_usage_of_network(texts[i], &in, &out);
        assert_true(in == 0 && out == 0);
        assert_true(isnan(ag_usage_of_statm(texts[i], 4096)));
    }
}

AG_TEST(test_usage__of_this_machine)
{
    ag_err err = {0};
    ag_meter *meter = NULL;
    ag_usage usage;
    AG_EXPECT_OK(ag_meter_new(".", &meter, &err));
    double sum = 0; /* work counts, not time, in which others may have had the processor */
    for (clock_t begun = clock(); clock() - begun < CLOCKS_PER_SEC / 20;) sum += sin(sum + 1);
    ag_meter_read(meter, &usage);
    assert_true(isfinite(sum));
    assert_true(usage.process_cpu > 0 && usage.process_memory > 0);
    assert_true(usage.memory_used > 0 && usage.memory_used < usage.memory_total);
    assert_true(usage.disk_free > 0 && usage.received >= 0 && usage.sent >= 0);
    for (size_t i = 0; i < usage.gpu_count; i++) assert_true(usage.gpus[i].memory_total > 0);
    ag_meter_free(meter);
    ag_meter_free(NULL);
    AG_EXPECT_OK(ag_meter_new("/does/not/exist", &meter, &err));
    ag_meter_read(meter, &usage);
    assert_true(isnan(usage.disk_free));
    ag_meter_free(meter);
}
