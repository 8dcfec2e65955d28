// SPDX-License-Identifier: Apache-2.0
/* db_bench.c: what group commit brings. In one run, on one disk, with the same settings (WAL, synchronous=FULL):
 * 64 threads that write single rows through the port, a plain sqlite3 loop that commits each row, and 64 threads that
 * each do that on a connection of their own. Then what a reader waits for, and one batch of 2,000 rows.
 * Usage: bench-db [DIRECTORY [DURATION]]. With $AUGER_BENCH_POSTGRES=postgresql://... the port is also measured there.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/db/db.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

#define THREADS 64
#define BATCH 2000
#define ROUNDS 51

/* What is measured first is a plain table; then one with an index over 64 places at once, where every commit has 64
 * more pages to write and the pages, not the fsync, are the cost. */
static const ag_sql insert_point = {"insert_point",
                                    {"INSERT INTO points (run, key, value, step) VALUES (?1, ?2, ?3, ?4)",
                                     "INSERT INTO points (run, key, value, step) VALUES (?1, ?2, ?3, ?4)"}};
static const ag_sql read_point = {
    "read_point",
    {"SELECT value FROM points WHERE run = ?1 AND step = ?2", "SELECT value FROM points WHERE run = ?1 AND step = ?2"}};
static const char make_points[] = "CREATE TABLE points (run BIGINT, key TEXT, value DOUBLE PRECISION, step BIGINT)";
static const char make_index[] = "CREATE INDEX points_run ON points (run, step)";

typedef struct load {
    ag_db *db;
    const char *path;
    atomic_bool stop;
    atomic_uint_fast64_t done;
    atomic_int next;
} load;

static void stop_if(int rc, const ag_err *err)
{
    if (rc >= 0) return;
    fprintf(stderr, "bench-db: %s\n", err->text);
    exit(1);
}

static int make_table(ag_tx *tx, void *context, ag_err *err)
{
    return ag_tx_script(tx, *(const char **)context, err);
}

typedef struct point {
    int64_t run, step;
} point;

static int add_point(ag_tx *tx, void *context, ag_err *err)
{
    const point *p = context;
    return ag_tx_run(tx, &insert_point,
                     AG_BINDS(ag_cell_int(p->run), ag_cell_text("loss"), ag_cell_real(0.25), ag_cell_int(p->step)),
                     NULL, err);
}

static void *write_through_port(void *context)
{
    load *self = context;
    ag_err err = {0};
    point p = {.run = atomic_fetch_add(&self->next, 1)};
    ag_db_unit unit = {.run = add_point, .context = &p, .isolation = AG_ISOLATION_STATEMENT};
    while (!atomic_load_explicit(&self->stop, memory_order_relaxed)) {
        stop_if(ag_db_write_unit(self->db, &unit, &err), &err);
        p.step++;
        atomic_fetch_add_explicit(&self->done, 1, memory_order_relaxed);
    }
    return NULL;
}

static sqlite3 *open_plain(const char *path)
{
    sqlite3 *handle = NULL;
    sqlite3_open(path, &handle);
    sqlite3_busy_timeout(handle, 60000);
    sqlite3_exec(handle,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384;"
                 "PRAGMA wal_autocheckpoint=2000; PRAGMA temp_store=MEMORY",
                 NULL, NULL, NULL);
    return handle;
}

