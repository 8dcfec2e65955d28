#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests that kill trainings share. To be read in by them ("."), after `dir` is set, where log is.

now() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; } # ms, whatever becomes of the clock

# await DIRECTORY OUTPUT: until something is in it, or the training of that output has ended.
await()
{
    tries=0
    until [ -n "$(ls "$1" 2>/dev/null)" ] || [ -f "$2/metrics.json" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 50000 ] || { echo "$1 never came"; cat "${dir:?}/log"; exit 1; }
        sleep 0.01
    done
}
