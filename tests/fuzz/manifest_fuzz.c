// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a manifest of a data set: what is taken is written again as the same bytes, paths of files are clean,
 * and a refusal has a text. */
#include <stdlib.h>
#include <string.h>

#include "core/io/path.h"
#include "data/dataset/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_entry(const ag_manifest_entry *entry, ag_buf *out)
{
    ag_err err = {0};
    if (entry->kind == AG_MANIFEST_FILE) {
        if (ag_path_check(ag_str_of(entry->file.path), &err) < 0) abort();
        if (ag_manifest_put_file(out, &entry->file, &err) < 0) abort();
        return;
    }
    for (size_t i = 0; i < ag_dataset_number_count; i++) ag_dataset_numbers[i].of(&entry->hole);
    if (!ag_dataset_label_equal(&entry->hole, &entry->hole)) abort();
    if (ag_manifest_put_hole(out, &entry->hole, &err) < 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_reader *source = NULL;
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    ag_buf again;
    ag_buf_init(&again, (size_t)64 << 20);
    if (ag_manifest_put_head(&again, &err) < 0) abort();
    if (ag_reader_of_memory(data, size, &source, &err) < 0) abort();
    if (ag_manifest_open(source, &manifest, &err) < 0) abort();
    int rc;
    while ((rc = ag_manifest_next(manifest, &entry, &err)) > 0) write_entry(&entry, &again);
    if (rc < 0 && (!*err.text || err.code != (ag_code)rc)) abort();
    if (rc == 0) {
        ag_dataset_totals totals = ag_manifest_totals(manifest);
        if (ag_manifest_put_totals(&again, &totals, &err) < 0) abort();
        if (again.size != size || memcmp(again.data, data, size) != 0) abort();
    }
    ag_manifest_close(manifest);
    ag_buf_deinit(&again);
    return 0;
}
