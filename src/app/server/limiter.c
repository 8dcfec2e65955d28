// SPDX-License-Identifier: Apache-2.0
/* limiter.c: wrong tries are counted three times: for the person from that address (5 are free), for the address (50:
 * many people may share one) and for the person from anywhere (100: so that a crowd of addresses is slowed too, while
 * one stranger cannot lock somebody out). Without a name (a token, which nobody guesses) only the address counts. A
 * count is forgotten an hour after the last wrong try. Entries are known by a keyed hash only: two that meet share a
 * count, which errs to the safe side. Sets of eight; the one that was quiet longest goes. */
#include "app/server/limiter.h"

#include <pthread.h>

#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"

enum { SETS = 512, WAYS = 8, KINDS = 3 };
#define FORGET (3600 * AG_SECOND)
#define LONGEST (900 * AG_SECOND)
static const uint32_t allowances[KINDS] = {5, 50, 100};

typedef struct entry {
    uint64_t key; /* 0: empty */
    uint32_t failures;
    int64_t last; /* wrong try */
} entry;

struct ag_limiter {
    pthread_mutex_t lock;
    uint64_t secret[2];
    entry entries[SETS][WAYS];
};

int ag_limiter_new(ag_limiter **out, ag_err *err)
{
    ag_limiter *limiter = ag_calloc(1, sizeof(*limiter));
    if (!limiter) return ag_fail_memory(err, sizeof(*limiter));
    char id[33];
    int rc = ag_id_new(id, err);
    if (rc >= 0) rc = ag_unhex((ag_str){id, 32}, limiter->secret, sizeof(limiter->secret), err);
    if (rc < 0) {
        ag_free(limiter);
        return rc;
    }
    pthread_mutex_init(&limiter->lock, NULL);
    *out = limiter;
    return AG_OK;
}

void ag_limiter_free(ag_limiter *limiter)
{
    if (!limiter) return;
    pthread_mutex_destroy(&limiter->lock);
    ag_free(limiter);
}

/* 0: not counted. */
static void make_keys(const ag_limiter *limiter, ag_str user, const char *peer, uint64_t out[KINDS])
{
    uint64_t of_user = ag_hash_keyed(user.data ? user.data : "", user.size, limiter->secret[0], limiter->secret[1]);
    uint64_t of_peer = ag_hash_keyed(peer, strlen(peer), limiter->secret[1], limiter->secret[0]);
    uint64_t both[2] = {of_user, of_peer};
    out[0] = ag_hash_keyed(both, sizeof(both), limiter->secret[0], limiter->secret[1]) | 1;
    out[1] = of_peer | 1;
    out[2] = of_user | 1;
    if (user.size == 0) out[0] = out[2] = 0;
}

static entry *find(ag_limiter *limiter, uint64_t key)
{
    if (!key) return NULL;
    entry *set = limiter->entries[(key >> 1) % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key) return &set[i];
    return NULL;
}

static entry *find_or_make(ag_limiter *limiter, uint64_t key)
{
    entry *found = find(limiter, key);
    if (found) return found;
    found = limiter->entries[(key >> 1) % SETS];
    for (entry *one = found, *end = found + WAYS; one < end; one++)
        if (!one->key || (found->key && one->last < found->last)) found = one;
    *found = (entry){.key = key};
    return found;
}

static int64_t wait_of(const entry *one, uint32_t allowance, int64_t now)
{
    if (!one || one->failures < allowance || now - one->last > FORGET) return 0;
    uint32_t doublings = one->failures - allowance;
    int64_t wait = doublings >= 10 ? LONGEST : (int64_t)(AG_SECOND << doublings);
    if (wait > LONGEST) wait = LONGEST;
    int64_t left = one->last + wait - now;
    return left > 0 ? left : 0;
}

int64_t ag_limiter_wait(ag_limiter *limiter, ag_str user, const char *peer, int64_t now)
{
    uint64_t keys[KINDS];
    int64_t longest = 0;
    make_keys(limiter, user, peer, keys);
    pthread_mutex_lock(&limiter->lock);
    for (size_t i = 0; i < KINDS; i++) {
        int64_t wait = wait_of(find(limiter, keys[i]), allowances[i], now);
        if (wait > longest) longest = wait;
    }
    pthread_mutex_unlock(&limiter->lock);
    return longest;
}

void ag_limiter_failed(ag_limiter *limiter, ag_str user, const char *peer, int64_t now)
{
    uint64_t keys[KINDS];
    make_keys(limiter, user, peer, keys);
    pthread_mutex_lock(&limiter->lock);
    for (size_t i = 0; i < KINDS; i++) {
        if (!keys[i]) continue;
        entry *one = find_or_make(limiter, keys[i]);
        if (one->failures && now - one->last > FORGET) one->failures = 0;
        if (one->failures < UINT32_MAX) one->failures++;
        one->last = now;
    }
    pthread_mutex_unlock(&limiter->lock);
}

void ag_limiter_succeeded(ag_limiter *limiter, ag_str user, const char *peer)
{
    uint64_t keys[KINDS];
    make_keys(limiter, user, peer, keys);
    pthread_mutex_lock(&limiter->lock);
    entry *one = find(limiter, keys[0]);
    if (one) *one = (entry){0};
    pthread_mutex_unlock(&limiter->lock);
}
