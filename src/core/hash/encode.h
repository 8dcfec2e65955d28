// SPDX-License-Identifier: Apache-2.0
#pragma once
/* encode.h: bytes as text and back: hex, base64 (standard and URL-safe), and new random ids. */
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

void ag_hex(const void *bytes, size_t size, char *out);        /* 2 * size + 1 bytes, lower case */
int ag_unhex(ag_str hex, void *out, size_t size, ag_err *err); /* exactly 2 * size digits */
int ag_base64(ag_buf *out, ag_str bytes);                      /* padded */
int ag_base64_url(ag_buf *out, ag_str bytes);                  /* '-', '_', no padding */
int ag_unbase64(ag_str text, ag_buf *out, ag_err *err);        /* either alphabet, padding optional, else strict */
/* 32 hex digits, random; the id of runs, experiments' artifacts, requests. */
int ag_id_new(char out[33], ag_err *err);
