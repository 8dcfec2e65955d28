// SPDX-License-Identifier: Apache-2.0
#pragma once
/* answer.h: the one translation between our errors and those of the public C API. */
#include "auger/error.h"
#include "core/base/err.h"

/* What a public function returns for `rc`: it, or 0 when it is not negative. *error (may be NULL) gets code, text with
 * its place, and hint; zeros after success. `err` is looked at after a failure only. */
int ag_answer(int rc, const ag_err *err, auger_error *error);
/* The way back, where we call a public function ourselves: fails with what it has answered, `rc` < 0. */
int ag_fail_answered(int rc, const auger_error *error, ag_err *err);
