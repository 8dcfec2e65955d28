// SPDX-License-Identifier: Apache-2.0
/* thread.c: a pool of threads that sleep on a condition variable.
 *
 * Two kinds of work. A `job` is one ag_pool_for(): it lies on its caller's stack, and whoever works on it takes the
 * next index from an atomic counter. A `task` is one ag_pool_submit(). Idle workers take jobs first (somebody waits for
 * them), then tasks in the order they came.
 *
 * Why nesting cannot deadlock: the caller of a job works on it itself and then waits only for helpers that are inside
 * an index; each of those runs, or waits for a job deeper down, and the deepest one runs. While it waits, a caller
 * helps jobs nested below its own (never unrelated ones, which could hold it up).
 *
 * Why a failure does not depend on scheduling: indices are taken in ascending order and an index is skipped only when a
 * lower one has failed. So the lowest index that fails always runs, and it is the one reported.
 *
 * A job allows threads - 1 helpers beside its caller, so that a pool of n keeps n processors busy. Of jobs within jobs
 * no more than n threads are busy either, the outermost caller counted in: a worker that would be one too many sleeps.
 * A caller that waits for helpers stays counted, as it helps with what is below it. Locks: everything in the pool is
 * under `lock`; of a job, `next` and `lowest_failed` are atomic, the rest is under `lock` too. */
#include "core/sys/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/mem.h"

typedef struct job {
    ag_for_fn work;
    void *context;
    size_t count;
    ag_cancel *cancel;
    atomic_size_t next;          /* the index that nobody has taken yet */
    atomic_size_t lowest_failed; /* SIZE_MAX: none */
    atomic_bool stopped;         /* by `cancel`, before all indices had begun */
    unsigned helpers;            /* threads inside, beside the caller */
    int rc;                      /* of lowest_failed */
    ag_err err;
    struct job *parent; /* the job whose work called this one */
    struct job *previous, *following;
} job;

typedef struct task {
    void (*work)(void *context);
    void *context;
    uint64_t number;
    struct task *previous, *following;
} task;

struct ag_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* workers: there may be something to do */
    pthread_cond_t ended; /* callers: a helper left, a task ended, or a job came that a waiting caller may help */
    job *jobs;            /* newest first: the innermost work ends soonest */
    task *first, *last;   /* submitted and not ended, in order; those before `waiting` are running */
    task *waiting;        /* the next to start */
    uint64_t submitted;
    bool stopping;
    unsigned busy; /* threads inside of jobs */
    unsigned size;
    pthread_t threads[];
};

static _Thread_local job *current;           /* the job whose index this thread runs */
static _Thread_local const ag_pool *counted; /* the pool that counts this thread as busy */

void ag_thread_name(const char *name)
{
    char cut[16] = {0};
    memcpy(cut, name, strnlen(name, sizeof(cut) - 1));
    pthread_setname_np(pthread_self(), cut);
}

static void fail_job(ag_pool *pool, job *at, size_t index, int rc, const ag_err *err)
{
    if (pool) pthread_mutex_lock(&pool->lock);
    if (index < atomic_load(&at->lowest_failed)) {
        atomic_store(&at->lowest_failed, index);
        at->rc = rc;
        at->err = *err;
    }
    if (pool) pthread_mutex_unlock(&pool->lock);
}

/* Takes indices until there are none. Without the lock. */
static void work_on(ag_pool *pool, job *at)
{
    job *outer = current;
    current = at;
    while (atomic_load_explicit(&at->next, memory_order_relaxed) < at->count) {
        if (ag_cancelled(at->cancel)) {
            if (atomic_exchange(&at->next, at->count) < at->count) atomic_store(&at->stopped, true);
            break;
        }
        size_t index = atomic_fetch_add_explicit(&at->next, 1, memory_order_relaxed);
        if (index >= at->count || index > atomic_load(&at->lowest_failed)) break;
        ag_err err;
        err.code = AG_OK;
        err.text[0] = err.hint[0] = err.file[0] = '\0';
        err.line = err.column = 0;
        int rc = at->work(at->context, index, &err);
        if (rc < 0) fail_job(pool, at, index, rc, &err);
    }
    current = outer;
}

static bool has_work(const ag_pool *pool, job *at)
{
    return at->helpers + 1 < pool->size && atomic_load_explicit(&at->next, memory_order_relaxed) < at->count &&
           atomic_load(&at->lowest_failed) == SIZE_MAX;
}

static bool is_below(const job *at, const job *above)
{
    for (at = at->parent; at; at = at->parent)
        if (at == above) return true;
    return false;
}

/* Under the lock: a job to help with, below `above` if that is given. */
static job *find_job(const ag_pool *pool, const job *above)
{
    for (job *at = pool->jobs; at; at = at->following)
        if (has_work(pool, at) && (!above || is_below(at, above))) return at;
    return NULL;
}

/* Under the lock: this thread is busy from here on, unless it is already. What to give to leave(). */
static const ag_pool *enter(ag_pool *pool)
{
    const ag_pool *before = counted;
    if (before != pool) pool->busy++;
    counted = pool;
    return before;
}

static void leave(ag_pool *pool, const ag_pool *before)
{
    counted = before;
    if (before == pool) return;
    pool->busy--;
    if (pool->jobs) pthread_cond_signal(&pool->wake); /* somebody may take its place */
}

