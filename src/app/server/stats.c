// SPDX-License-Identifier: Apache-2.0
/* stats.c: counters per route and status, a histogram of times per route. Labels come from the route table only, never
 * from a request, so their number is bounded. Rows that were never asked are not printed. */
#include "app/server/stats.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/version.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

static const int statuses[] = {200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 400, 401, 403, 404, 405, 408, 409, 411,
                               412, 413, 414, 415, 416, 417, 422, 429, 431, 499, 500, 501, 502, 503, 504, 505, 507, 0};
enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };
static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
enum { BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

typedef struct cell {
    atomic_uint_fast64_t by_status[STATUSES];
    atomic_uint_fast64_t by_time[BOUNDS + 1];
    atomic_uint_fast64_t microseconds;
} cell;

struct ag_stats {
    const ag_router *router;
    int64_t started;
    atomic_uint_fast64_t received, sent;
    atomic_int_fast64_t in_flight;
    size_t count;
    cell cells[]; /* per row, and one for requests without a route */
};

int ag_stats_new(const ag_router *router, ag_stats **out, ag_err *err)
{
    size_t count = ag_router_count(router) + 1, size = sizeof(ag_stats) + count * sizeof(cell);
    ag_stats *stats = ag_calloc(1, size);
    if (!stats) return ag_fail_memory(err, size);
    stats->router = router;
    stats->count = count;
    stats->started = ag_now();
    *out = stats;
    return AG_OK;
}

void ag_stats_free(ag_stats *stats)
{
    ag_free(stats);
}

static void add(atomic_uint_fast64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static uint64_t look(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void ag_stats_begin(ag_stats *stats)
{
    atomic_fetch_add_explicit(&stats->in_flight, 1, memory_order_relaxed);
}

void ag_stats_end(ag_stats *stats, const ag_route_row *row, ag_method method, int status, int64_t took,
                  uint64_t received, uint64_t sent)
{
    (void)method;
    cell *one = &stats->cells[row ? row->index : stats->count - 1];
    size_t kind = 0, bucket = 0;
    while (kind < STATUSES - 1 && statuses[kind] != status) kind++;
    while (bucket < BOUNDS && (double)took > bounds[bucket] * 1e6) bucket++;
    add(&one->by_status[kind], 1);
    add(&one->by_time[bucket], 1);
    add(&one->microseconds, took > 0 ? (uint64_t)took : 0);
    add(&stats->received, received);
    add(&stats->sent, sent);
    atomic_fetch_sub_explicit(&stats->in_flight, 1, memory_order_relaxed);
}

/* ---- printing ---- */

static void begin(ag_buf *out, const char *name, const char *type, const char *help)
{
    ag_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one_value(ag_buf *out, const char *name, const char *type, const char *help, double value)
{
    char text[32];
    ag_double_format(value, text);
    begin(out, name, type, help);
    ag_buf_addf(out, "%s %s\n", name, text);
}

static void add_labels(ag_buf *out, const ag_stats *stats, size_t index)
{
    const ag_route_row *row = ag_router_row(stats->router, index);
    ag_buf_addf(out, "method=\"%s\",route=\"%s\"", row ? ag_method_name(row->route->method) : "",
                row ? row->label : "");
}

static uint64_t requests_of(const cell *one)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < STATUSES; i++) sum += look(&one->by_status[i]);
    return sum;
}

static void print_requests(const ag_stats *stats, ag_buf *out)
{
    begin(out, "auger_http_requests_total", "counter",
          "Requests by route and status; an empty route is an unknown one.");
    for (size_t i = 0; i < stats->count; i++) {
        for (size_t k = 0; k < STATUSES; k++) {
            uint64_t count = look(&stats->cells[i].by_status[k]);
            if (!count) continue;
            ag_buf_add_text(out, "auger_http_requests_total{");
            add_labels(out, stats, i);
            ag_buf_addf(out, ",status=\"%d\"} %llu\n", statuses[k], (unsigned long long)count);
        }
    }
}

static void print_times(const ag_stats *stats, ag_buf *out)
{
    begin(out, "auger_http_request_duration_seconds", "histogram",
          "From the whole head of a request to the last byte of its answer.");
    for (size_t i = 0; i < stats->count; i++) {
        const cell *one = &stats->cells[i];
        if (!requests_of(one)) continue;
        uint64_t sum = 0;
        for (size_t k = 0; k <= BOUNDS; k++) {
            char bound[32] = "+Inf";
            if (k < BOUNDS) ag_double_format(bounds[k], bound);
            sum += look(&one->by_time[k]);
            ag_buf_add_text(out, "auger_http_request_duration_seconds_bucket{");
            add_labels(out, stats, i);
            ag_buf_addf(out, ",le=\"%s\"} %llu\n", bound, (unsigned long long)sum);
        }
        char seconds[32];
        ag_double_format((double)look(&one->microseconds) / 1e6, seconds);
        ag_buf_add_text(out, "auger_http_request_duration_seconds_sum{");
        add_labels(out, stats, i);
        ag_buf_addf(out, "} %s\nauger_http_request_duration_seconds_count{", seconds);
        add_labels(out, stats, i);
        ag_buf_addf(out, "} %llu\n", (unsigned long long)sum);
    }
}

static double resident_bytes(void)
{
    ag_buf text;
    double bytes = 0;
    uint64_t pages = 0;
    ag_str rest, part;
    ag_buf_init(&text, 4096);
    if (ag_file_read("/proc/self/statm", 4096, &text, NULL) == AG_OK) {
        rest = ag_buf_str(&text);
        if (ag_str_next(&rest, ' ', &part) && ag_str_next(&rest, ' ', &part) && ag_str_to_uint(part, &pages))
            bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
    }
    ag_buf_deinit(&text);
    return bytes;
}

static double open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the one that reads */
    while (dir && readdir(dir)) count++;
    if (dir) closedir(dir);
    return count > 0 ? count : 0;
}

static void print_process(const ag_stats *stats, ag_buf *out)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    one_value(out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
    one_value(out, "process_open_fds", "gauge", "Open descriptors.", open_descriptors());
    one_value(out, "process_cpu_seconds_total", "counter", "Processor time used.", seconds);
    one_value(out, "process_start_time_seconds", "gauge", "When the server started.", (double)stats->started / 1e6);
}

static void print_db(ag_db *db, ag_buf *out)
{
    ag_db_stats numbers = ag_db_stats_read(db);
    one_value(out, "auger_db_units_total", "counter", "Units of writing that were committed.", (double)numbers.units);
    one_value(out, "auger_db_commits_total", "counter", "Transactions that carried them.", (double)numbers.commits);
    one_value(out, "auger_db_retries_total", "counter", "Units that were run again.", (double)numbers.retries);
    one_value(out, "auger_db_connects_total", "counter", "Connections opened.", (double)numbers.connects);
}

int ag_stats_print(const ag_stats *stats, size_t connections, unsigned workers, ag_db *db, ag_buf *out, ag_err *err)
{
    begin(out, "auger_build_info", "gauge", "Which Auger this is.");
    ag_buf_addf(out, "auger_build_info{version=\"%s\",commit=\"%s\"} 1\n", AG_VERSION, ag_commit());
    print_requests(stats, out);
    print_times(stats, out);
    one_value(out, "auger_http_requests_in_flight", "gauge", "Requests at work.",
              (double)atomic_load_explicit(&stats->in_flight, memory_order_relaxed));
    one_value(out, "auger_http_connections", "gauge", "Open connections.", (double)connections);
    one_value(out, "auger_http_workers", "gauge", "Threads that serve.", workers);
    one_value(out, "auger_http_received_bytes_total", "counter", "Bytes of bodies received.",
              (double)look(&stats->received));
    one_value(out, "auger_http_sent_bytes_total", "counter", "Bytes of bodies sent.", (double)look(&stats->sent));
    if (db) print_db(db, out);
    print_process(stats, out);
    return ag_buf_check(out, "metrics", err);
}
