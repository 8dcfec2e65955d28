#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of the program from outside share: a directory that goes at the end, and cases in TAP. To be read in by
# them ("."), after `auger` is set, which expect runs.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cases=0

# check NAME COMMAND...: a case that passes when the command succeeds.
check() {
    local name=$1
    shift
    cases=$((cases + 1))
    if "$@" >"$scratch/check" 2>&1; then
        echo "ok $cases - $name"
    else
        echo "not ok $cases - $name"
        sed 's/^/# /' "$scratch/check" "$scratch/out" "$scratch/err" 2>/dev/null
    fi
}

# expect STATUS NAME WORDS...: runs auger with the words; standard output and error go to $scratch/out and err.
expect() {
    local wanted=$1 name=$2 status=0
    shift 2
    "${auger:?}" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" = "$wanted" ] || echo "# auger ended with exit status $status, not $wanted"
    check "$name (status)" [ "$status" = "$wanted" ]
}

out_has() { grep -qF -- "$1" "$scratch/out"; }
err_has() { grep -qF -- "$1" "$scratch/err"; }
