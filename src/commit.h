// SPDX-License-Identifier: Apache-2.0
#pragma once
/* commit.h: made by the build from commit.h.in. */
#define AG_COMMIT "bde8493a4d7d-changed"
