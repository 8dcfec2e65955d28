// SPDX-License-Identifier: Apache-2.0
/* postgres_lib.c: loads libpq by name, so that a machine without PostgreSQL needs none of it. Owns the one table of its
 * functions; tried again at the next open when it failed, since somebody may have installed it meanwhile. */
#include "core/db/postgres_lib.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static ag_libpq library;
static bool loaded;

static int find(void *handle, const char *name, void *out, size_t size, ag_err *err)
{
    void *symbol = dlsym(handle, name);
    if (!symbol) {
        ag_fail(err, AG_EUNSUPPORTED, "the installed libpq is too old: it lacks %s", name);
        return ag_err_hint(err, "PostgreSQL needs libpq 14 or newer: sudo apt install libpq5");
    }
    memcpy(out, &symbol, size); /* ISO C has no cast from an object to a function pointer */
    return AG_OK;
}

static int load(ag_err *err)
{
    void *handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        ag_fail(err, AG_EUNSUPPORTED, "PostgreSQL needs the library libpq, which is not installed");
        return ag_err_hint(err, "sudo apt install libpq5");
    }
    int rc = AG_OK;
#define AG_LIBPQ_FIND(name)                                                                                            \
    if (rc == AG_OK) rc = find(handle, #name, &library.name, sizeof(library.name), err);
    AG_LIBPQ(AG_LIBPQ_FIND)
#undef AG_LIBPQ_FIND
    if (rc < 0) dlclose(handle);
    return rc;
}

int ag_libpq_load(const ag_libpq **out, ag_err *err)
{
    pthread_mutex_lock(&loading);
    int rc = loaded ? AG_OK : load(err);
    loaded = rc == AG_OK;
    pthread_mutex_unlock(&loading);
    if (rc == AG_OK) *out = &library;
    return rc;
}
