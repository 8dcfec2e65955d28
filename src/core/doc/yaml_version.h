// SPDX-License-Identifier: Apache-2.0
#pragma once
/* yaml_version.h: the version that a YAML text says it is in. */
#include <stddef.h>

#include "core/base/str.h"

/* Where the 2 of a directive `%YAML 1.2` stands, which only blank lines, comments and other directives may precede;
 * SIZE_MAX when there is none. */
size_t ag_yaml_version_minor(ag_str text);
