// SPDX-License-Identifier: Apache-2.0
/* path_fuzz.c: what ag_path_check() lets through must stay below its root for every reader that one can think of: split
 * at either slash, decoded once, or decoded until nothing changes. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/path.h"
#include "core/io/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void check_parts(ag_str path)
{
    check(path.size > 0 && path.data[0] != '/' && path.data[0] != '\\');
    check(!memchr(path.data, 0, path.size) && !memchr(path.data, '\\', path.size));
    ag_str part;
    while (ag_str_next(&path, '/', &part)) check(part.size > 0 && !ag_str_is(part, ".") && !ag_str_is(part, ".."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_str path = {(const char *)data, size};
    ag_err err = {0};
    ag_path_name(path);
    ag_path_parent(path);
    ag_path_extension(path);
    if (ag_path_check(path, &err) < 0) {
        check(err.code == AG_EDENIED && err.text[0]);
        return 0;
    }
    check_parts(path);
    ag_buf buf[2];
    ag_buf_init(&buf[0], size);
    ag_buf_init(&buf[1], size);
    check(ag_buf_add_str(&buf[0], path) >= 0);
    for (int round = 0; round < 4; round++) {
        ag_buf *from = &buf[round % 2], *to = &buf[1 - round % 2];
        ag_buf_clear(to);
        if (ag_percent_decode(to, ag_buf_str(from), false, &err) < 0) break;
        check_parts(ag_buf_str(to));
    }
    ag_buf_deinit(&buf[0]);
    ag_buf_deinit(&buf[1]);
    return 0;
}
