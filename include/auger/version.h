// SPDX-License-Identifier: Apache-2.0
#pragma once
/* version.h: which Auger this is. */
#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AUGER_API __attribute__((visibility("default")))
#else
#define AUGER_API
#endif

/* "0.1.0": of the library that is loaded, which may be newer than the header. Never NULL. */
AUGER_API const char *auger_version(void);

#ifdef __cplusplus
}
#endif
