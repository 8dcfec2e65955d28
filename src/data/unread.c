// SPDX-License-Identifier: Apache-2.0
/* unread.c: see unread.h. */
#include "data/unread.h"

void ag_unread_json(const ag_unread *unread, ag_json *json)
{
    ag_json_put_int(json, "unread", (int64_t)unread->count);
    if (!unread->count) return;
    ag_json_name(json, "first_unread");
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", unread->first);
    ag_json_put_text(json, "error", unread->why);
    ag_json_end_object(json);
}
