// SPDX-License-Identifier: Apache-2.0
/* encode.c: hex and base64. Reading is strict: a foreign character, bits left over behind the last byte, or padding in
 * the wrong place is an error, so that one byte string has one text (per alphabet). Not for secrets that must not leak
 * through timing. Threads: any. */
#include "core/hash/encode.h"

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rng.h"

void ag_hex(const void *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[at[i] >> 4];
        out[2 * i + 1] = digits[at[i] & 15];
    }
    out[2 * size] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int ag_unhex(ag_str hex, void *out, size_t size, ag_err *err)
{
    if (hex.size % 2 || hex.size / 2 != size)
        return ag_fail(err, AG_EPARSE, "expected %zu hexadecimal digits, got %zu characters", size * 2, hex.size);
    for (size_t i = 0; i < hex.size; i++)
        if (hex_value(hex.data[i]) < 0)
            return ag_fail(err, AG_EPARSE, "character %zu is not a hexadecimal digit", i + 1);
    uint8_t *to = out;
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(hex_value(hex.data[2 * i]) * 16 + hex_value(hex.data[2 * i + 1]));
    return AG_OK;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int encode(ag_buf *out, ag_str bytes, const char *alphabet, bool pad)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    for (size_t left = bytes.size; left > 0;) {
        size_t count = left < 3 ? left : 3;
        uint32_t group = (uint32_t)at[0] << 16 | (count > 1 ? (uint32_t)at[1] << 8 : 0) | (count > 2 ? at[2] : 0u);
        char text[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], alphabet[group >> 6 & 63],
                        alphabet[group & 63]};
        for (size_t i = count + 1; i < 4; i++) text[i] = '=';
        int rc = ag_buf_add(out, text, pad ? 4 : count + 1);
        if (rc < 0) return rc;
        at += count;
        left -= count;
    }
    return out->failed;
}

int ag_base64(ag_buf *out, ag_str bytes)
{
    return encode(out, bytes, standard, true);
}

int ag_base64_url(ag_buf *out, ag_str bytes)
{
    return encode(out, bytes, url_safe, false);
}

/* 0..63; -1 for a foreign character. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Cuts correct padding off; an impossible length or one that the padding does not fill up is refused. */
static int strip_padding(ag_str *text, ag_err *err)
{
    size_t padding = 0;
    while (padding < 2 && text->size > padding && text->data[text->size - 1 - padding] == '=') padding++;
    if (padding > 0 && text->size % 4 != 0)
        return ag_fail(err, AG_EPARSE, "base64 text with padding in the wrong place");
    text->size -= padding;
    if (text->size % 4 == 1) return ag_fail(err, AG_EPARSE, "base64 text is cut off");
    return AG_OK;
}

int ag_unbase64(ag_str text, ag_buf *out, ag_err *err)
{
    int rc = strip_padding(&text, err);
    if (rc < 0) return rc;
    bool is_standard = false, is_url = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (base64_value(c) < 0) return ag_fail(err, AG_EPARSE, "character %zu is not base64", i + 1);
        is_standard |= c == '+' || c == '/';
        is_url |= c == '-' || c == '_';
    }
    if (is_standard && is_url)
        return ag_fail(err, AG_EPARSE, "base64 text mixes the standard and the URL-safe alphabet");
    size_t before = out->size;
    for (size_t i = 0; i < text.size; i += 4) {
        size_t count = text.size - i < 4 ? text.size - i : 4;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) group = group << 6 | (k < count ? (uint32_t)base64_value(text.data[i + k]) : 0);
        char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
        if ((count == 2 && (group & 0xffff)) || (count == 3 && (group & 0xff))) {
            out->size = before;
            return ag_fail(err, AG_EPARSE, "base64 text has bits left over at its end");
        }
        ag_buf_add(out, bytes, count - 1);
    }
    return ag_buf_check(out, "decoded base64", err);
}

int ag_id_new(char out[33], ag_err *err)
{
    uint8_t random[16];
    int rc = ag_random_bytes(random, sizeof(random), err);
    if (rc < 0) return rc;
    ag_hex(random, sizeof(random), out);
    return AG_OK;
}
