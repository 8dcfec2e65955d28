// SPDX-License-Identifier: Apache-2.0
/* cpu.c: the processors that this process may really use: what its affinity allows, and no more than the quota of its
 * control group and of each group above it (a container with "2 CPUs" on a host of 64 must not start 64 threads).
 * Reads anew on every call; nobody asks often, and a quota can change. The files are optional: what cannot be read
 * limits nothing, so a failure here is never reported. Control groups of version 1 are read at their usual mount. */
#include "core/sys/cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/sys/thread.h"

#define MAX_CPUS 65536

unsigned ag_cpu_quota(ag_str cpu_max)
{
    ag_str rest = ag_str_trim(cpu_max), quota = {0}, period = {0};
    int64_t granted, of;
    if (!ag_str_next(&rest, ' ', &quota) || !rest.data || !ag_str_next(&rest, ' ', &period)) return 0;
    if (!ag_str_to_int(quota, &granted) || !ag_str_to_int(period, &of) || granted <= 0 || of <= 0) return 0;
    int64_t count = granted / of + (granted % of != 0);
    return count > MAX_CPUS ? MAX_CPUS : (unsigned)count;
}

ag_str ag_cpu_group(ag_str text)
{
    ag_str line;
    while (text.data && ag_str_next(&text, '\n', &line))
        if (ag_str_starts(line, AG_STR("0::/"))) return ag_str_slice(line, 3, SIZE_MAX);
    return AG_STR("");
}

/* A small file of the kernel's; empty when it cannot be read. */
static ag_str read_small(const char *path, char *into, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return AG_STR("");
    ssize_t got = read(fd, into, size);
    close(fd);
    return got > 0 ? (ag_str){into, (size_t)got} : AG_STR("");
}

static void lower(unsigned *count, unsigned limit)
{
    if (limit > 0 && limit < *count) *count = limit;
}

/* Version 2: cpu.max of the process's group and of every group above it. */
static void limit_by_groups(unsigned *count)
{
    char text[4096], path[4096 + 64], value[128];
    ag_str group = ag_cpu_group(read_small("/proc/self/cgroup", text, sizeof(text)));
    while (group.size > 0) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/cpu.max", AG_STR_ARG(group));
        lower(count, ag_cpu_quota(read_small(path, value, sizeof(value))));
        while (group.size > 0 && group.data[--group.size] != '/') continue;
    }
    /* Inside a container the group's own files usually lie at the mount itself. */
    lower(count, ag_cpu_quota(read_small("/sys/fs/cgroup/cpu.max", value, sizeof(value))));
}

static void limit_by_old_groups(unsigned *count)
{
    char quota[64], period[64], both[160];
    ag_str of = ag_str_trim(read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof(period)));
    ag_str granted = ag_str_trim(read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota)));
    snprintf(both, sizeof(both), "%.*s %.*s", AG_STR_ARG(granted), AG_STR_ARG(of));
    lower(count, ag_cpu_quota(ag_str_of(both)));
}

static unsigned count_by_affinity(void)
{
    cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
    int count = 0;
    if (set && sched_getaffinity(0, CPU_ALLOC_SIZE(MAX_CPUS), set) == 0)
        count = CPU_COUNT_S(CPU_ALLOC_SIZE(MAX_CPUS), set);
    if (set) CPU_FREE(set);
    if (count < 1) count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

unsigned ag_cpu_count(void)
{
    uint64_t wanted;
    if (ag_str_to_uint(ag_str_of(getenv("AUGER_THREADS")), &wanted) && wanted >= 1 && wanted <= 4096)
        return (unsigned)wanted;
    unsigned count = count_by_affinity();
    limit_by_groups(&count);
    limit_by_old_groups(&count);
    return count;
}
