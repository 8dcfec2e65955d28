#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests that start a program in the background share. To be read in by them (".").

# first_line FILE ERRORS COMMAND...: starts it and waits for the first line of its output; $! is its number. False when it
# ended without one. The files are emptied here, since a command that is started has perhaps not emptied them yet when
# the shell looks for the first time, and what an earlier one said would be taken for its answer.
first_line()
{
    said=$1 complained=$2
    shift 2
    : >"$said"
    : >"$complained"
    "$@" >"$said" 2>"$complained" &
    for _ in $(seq 25000); do
        [ ! -s "$said" ] || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.02
    done
    [ -s "$said" ] # it may have said it and ended in between
}
