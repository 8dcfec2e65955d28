// SPDX-License-Identifier: Apache-2.0
#pragma once
/* crc.h: the cyclic checksums that file formats of others ask for; never for trust. */
#include <stddef.h>
#include <stdint.h>

/* Of `bytes` behind what `before` is the checksum of (0: of nothing). */
uint32_t ag_crc32(uint32_t before, const void *bytes, size_t size);  /* of gzip, PNG and zip */
uint32_t ag_crc32c(uint32_t before, const void *bytes, size_t size); /* Castagnoli's: iSCSI, TensorFlow */
