// SPDX-License-Identifier: Apache-2.0
/* sqlite_pages.c: a thin layer between SQLite and the system's files. The last 8 bytes of each page, which SQLite
 * leaves alone when the header says so (byte 20), get a hash of the rest and of the page's number whenever a page is
 * written to the database file; the write-ahead log has checksums of its own. Nothing is compared while reading: a tool
 * that does not know of this may write to the file without breaking it, and a check is asked for when one wants to know
 * (doctor, backup). A page of zeros is one that was never written.
 *
 * The check reads through the connection's own handle: opening and closing the file beside SQLite would drop the locks
 * that the process holds on it. A page that is just being written can be caught half-way, so a wrong one is read again.
 * The one piece of state of the process is the registration, done once. */
#include "core/db/sqlite_pages.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"

enum {
    RESERVED = 8,
    LARGEST_PAGE = 65536,
    HEADER = 100,
    ASK = 0x41470001, /* file controls of our own: is it on? */
    TURN_ON = 0x41470002,
    TRIES = 10,
};
#define LOCK_BYTE 0x40000000 /* the page that holds it is never written */

typedef struct paged_file {
    sqlite3_file base;
    bool on;
    uint8_t *page; /* LARGEST_PAGE bytes, made when first needed */
} paged_file;

static sqlite3_vfs shim;
static sqlite3_vfs *system_vfs;
static bool registered;

static sqlite3_file *below(sqlite3_file *file)
{
    return (sqlite3_file *)((paged_file *)file + 1);
}

static uint64_t sum_of(const uint8_t *page, size_t size, uint64_t number)
{
    return ag_hash_fast(page, size - RESERVED, number);
}

/* ---- the file ---- */

static void learn(paged_file *file, const uint8_t *header)
{
    if (memcmp(header, "SQLite format 3", 16) == 0) file->on = header[20] == RESERVED;
}

static int file_read(sqlite3_file *file, void *into, int size, sqlite3_int64 at)
{
    int rc = below(file)->pMethods->xRead(below(file), into, size, at);
    if (rc == SQLITE_OK && at == 0 && size >= HEADER) learn((paged_file *)file, into);
    return rc;
}

static bool is_page(int size, sqlite3_int64 at)
{
    return size >= 512 && size <= LARGEST_PAGE && (size & (size - 1)) == 0 && at % size == 0;
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    paged_file *paged = (paged_file *)file;
    if (at == 0 && size >= HEADER) learn(paged, bytes);
    if (!paged->on || !is_page(size, at)) return below(file)->pMethods->xWrite(below(file), bytes, size, at);
    if (!paged->page && !(paged->page = ag_alloc(LARGEST_PAGE))) return SQLITE_IOERR_NOMEM;
    memcpy(paged->page, bytes, (size_t)size - RESERVED);
    uint64_t sum = sum_of(paged->page, (size_t)size, (uint64_t)(at / size));
    memcpy(paged->page + size - RESERVED, &sum, RESERVED);
    return below(file)->pMethods->xWrite(below(file), paged->page, size, at);
}