static void *write_plain(void *context)
{
    load *self = context;
    int64_t run = atomic_fetch_add(&self->next, 1);
    sqlite3 *handle = open_plain(self->path);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(handle, insert_point.text[0], -1, &statement, NULL);
    for (int64_t step = 0; !atomic_load_explicit(&self->stop, memory_order_relaxed); step++) {
        sqlite3_bind_int64(statement, 1, run);
        sqlite3_bind_text(statement, 2, "loss", 4, SQLITE_STATIC);
        sqlite3_bind_double(statement, 3, 0.25);
        sqlite3_bind_int64(statement, 4, step);
        if (sqlite3_step(statement) == SQLITE_DONE) atomic_fetch_add_explicit(&self->done, 1, memory_order_relaxed);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return NULL;
}

static double rate(load *self, unsigned threads, void *(*work)(void *), int64_t duration)
{
    pthread_t ids[THREADS];
    atomic_store(&self->stop, false);
    atomic_store(&self->done, 0);
    atomic_store(&self->next, 0);
    int64_t start = ag_monotonic();
    for (unsigned i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, self);
    ag_sleep(duration);
    atomic_store(&self->stop, true);
    uint64_t done = atomic_load(&self->done);
    int64_t elapsed = ag_monotonic() - start;
    for (unsigned i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    return (double)done * 1e6 / (double)elapsed;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int read_one(ag_tx *tx, void *context, ag_err *err)
{
    int64_t value = 0;
    const point *p = context;
    return ag_tx_get_int(tx, &read_point, AG_BINDS(ag_cell_int(p->run), ag_cell_int(p->step)), &value, err);
}

static int add_batch(ag_tx *tx, void *context, ag_err *err)
{
    return ag_tx_run_many(tx, &insert_point, context, BATCH, 4, err);
}

static void measure_latency(ag_db *db, const char *name)
{
    ag_err err = {0};
    int64_t reads[ROUNDS], batches[ROUNDS];
    ag_cell *cells = ag_calloc(BATCH * 4, sizeof(*cells));
    if (!cells) exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BATCH; i++) {
            ag_cell *row = cells + i * 4;
            row[0] = ag_cell_int(1000 + round);
            row[1] = ag_cell_text("accuracy");
            row[2] = ag_cell_real(i * 0.001);
            row[3] = ag_cell_int(i);
        }
        int64_t start = ag_monotonic();
        ag_db_unit unit = {.run = add_batch, .context = cells, .isolation = AG_ISOLATION_STATEMENT};
        stop_if(ag_db_write_unit(db, &unit, &err), &err);
        batches[round] = ag_monotonic() - start;
        point p = {1000 + round, 7};
        start = ag_monotonic();
        for (int i = 0; i < 10; i++) stop_if(ag_db_read(db, NULL, read_one, &p, &err), &err);
        reads[round] = (ag_monotonic() - start) / 10;
    }
    ag_free(cells);
    qsort(reads, ROUNDS, sizeof(*reads), compare_times);
    qsort(batches, ROUNDS, sizeof(*batches), compare_times);
    printf("%s: one read, median %lld us; a batch of %d rows, median %.2f ms, worst %.2f ms\n", name,
           (long long)reads[ROUNDS / 2], BATCH, (double)batches[ROUNDS / 2] / 1000, (double)batches[ROUNDS - 1] / 1000);
}

static void run_script(ag_db *db, const char *text)
{
    ag_err err = {0};
    stop_if(ag_db_write(db, make_table, &text, &err), &err);
}

typedef struct rates {
    double plain, crowd; /* without the port: one thread, all threads */
    double port, lone;   /* through it: all threads, one thread */
} rates;

static void measure_port(load *self, rates *out, int64_t duration)
{
    ag_db_stats before = ag_db_stats_read(self->db);
    out->port = rate(self, THREADS, write_through_port, duration);
    ag_db_stats after = ag_db_stats_read(self->db);
    out->lone = rate(self, 1, write_through_port, duration);
    uint64_t commits = after.commits - before.commits;
    printf("  through the port: %d threads %.0f rows/s (%.1f rows per commit), 1 thread %.0f rows/s\n", THREADS,
           out->port, (double)(after.units - before.units) / (double)(commits ? commits : 1), out->lone);
}

static void measure_sqlite(load *self, const char *what, int64_t duration)
{
    rates r = {0};
    printf("sqlite, %s\n", what);
    r.plain = rate(self, 1, write_plain, duration);
    r.crowd = rate(self, THREADS, write_plain, duration);
    printf("  plain sqlite3, one commit per row: 1 thread %.0f rows/s, %d threads %.0f rows/s\n", r.plain, THREADS,
           r.crowd);
    measure_port(self, &r, duration);
    printf("  the port is %.1f x the plain loop and %.1f x the plain threads (target: 10 x)\n", r.port / r.plain,
           r.port / r.crowd);
}

static void remove_old(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    ag_err err = {0};
    for (int i = 0; i < 3; i++) {
        char name[4200];
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        if (ag_file_exists(name)) stop_if(ag_file_remove(name, &err), &err);
    }
}

static void bench_postgres(const char *url, int64_t duration)
{
    ag_err err = {0};
    load self = {0};
    rates r = {0};
    stop_if(ag_db_open(url, NULL, &self.db, &err), &err);
    run_script(self.db, "DROP TABLE IF EXISTS points");
    run_script(self.db, make_points);
    run_script(self.db, make_index);
    printf("postgres, with an index\n");
    measure_port(&self, &r, duration);
    measure_latency(self.db, "  postgres");
    ag_db_close(self.db);
}

int main(int argc, char **argv)
{
    ag_err err = {0};
    const char *where = argc > 1 ? argv[1] : "/tmp";
    int64_t duration = 3 * AG_SECOND;
    if (argc > 2 && !ag_str_to_duration(ag_str_of(argv[2]), &duration)) {
        fprintf(stderr, "usage: bench-db [DIRECTORY [DURATION]]\n");
        return 2;
    }
    char path[2][4096];
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/bench-db-%d-%d.db", where, (int)getpid(), i);
        remove_old(path[i]);
    }
    load self = {.path = path[1]};
    sqlite3 *handle = open_plain(path[1]);
    stop_if(ag_db_open(path[0], NULL, &self.db, &err), &err);
    sqlite3_exec(handle, make_points, NULL, NULL, NULL);
    run_script(self.db, make_points);
    measure_sqlite(&self, "a plain table", duration);
    sqlite3_exec(handle, make_index, NULL, NULL, NULL);
    run_script(self.db, make_index);
    measure_sqlite(&self, "a table with an index written at 64 places", duration);
    measure_latency(self.db, "  sqlite");
    ag_db_close(self.db);
    sqlite3_close(handle);
    for (int i = 0; i < 2; i++) remove_old(path[i]);
    const char *postgres = getenv("AUGER_BENCH_POSTGRES");
    if (postgres) bench_postgres(postgres, duration);
    return 0;
}
