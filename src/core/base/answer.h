// SPDX-License-Identifier: Apache-2.0
#pragma once
/* answer.h: the one translation from our errors to those of the public C API. */
#include "auger/error.h"
#include "core/base/err.h"

/* What a public function returns for `rc`: it, or 0 when it is not negative. *error (may be NULL) gets code, text with
 * its place, and hint; zeros after success. `err` is looked at after a failure only. */
int ag_answer(int rc, const ag_err *err, auger_error *error);
