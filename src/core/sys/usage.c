// SPDX-License-Identifier: Apache-2.0
/* usage.c: see usage.h. Everything comes from /proc, statvfs and getrusage; where there is no /proc, the numbers are
 * NaN. The files are small and read whole each time. */
#include "core/sys/usage.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

enum { MAX_TEXT = 1 << 20 };

struct ag_meter {
    char *path;
    ag_buf text;
    ag_usage_ticks ticks;
    double processor; /* seconds that this process has used */
    int64_t at;
    double received, sent; /* when the meter was made */
    ag_gpus *gpus;
};

/* ---- text ---- */

/* The next word of *rest; empty at the end. */
static ag_str next_word(ag_str *rest)
{
    while (rest->size && (*rest->data == ' ' || *rest->data == '\t')) *rest = ag_str_slice(*rest, 1, SIZE_MAX);
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t') size++;
    ag_str word = ag_str_slice(*rest, 0, size);
    *rest = ag_str_slice(*rest, size, SIZE_MAX);
    return word;
}

static double number_of(ag_str word)
{
    double value;
    return ag_str_to_double(word, &value) ? value : NAN;
}

ag_usage_ticks ag_usage_of_stat(ag_str stat)
{
    enum { IDLE = 3, WAIT = 4, STEAL = 7 };
    ag_usage_ticks ticks = {NAN, NAN};
    ag_str line;
    if (!stat.data || !ag_str_next(&stat, '\n', &line) || !ag_str_is(next_word(&line), "cpu")) return ticks;
    double all = 0.0, idle = 0.0;
    for (int i = 0; i <= STEAL; i++) { /* guest time is counted in user time already */
        double value = number_of(next_word(&line));
        if (isnan(value)) break;
        all += value;
        if (i == IDLE || i == WAIT) idle += value;
    }
    return all > 0.0 ? (ag_usage_ticks){all - idle, all} : ticks;
}

void ag_usage_of_meminfo(ag_str meminfo, double *used, double *total)
{
    ag_str line;
    double available = NAN;
    *total = NAN;
    while (meminfo.data && ag_str_next(&meminfo, '\n', &line)) {
        ag_str name = next_word(&line);
        if (ag_str_is(name, "MemTotal:")) *total = number_of(next_word(&line)) * 1024.0;
        if (ag_str_is(name, "MemAvailable:")) available = number_of(next_word(&line)) * 1024.0;
    }
    *used = *total - available;
}

void ag_usage_of_network(ag_str network, double *received, double *sent)
{
    ag_str line;
    *received = *sent = 0.0;
    while (network.data && ag_str_next(&network, '\n', &line)) {
        size_t colon = ag_str_find_char(line, ':', 0);
        if (colon == SIZE_MAX || ag_str_is(ag_str_trim(ag_str_slice(line, 0, colon)), "lo")) continue;
        ag_str numbers = ag_str_slice(line, colon + 1, SIZE_MAX);
        double in = number_of(next_word(&numbers)), out = NAN;
        for (int i = 1; i <= 8; i++) out = number_of(next_word(&numbers)); /* the ninth */
        if (isnan(in) || isnan(out)) continue;
        *received += in;
        *sent += out;
    }
}

double ag_usage_of_statm(ag_str statm, double page)
{
    (void)next_word(&statm);
    return number_of(ag_str_trim(next_word(&statm))) * page;
}

/* ---- reading ---- */

static ag_str read_proc(ag_meter *meter, const char *path)
{
    ag_buf_clear(&meter->text);
    if (ag_file_read(path, MAX_TEXT, &meter->text, NULL) < 0) return (ag_str){0};
    return ag_buf_str(&meter->text);
}

static double processor_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return NAN;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void read_processors(ag_meter *meter, ag_usage *out)
{
    int64_t now = ag_monotonic();
    ag_usage_ticks ticks = ag_usage_of_stat(read_proc(meter, "/proc/stat"));
    double seconds = processor_seconds(), all = ticks.all - meter->ticks.all;
    out->cpu = all > 0.0 ? 100.0 * (ticks.busy - meter->ticks.busy) / all : NAN;
    out->process_cpu = now > meter->at ? 100.0 * (seconds - meter->processor) * 1e6 / (double)(now - meter->at) : NAN;
    meter->ticks = ticks;
    meter->processor = seconds;
    meter->at = now;
}

static void read_disk(const ag_meter *meter, ag_usage *out)
{
    struct statvfs disk;
    out->disk_used = out->disk_free = NAN;
    if (!meter->path || statvfs(meter->path, &disk) != 0) return;
    double block = (double)disk.f_frsize;
    out->disk_used = (double)(disk.f_blocks - disk.f_bfree) * block;
    out->disk_free = (double)disk.f_bavail * block;
}

void ag_meter_read(ag_meter *meter, ag_usage *out)
{
    *out = (ag_usage){0};
    read_processors(meter, out);
    ag_usage_of_meminfo(read_proc(meter, "/proc/meminfo"), &out->memory_used, &out->memory_total);
    out->process_memory = ag_usage_of_statm(read_proc(meter, "/proc/self/statm"), (double)sysconf(_SC_PAGESIZE));
    read_disk(meter, out);
    ag_usage_of_network(read_proc(meter, "/proc/net/dev"), &out->received, &out->sent);
    out->received -= meter->received;
    out->sent -= meter->sent;
    out->gpu_count = ag_gpus_read(meter->gpus, out->gpus);
}

int ag_meter_new(const char *path, ag_meter **out, ag_err *err)
{
    ag_meter *meter = ag_calloc(1, sizeof *meter);
    if (!meter) return ag_fail_memory(err, sizeof *meter);
    ag_buf_init(&meter->text, MAX_TEXT);
    size_t size = path ? strlen(path) + 1 : 0;
    if (path && !(meter->path = ag_alloc(size))) {
        ag_meter_free(meter);
        return ag_fail_memory(err, size);
    }
    if (path) memcpy(meter->path, path, size);
    meter->ticks = ag_usage_of_stat(read_proc(meter, "/proc/stat"));
    meter->processor = processor_seconds();
    meter->at = ag_monotonic();
    ag_usage_of_network(read_proc(meter, "/proc/net/dev"), &meter->received, &meter->sent);
    meter->gpus = ag_gpus_open();
    *out = meter;
    return 0;
}

void ag_meter_free(ag_meter *meter)
{
    if (!meter) return;
    ag_gpus_close(meter->gpus);
    ag_buf_deinit(&meter->text);
    ag_free(meter->path);
    ag_free(meter);
}