static int file_close(sqlite3_file *file)
{
    ag_free(((paged_file *)file)->page);
    return below(file)->pMethods->xClose(below(file));
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return below(file)->pMethods->xTruncate(below(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    return below(file)->pMethods->xSync(below(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return below(file)->pMethods->xFileSize(below(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return below(file)->pMethods->xLock(below(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return below(file)->pMethods->xUnlock(below(file), lock);
}

static int file_reserved(sqlite3_file *file, int *out)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), out);
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
    paged_file *paged = (paged_file *)file;
    switch (op) {
    case ASK: *(bool *)argument = paged->on; return SQLITE_OK;
    case TURN_ON: paged->on = true; return SQLITE_OK;
    default: return below(file)->pMethods->xFileControl(below(file), op, argument);
    }
}

static int file_sector(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int file_traits(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return below(file)->pMethods->xShmMap(below(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int at, int count, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), at, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return below(file)->pMethods->xShmUnmap(below(file), remove);
}

/* Version 2: no mapping of the file into memory, which would pass by us. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB)) return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
    paged_file *paged = (paged_file *)file;
    *paged = (paged_file){0};
    int rc = system_vfs->xOpen(system_vfs, name, below(file), flags, out_flags);
    if (rc == SQLITE_OK && below(file)->pMethods->iVersion >= 2) paged->base.pMethods = &methods;
    if (rc == SQLITE_OK && !paged->base.pMethods) {
        below(file)->pMethods->xClose(below(file));
        return SQLITE_CANTOPEN;
    }
    return rc;
}

static void register_once(void)
{
    /* SQLite counts its memory under one lock for all connections, which costs readers on several cores more than their
     * work. Refused, and then as it was, when the program has used SQLite before. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs) return;
    shim = *system_vfs;
    shim.zName = "auger-pages";
    shim.pNext = NULL;
    shim.szOsFile = system_vfs->szOsFile + (int)sizeof(paged_file);
    shim.xOpen = open_file;
    registered = sqlite3_vfs_register(&shim, 0) == SQLITE_OK;
}

const char *ag_sqlite_pages_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    return registered ? shim.zName : NULL;
}

/* ---- for the driver ---- */

static sqlite3_file *file_of(sqlite3 *handle)
{
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return NULL;
    return file && file->pMethods == &methods ? file : NULL;
}

bool ag_sqlite_pages_on(sqlite3 *handle)
{
    bool on = false;
    return file_of(handle) && sqlite3_file_control(handle, "main", ASK, &on) == SQLITE_OK && on;
}

void ag_sqlite_pages_copy(sqlite3 *handle)
{
    if (file_of(handle)) sqlite3_file_control(handle, "main", TURN_ON, NULL);
}

void ag_sqlite_pages_begin(sqlite3 *handle)
{
    int bytes = RESERVED;
    sqlite3_int64 size = 0;
    sqlite3_file *file = file_of(handle);
    if (!file || file_size(file, &size) != SQLITE_OK || size > 0) return;
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}

static bool is_zero(const uint8_t *page, size_t size)
{
    return page[0] == 0 && memcmp(page, page + 1, size - 1) == 0;
}

/* 1 right, 0 wrong, < 0 failed. */
static int check_page(sqlite3_file *file, uint8_t *page, size_t size, uint64_t number, const char *name, ag_err *err)
{
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t kept;
        uint64_t at = number * size;
        int rc = below(file)->pMethods->xRead(below(file), page, (int)size, (sqlite3_int64)at);
        if (rc == SQLITE_IOERR_SHORT_READ) return 1; /* cut off meanwhile */
        if (rc != SQLITE_OK)
            return ag_fail(err, AG_EIO, "cannot read page %llu of %s", (unsigned long long)number + 1, name);
        memcpy(&kept, page + size - RESERVED, RESERVED);
        if (kept == sum_of(page, size, number) || is_zero(page, size)) return 1;
        ag_sleep(2000);
    }
    return 0;
}

int ag_sqlite_pages_check(sqlite3 *handle, const char *name, ag_cancel *cancel, ag_err *err)
{
    sqlite3_int64 bytes = 0;
    uint8_t header[HEADER];
    sqlite3_file *file = file_of(handle);
    if (!file || !ag_sqlite_pages_on(handle) || file_size(file, &bytes) != SQLITE_OK || bytes < HEADER) return AG_OK;
    if (below(file)->pMethods->xRead(below(file), header, HEADER, 0) != SQLITE_OK) {
        return ag_fail(err, AG_EIO, "cannot read the header of %s", name);
    }
    size_t size = (size_t)header[16] << 8 | header[17];
    if (size == 1) size = LARGEST_PAGE;
    if (size < 512 || size > LARGEST_PAGE) return ag_fail(err, AG_ECORRUPT, "the header of %s is damaged", name);
    uint8_t *page = ag_alloc(size);
    int rc = page ? 1 : ag_fail_memory(err, size);
    for (uint64_t number = 0; rc > 0 && number < (uint64_t)bytes / size; number++) {
        if (number == LOCK_BYTE / size) continue;
        rc = ag_cancel_check(cancel, err);
        if (rc >= 0) rc = check_page(file, page, size, number, name, err);
        if (rc == 0) {
            rc = ag_fail(err, AG_ECORRUPT, "page %llu of %s is not what was written", (unsigned long long)number + 1,
                         name);
            ag_err_hint(err, "stop writing, copy the file away, restore a backup");
        }
    }
    ag_free(page);
    return rc < 0 ? rc : AG_OK;
}
