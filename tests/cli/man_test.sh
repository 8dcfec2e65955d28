#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every man page: roff without a warning, there for every command, and readable by man. Prints TAP.
set -u
build=${AUGER_BUILD:-build}
auger=$build/auger
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cases=0

report() { # NAME TEXT: passes when the text is empty
    cases=$((cases + 1))
    if [ -z "$2" ]; then
        echo "ok $cases - $1"
    else
        echo "not ok $cases - $1"
        printf '%s\n' "$2" | sed 's/^/# /'
    fi
}

skip() {
    cases=$((cases + 1))
    echo "# skipped: $2"
    echo "ok $cases - $1 # SKIP $2"
}

mapfile -t paths < <("$auger" help --json | python3 -c 'import json, sys
for command in json.load(sys.stdin)["commands"]: print(command["path"])')
[ "${#paths[@]}" -gt 0 ] || exit 1
for path in '' "${paths[@]}"; do
    # shellcheck disable=SC2086 # the words of a path
    "$auger" help --man $path >"$scratch/page.1"
    name=auger${path:+-${path// /-}}
    if command -v groff >/dev/null; then
        report "$name: groff has nothing to say" "$(groff -man -ww -b -z -Tutf8 "$scratch/page.1" 2>&1)"
    else
        skip "$name: groff has nothing to say" 'groff is not installed'
    fi
    cmp -s "$scratch/page.1" "$build/src/app/cli/pages/$name.1"
    same=$?
    report "$name: the build made this page" "$([ $same = 0 ] || echo "$name.1 differs or is not there")"
done
if command -v groff >/dev/null; then
    "$auger" help --man doctor | groff -man -Tutf8 -P-cbou 2>/dev/null >"$scratch/text"
    report 'options can be copied' "$(grep -q -- '--log-level LEVEL' "$scratch/text" || cat "$scratch/text")"
else
    skip 'options can be copied' 'groff is not installed'
fi
echo "1..$cases"
