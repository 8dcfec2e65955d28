// SPDX-License-Identifier: Apache-2.0
/* data.c: what the commands on data sets share. Like the commands on the ledger they work on the stores themselves,
 * beside a server that runs. */
#include "app/cli/data.h"

#include "core/io/path.h"
#include "core/show/text.h"
#include "core/sys/clock.h"

const char *ag_cli_data_address(ag_invocation *invocation)
{
    const char *address = ag_option_text(invocation, "blobs");
    return address ? address : ag_path_join(invocation->arena, ag_home(invocation), "blobs");
}

int ag_cli_data_open(ag_invocation *invocation, bool make, ag_cli_data *out, ag_err *err)
{
    *out = (ag_cli_data){.actor = ag_cli_actor()};
    const char *address = ag_cli_data_address(invocation);
    int rc = ag_cli_open_ledger(invocation, make, &out->ledger, err);
    if (rc < 0) return rc;
    if (!address) return ag_fail_memory(err, 4096);
    const ag_blob_options options = {.cancel = invocation->cancel};
    if ((rc = ag_blob_open(address, &options, &out->blobs, err)) < 0) return rc;
    out->place = (ag_dataset_place){.ledger = out->ledger,
                                    .blobs = out->blobs,
                                    .home = ag_home(invocation),
                                    .actor = &out->actor,
                                    .cancel = invocation->cancel};
    return AG_OK;
}

void ag_cli_data_close(ag_cli_data *data)
{
    ag_progress_free(data->place.progress);
    ag_blob_close(data->blobs);
    ag_ledger_close(data->ledger);
}

int ag_cli_data_version(ag_invocation *invocation, const ag_cli_data *data, const char *positional,
                        ag_dataset_version *out, ag_err *err)
{
    return ag_dataset_find(data->ledger, ag_str_of(ag_option_text(invocation, positional)), invocation->arena, out,
                           err);
}

const char *ag_cli_data_name(ag_arena *arena, const ag_dataset_version *version)
{
    return ag_arena_printf(arena, "%s@v%lld", version->name, (long long)version->number);
}

const char *ag_cli_data_short(ag_arena *arena, const ag_dataset_version *version)
{
    return ag_arena_strndup(arena, version->digest, strlen(version->digest) < 12 ? strlen(version->digest) : 12);
}

const char *ag_cli_data_tags(ag_arena *arena, const ag_dataset_version *version)
{
    const char *text = "";
    for (size_t i = 0; i < version->tag_count && text; i++)
        text = ag_arena_printf(arena, "%s%s%s", text, i ? ", " : "", version->tags[i]);
    return text;
}

const char *ag_cli_data_bytes(ag_arena *arena, double bytes)
{
    ag_buf text;
    ag_buf_init(&text, 64);
    ag_show_bytes(&text, bytes);
    const char *copy = ag_arena_strndup(arena, ag_buf_str(&text).data, text.size);
    ag_buf_deinit(&text);
    return copy;
}

void ag_cli_data_write(ag_json *json, const ag_dataset_version *version)
{
    char at[40];
    ag_instant_format(version->created_at, 6, at);
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", version->name);
    ag_json_put_int(json, "version", version->number);
    ag_json_put_text(json, "digest", version->digest);
    ag_json_name(json, "parent");
    if (version->parent)
        ag_json_int(json, version->parent);
    else
        ag_json_null(json);
    ag_json_name(json, "tags");
    ag_json_begin_array(json);
    for (size_t i = 0; i < version->tag_count; i++) ag_json_text(json, version->tags[i]);
    ag_json_end_array(json);
    ag_json_put_text(json, "source", version->source);
    ag_json_put_text(json, "message", version->message);
    ag_json_put_text(json, "author", version->author);
    ag_json_put_text(json, "created_at", at);
    ag_json_put_int(json, "files", version->files);
    ag_json_put_int(json, "bytes", version->bytes);
    ag_json_put_int(json, "holes", version->holes);
    ag_json_put_int(json, "labelled", version->labelled);
    ag_json_put_int(json, "rows", version->rows);
    ag_json_end_object(json);
}
