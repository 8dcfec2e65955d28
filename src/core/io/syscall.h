// SPDX-License-Identifier: Apache-2.0
#pragma once
/* syscall.h: the file calls of the operating system as this room uses them: repeated when a signal cuts them short,
 * failing with EIO when the fault injector says so, closed on exec. They answer like the calls they wrap: -1 and errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* True, with errno EIO, when this call must fail. */
bool ag_sys_fault(void);

int ag_sys_open(int directory, const char *path, int flags, mode_t mode); /* openat; adds O_CLOEXEC */
ptrdiff_t ag_sys_read(int fd, void *into, size_t size);                   /* waits on a non-blocking descriptor */
int ag_sys_write(int fd, const void *bytes, size_t size);                 /* all of it: 0, or -1 */
int ag_sys_sync(int fd);                                                  /* fsync */
int ag_sys_sync_dir(int fd);               /* fsync; a file system that cannot do that to a directory is no failure */
int ag_sys_stat(int fd, struct stat *out); /* fstat */
void ag_sys_close(int fd);                 /* -1 is fine; keeps errno */
