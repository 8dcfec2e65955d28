// SPDX-License-Identifier: Apache-2.0
#pragma once
/* yaml_scalar.h: what a plain scalar means in YAML 1.2's core schema. */
#include <stdbool.h>

#include "core/base/str.h"
#include "core/doc/value.h"

/* Sets kind and content of *out (its place stays): null, boolean, integer or real; anything else is AG_STRING and its
 * content is left to the caller. `text` is NUL-terminated. False when it is a number too large for a double. */
bool ag_yaml_resolve(ag_str text, ag_value *out);

/* True for texts that YAML 1.1 or 1.2 readers take for something else than a string or that need quotes in block
 * style: everything but simple words. */
bool ag_yaml_needs_quotes(ag_str text);
