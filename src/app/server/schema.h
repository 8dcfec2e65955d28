// SPDX-License-Identifier: Apache-2.0
#pragma once
/* schema.h: JSON Schema of a message of the API, written where it is used. Private to the room. */
#include "core/doc/describe.h"

/* An object with the description's fields. What is not in the table may be there and is ignored; null counts as absent;
 * whole numbers may be written as text, as protocol buffers take them. */
void ag_schema_put(ag_json *json, const ag_description *description);
/* The same of one field, for a parameter of a query. */
void ag_schema_put_field(ag_json *json, const ag_field *field);
