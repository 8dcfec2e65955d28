// SPDX-License-Identifier: Apache-2.0
/* machine.c: checks of the machine and of how the process was started. They read, and change nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "app/cli/doctor/check.h"
#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "core/sys/term.h"
#include "core/sys/thread.h"

static const char *instruction_sets(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) return "x86-64 with AVX-512";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "x86-64 with AVX2";
    return "x86-64 without AVX2";
#elif defined(__aarch64__)
    return "arm64 with NEON";
#else
    return "an architecture without fast kernels";
#endif
}

static int check_processors(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    (void)err;
    unsigned count = ag_cpu_count();
    ag_finding_set(out, AG_CHECK_OK, "%u usable, %s", count, instruction_sets());
    return AG_OK;
}

const ag_check ag_check_processors = {
    .name = "processors",
    .room = "machine",
    .doc = "processors that this process may use, and the instruction sets that fast kernels can choose from",
    .run = check_processors,
};

/* The number behind "Name:" in /proc/meminfo, in bytes; 0 when it is not there. */
static uint64_t memory_field(ag_str text, const char *name)
{
    size_t at = ag_str_find(text, ag_str_of(name), 0);
    if (at == SIZE_MAX) return 0;
    ag_str rest = ag_str_slice(text, at + strlen(name), 64);
    size_t end = ag_str_find(rest, AG_STR("kB"), 0);
    uint64_t kilobytes = 0;
    if (end == SIZE_MAX || !ag_str_to_uint(ag_str_trim(ag_str_slice(rest, 0, end)), &kilobytes)) return 0;
    return kilobytes * 1024;
}

/* The limit of the control group that a container lives in; UINT64_MAX when there is none. */
static uint64_t group_limit(void)
{
    ag_buf text;
    ag_buf_init(&text, 256);
    uint64_t limit = UINT64_MAX;
    if (ag_file_read("/sys/fs/cgroup/memory.max", 256, &text, NULL) == AG_OK &&
        !ag_str_to_uint(ag_str_trim(ag_buf_str(&text)), &limit))
        limit = UINT64_MAX;
    ag_buf_deinit(&text);
    return limit;
}

static int check_memory(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    ag_buf text;
    ag_buf_init(&text, 65536);
    int rc = ag_file_read("/proc/meminfo", 65536, &text, err);
    if (rc == AG_OK) {
        double giga = 1024.0 * 1024 * 1024;
        uint64_t total = memory_field(ag_buf_str(&text), "MemTotal:");
        uint64_t available = memory_field(ag_buf_str(&text), "MemAvailable:");
        uint64_t limit = group_limit();
        if (limit < total) total = limit;
        if (limit < available) available = limit;
        bool low = available < ((uint64_t)512 << 20);
        ag_finding_set(out, low ? AG_CHECK_WARN : AG_CHECK_OK, "%.1f GiB available of %.1f GiB",
                       (double)available / giga, (double)total / giga);
        if (low) ag_finding_advise(out, "close other programs or give the container more memory before training");
    }
    ag_buf_deinit(&text);
    return rc;
}

const ag_check ag_check_memory = {
    .name = "memory",
    .room = "machine",
    .doc = "memory that is free for models and data",
    .run = check_memory,
};

static int check_descriptors(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return ag_fail(err, AG_EIO, "cannot read the limit of open files");
    bool low = limit.rlim_cur < 1024;
    ag_finding_set(out, low ? AG_CHECK_WARN : AG_CHECK_OK, "up to %llu open files", (unsigned long long)limit.rlim_cur);
    if (low) ag_finding_advise(out, "run 'ulimit -n 4096' in this shell, or raise LimitNOFILE of the service");
    return AG_OK;
}

const ag_check ag_check_descriptors = {
    .name = "descriptors",
    .room = "machine",
    .doc = "how many files and connections may be open at once",
    .run = check_descriptors,
};

static int check_clock(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    (void)err;
    struct timespec now;
    struct tm date;
    char text[64] = "unreadable";
    /* Not ag_now(): that one can be pinned for reproducible results, this asks the machine. */
    bool read = clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &date);
    if (read) strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &date);
    bool sane = read && date.tm_year + 1900 >= 2025 && date.tm_year + 1900 < 2100;
    const char *pinned = getenv("AUGER_NOW");
    int64_t instant;
    bool readable = pinned && ag_instant_parse(ag_str_of(pinned), &instant, NULL) == AG_OK;
    ag_finding_set(out, sane && (!pinned || readable) ? AG_CHECK_OK : AG_CHECK_WARN, "%s%s%.40s%s", text,
                   pinned ? ", $AUGER_NOW is '" : "", pinned ? pinned : "", pinned ? "'" : "");
    if (!sane)
        ag_finding_advise(out, "set the clock ('timedatectl set-ntp true'): times of runs would be wrong");
    else if (pinned && !readable)
        ag_finding_advise(out, "write $AUGER_NOW as 2026-11-21T09:30:00Z, or unset it: as it is, it is not used");
    return AG_OK;
}

const ag_check ag_check_clock = {
    .name = "clock",
    .room = "machine",
    .doc = "the date, which every record carries and signatures and certificates depend on",
    .run = check_clock,
};

static int check_locale(const ag_check *self, ag_doctor *doctor, ag_finding *out, ag_err *err)
{
    (void)self;
    (void)doctor;
    (void)err;
    const char *value = ag_term_locale();
    bool utf8 = ag_term_locale_is_utf8(value);
    ag_finding_set(out, utf8 ? AG_CHECK_OK : AG_CHECK_WARN, "%s", value);
    if (!utf8) ag_finding_advise(out, "run 'export LC_ALL=C.UTF-8': plots in the terminal are drawn with UTF-8");
    return AG_OK;
}

const ag_check ag_check_locale = {
    .name = "locale",
    .room = "machine",
    .doc = "whether the terminal is told to show UTF-8; no number or sorting depends on the locale",
    .run = check_locale,
};
