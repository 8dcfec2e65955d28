// SPDX-License-Identifier: Apache-2.0
/* name.c: adjective, noun, number; from the operating system's randomness, since names need not be reproducible. */
#include "ledger/name.h"

#include <stdint.h>

#include "core/base/rng.h"
#include "core/base/str.h"

static const char *const adjectives[] = {
    "able",   "agile", "amber",   "bold",   "brave", "bright", "brisk", "calm",   "clean", "clear", "clever",
    "cool",   "crisp", "deft",    "eager",  "even",  "fair",   "fine",  "firm",   "fleet", "fresh", "gentle",
    "golden", "grand", "handy",   "happy",  "keen",  "kind",   "light", "lively", "lucky", "merry", "mild",
    "neat",   "noble", "patient", "plain",  "proud", "quick",  "quiet", "rapid",  "ready", "sharp", "silver",
    "smart",  "solid", "sound",   "steady", "stout", "strong", "sunny", "swift",  "tidy",  "true",  "warm",
};

static const char *const nouns[] = {
    "anvil",  "auger",  "awl",   "bench",   "bevel",  "bit",   "bolt",   "brace", "burr",   "chisel", "chuck",
    "clamp",  "coupon", "drill", "edge",    "feed",   "file",  "flange", "flute", "forge",  "gauge",  "gear",
    "hammer", "head",   "hinge", "jig",     "joint",  "lathe", "level",  "lever", "mallet", "mill",   "panel",
    "pin",    "pivot",  "plane", "plate",   "quill",  "rasp",  "reamer", "rivet", "rotor",  "saw",    "screw",
    "shim",   "sleeve", "spar",  "spindle", "spring", "stack", "thread", "tip",   "vise",   "wedge",  "wing",
};

int ag_name_generate(char out[48], ag_err *err)
{
    uint32_t random[3];
    int rc = ag_random_bytes(random, sizeof(random), err);
    if (rc < 0) return rc;
    ag_format(out, 48, "%s-%s-%u", adjectives[random[0] % (sizeof(adjectives) / sizeof(adjectives[0]))],
              nouns[random[1] % (sizeof(nouns) / sizeof(nouns[0]))], random[2] % 1000);
    return AG_OK;
}
