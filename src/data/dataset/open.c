// SPDX-License-Identifier: Apache-2.0
/* open.c: the manifest of a version, out of the store. */
#include "data/dataset/dataset.h"

int ag_dataset_open(const ag_dataset_place *place, const ag_dataset_version *version, ag_manifest **out, ag_err *err)
{
    ag_sha256 digest;
    ag_reader *source = NULL;
    if (!ag_sha256_parse(ag_str_of(version->digest), &digest))
        return ag_fail(err, AG_ECORRUPT, "the ledger says '%s' where the digest of %s@v%lld should be", version->digest,
                       version->name, (long long)version->number);
    int rc = ag_blob_get(place->blobs, &digest, &source, err);
    if (rc == AG_ENOTFOUND) {
        ag_fail(err, AG_ECORRUPT, "the manifest of %s@v%lld is not in the store", version->name,
                (long long)version->number);
        rc = ag_err_hint(err, "its SHA-256 is %.16s...; bring the blobs back from a copy", version->digest);
    }
    return rc < 0 ? rc : ag_manifest_open(source, out, err);
}
