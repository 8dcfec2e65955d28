// SPDX-License-Identifier: Apache-2.0
/* replay.c: feeds a fuzz target every file of its corpus, one TAP case each, so that `make test` repeats all that the
 * fuzzers ever found without needing libFuzzer. Each input is copied into a block of exactly its size: ASan sees the
 * first byte read past it. A crash ends the program, and the case that has not been answered is the one that crashed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The whole file in a heap block of its exact size, NULL with a diagnostic on failure. */
static uint8_t *read_case(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return NULL;
    }
    uint8_t *data = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long end = ftell(file);
        rewind(file);
        data = end < 0 ? NULL : malloc((size_t)end + (end == 0));
        if (data && fread(data, 1, (size_t)end, file) != (size_t)end) {
            free(data);
            data = NULL;
        }
        *size = (size_t)end;
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    struct dirent **cases = NULL;
    int count = argc == 2 ? scandir(argv[1], &cases, is_case, alphasort) : -1;
    if (count <= 0) {
        printf("1..1\nnot ok 1 - no corpus: put seeds in %s\n", argc == 2 ? argv[1] : "CORPUS");
        free(cases);
        return 1;
    }
    printf("1..%d\n", count + 1);
    int failed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("ok 1 - (empty)\n");
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", argv[1], cases[i]->d_name);
        printf("# %s\n", cases[i]->d_name);
        fflush(stdout);
        size_t size = 0;
        uint8_t *data = read_case(path, &size);
        if (data) LLVMFuzzerTestOneInput(data, size);
        failed += !data;
        printf("%sok %d - %s\n", data ? "" : "not ", i + 2, cases[i]->d_name);
        free(data);
        free(cases[i]);
    }
    free(cases);
    return failed != 0;
}
