// SPDX-License-Identifier: Apache-2.0
/* sessions.c: a table of sets of four; the oldest of a full set goes. `lock` guards all but the key. Forgetting a
 * person also raises the generation, so that a check that was under way cannot put the old answer back. */
#include "app/server/sessions.h"

#include <pthread.h>

#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/sys/clock.h"

enum { SETS = 1024, WAYS = 4 };

typedef struct entry {
    ag_sha256 key;
    char *name;      /* NULL: empty */
    int64_t expires; /* monotonic */
    int64_t id;
    bool admin;
} entry;

struct ag_sessions {
    pthread_mutex_t lock;
    uint64_t generation;
    char secret[65];
    entry entries[SETS][WAYS];
};

int ag_sessions_new(ag_sessions **out, ag_err *err)
{
    ag_sessions *sessions = ag_calloc(1, sizeof(*sessions));
    if (!sessions) return ag_fail_memory(err, sizeof(*sessions));
    int rc = ag_id_new(sessions->secret, err);
    if (rc >= 0) rc = ag_id_new(sessions->secret + 32, err);
    if (rc < 0) {
        ag_free(sessions);
        return rc;
    }
    pthread_mutex_init(&sessions->lock, NULL);
    *out = sessions;
    return AG_OK;
}

static void clear(entry *one)
{
    ag_free(one->name);
    *one = (entry){0};
}

void ag_sessions_free(ag_sessions *sessions)
{
    if (!sessions) return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < WAYS; k++) clear(&sessions->entries[i][k]);
    pthread_mutex_destroy(&sessions->lock);
    ag_wipe(sessions->secret, sizeof(sessions->secret));
    ag_free(sessions);
}

int ag_sessions_key(const ag_sessions *sessions, ag_str authorization, ag_sha256 *out, ag_err *err)
{
    return ag_hmac_sha256(ag_str_of(sessions->secret), authorization, out, err);
}

static entry *set_of(ag_sessions *sessions, const ag_sha256 *key)
{
    return sessions->entries[(key->bytes[0] | key->bytes[1] << 8) % SETS];
}

bool ag_sessions_find(ag_sessions *sessions, const ag_sha256 *key, ag_arena *arena, ag_who *out)
{
    bool found = false;
    int64_t now = ag_monotonic();
    pthread_mutex_lock(&sessions->lock);
    entry *set = set_of(sessions, key);
    for (size_t i = 0; i < WAYS && !found; i++) {
        if (!set[i].name || set[i].expires <= now || !ag_sha256_equal(&set[i].key, key)) continue;
        *out = (ag_who){
            .name = ag_arena_strdup(arena, set[i].name), .id = set[i].id, .admin = set[i].admin, .known = true};
        found = out->name != NULL;
    }
    pthread_mutex_unlock(&sessions->lock);
    return found;
}

void ag_sessions_keep(ag_sessions *sessions, const ag_sha256 *key, const ag_who *who, int64_t age, uint64_t generation)
{
    char *name = ag_strdup(who->name);
    if (!name) return; /* it is only a cache */
    pthread_mutex_lock(&sessions->lock);
    entry *set = set_of(sessions, key), *place = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].name && ag_sha256_equal(&set[i].key, key)) {
            place = &set[i];
            break;
        }
        if (set[i].expires < place->expires) place = &set[i];
    }
    if (sessions->generation == generation) {
        clear(place);
        *place =
            (entry){.key = *key, .name = name, .expires = ag_monotonic() + age, .id = who->id, .admin = who->admin};
        name = NULL;
    }
    pthread_mutex_unlock(&sessions->lock);
    ag_free(name);
}

uint64_t ag_sessions_generation(ag_sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    uint64_t generation = sessions->generation;
    pthread_mutex_unlock(&sessions->lock);
    return generation;
}

void ag_sessions_forget(ag_sessions *sessions, ag_str user)
{
    pthread_mutex_lock(&sessions->lock);
    sessions->generation++;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < WAYS; k++) {
            entry *one = &sessions->entries[i][k];
            if (one->name && ag_str_is(user, one->name)) clear(one);
        }
    pthread_mutex_unlock(&sessions->lock);
}
