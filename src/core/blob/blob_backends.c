// SPDX-License-Identifier: Apache-2.0
/* blob_backends.c: the list of backends of the content-addressed store. */
#include "core/base/str.h"
#include "core/blob/blob_backend.h"

static const ag_blob_backend *const backends[] = {
    &ag_blob_backend_local,
    &ag_blob_backend_s3,
};

static bool is_complete(const ag_blob_backend *b)
{
    return b->scheme && b->state_size && b->open && b->close && b->write && b->read && b->stat && b->remove && b->walk;
}

int ag_blob_backend_find(const char *address, const ag_blob_backend **out, ag_err *err)
{
    ag_str text = ag_str_of(address);
    size_t colon = ag_str_find(text, AG_STR("://"), 0);
    ag_str scheme = colon == SIZE_MAX ? AG_STR("file") : ag_str_slice(text, 0, colon);
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (!ag_str_is(scheme, backends[i]->scheme)) continue;
        if (!is_complete(backends[i])) {
            return ag_fail(err, AG_EINTERNAL, "the blob backend '%s' lacks a required function", backends[i]->scheme);
        }
        *out = backends[i];
        return 0;
    }
    ag_fail(err, AG_EUNSUPPORTED, "no blob store for '%.*s://'", AG_STR_ARG(scheme));
    return ag_err_hint(err, "Known are a directory, file:// and s3://.");
}