/* Called with the lock held, and returns with it held. */
static void help(ag_pool *pool, job *at)
{
    const ag_pool *before = enter(pool);
    at->helpers++;
    pthread_mutex_unlock(&pool->lock);
    work_on(pool, at);
    pthread_mutex_lock(&pool->lock);
    leave(pool, before);
    if (--at->helpers == 0) pthread_cond_broadcast(&pool->ended);
}

/* Called with the lock held, and returns with it held. */
static void run_task(ag_pool *pool)
{
    task *at = pool->waiting;
    pool->waiting = at->following;
    pthread_mutex_unlock(&pool->lock);
    at->work(at->context);
    pthread_mutex_lock(&pool->lock);
    if (at->previous)
        at->previous->following = at->following;
    else
        pool->first = at->following;
    if (at->following)
        at->following->previous = at->previous;
    else
        pool->last = at->previous;
    ag_free(at);
    pthread_cond_broadcast(&pool->ended);
}

static void *work_for_pool(void *context)
{
    ag_pool *pool = context;
    ag_thread_name("ag-pool");
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        job *at = pool->busy < pool->size ? find_job(pool, NULL) : NULL;
        if (at)
            help(pool, at);
        else if (pool->waiting)
            run_task(pool);
        else if (pool->stopping)
            break;
        else
            pthread_cond_wait(&pool->wake, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void stop(ag_pool *pool, unsigned started)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < started; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->ended);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    ag_free(pool);
}

int ag_pool_new(unsigned threads, ag_pool **out, ag_err *err)
{
    if (threads == 0) threads = ag_cpu_count();
    if (threads > 4096) return ag_fail(err, AG_ELIMIT, "%u threads are more than the limit of 4096", threads);
    size_t size = sizeof(ag_pool) + threads * sizeof(pthread_t);
    ag_pool *pool = ag_calloc(1, size);
    if (!pool) return ag_fail_memory(err, size);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->ended, NULL);
    pool->size = threads;
    for (unsigned i = 0; i < threads; i++) {
        int error = pthread_create(&pool->threads[i], NULL, work_for_pool, pool);
        if (!error) continue;
        stop(pool, i);
        ag_fail_errno(err, error, "cannot start thread %u of %u", i + 1, threads);
        return ag_err_hint(err, "lower $AUGER_THREADS, or raise the limit of processes (ulimit -u)");
    }
    *out = pool;
    return AG_OK;
}

void ag_pool_free(ag_pool *pool)
{
    if (pool) stop(pool, pool->size);
}

unsigned ag_pool_threads(const ag_pool *pool)
{
    return pool ? pool->size : 1;
}

static const ag_pool *add_job(ag_pool *pool, job *at)
{
    pthread_mutex_lock(&pool->lock);
    const ag_pool *before = enter(pool);
    at->following = pool->jobs;
    if (pool->jobs) pool->jobs->previous = at;
    pool->jobs = at;
    pthread_cond_broadcast(&pool->wake);
    if (at->parent) pthread_cond_broadcast(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return before;
}

/* Waits until no helper is inside, then takes the job out of the list. */
static void end_job(ag_pool *pool, job *at, const ag_pool *before)
{
    pthread_mutex_lock(&pool->lock);
    while (at->helpers > 0) {
        job *below = find_job(pool, at);
        if (below)
            help(pool, below);
        else
            pthread_cond_wait(&pool->ended, &pool->lock);
    }
    if (at->previous)
        at->previous->following = at->following;
    else
        pool->jobs = at->following;
    if (at->following) at->following->previous = at->previous;
    leave(pool, before);
    pthread_mutex_unlock(&pool->lock);
}

int ag_pool_for(ag_pool *pool, size_t count, ag_for_fn work, void *context, ag_cancel *cancel, ag_err *err)
{
    job at = {.work = work, .context = context, .count = count, .cancel = cancel, .parent = current};
    atomic_init(&at.next, 0);
    atomic_init(&at.lowest_failed, SIZE_MAX);
    atomic_init(&at.stopped, false);
    bool shared = pool && pool->size > 1 && count > 1;
    const ag_pool *before = shared ? add_job(pool, &at) : NULL;
    work_on(pool, &at);
    if (shared) end_job(pool, &at, before);
    if (at.rc < 0) {
        if (err) *err = at.err;
        return at.rc;
    }
    if (!atomic_load(&at.stopped)) return AG_OK;
    return ag_cancel_check(cancel, err) < 0 ? ag_cancel_check(cancel, err)
                                            : ag_fail(err, AG_ECANCELLED, "stopped as asked");
}

int ag_pool_submit(ag_pool *pool, void (*work)(void *context), void *context, ag_err *err)
{
    task *added = ag_calloc(1, sizeof(*added));
    if (!added) return ag_fail_memory(err, sizeof(*added));
    added->work = work;
    added->context = context;
    pthread_mutex_lock(&pool->lock);
    added->number = ++pool->submitted;
    added->previous = pool->last;
    if (pool->last)
        pool->last->following = added;
    else
        pool->first = added;
    pool->last = added;
    if (!pool->waiting) pool->waiting = added;
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    return AG_OK;
}

void ag_pool_wait(ag_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    uint64_t until = pool->submitted;
    while (pool->first && pool->first->number <= until) pthread_cond_wait(&pool->ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
