// SPDX-License-Identifier: Apache-2.0
#pragma once
/* shared.h: the real drilling files beside the checkout, unpacked into the test's own directory. */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io/file.h"
#include "frame/test.h"

/* Where they lie; skips the test when they are absent or cannot be unpacked. */
static inline const char *unpack_shared(void)
{
    static char root[600];
    const char *archive = ag_test_shared("setitec-dev.tar.xz");
    if (!archive) ag_test_skip("shared/data is absent");
    if (*root) return root;
    char folder[500];
    snprintf(folder, sizeof(folder), "%s", ag_test_dir());
    char *const words[] = {(char[]){"tar"}, (char[]){"xJf"}, (char *)(uintptr_t)archive, (char[]){"-C"}, folder, NULL};
    pid_t child;
    int status = -1;
    if (posix_spawnp(&child, "tar", NULL, NULL, words, environ) != 0) ag_test_skip("there is no tar");
    while (waitpid(child, &status, 0) < 0) continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) ag_test_skip("the drilling files cannot be unpacked");
    snprintf(root, sizeof(root), "%s/setitec-dev", folder);
    return root;
}
