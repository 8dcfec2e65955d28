#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2015,SC2030,SC2031,SC2059 # tests in a row; homes of their own in subshells; a byte from its number
# Data sets from outside, with the real program: versions, checkout, one flipped bit anywhere, kills at any moment,
# several adds at once, garbage. Prints TAP. $AUGER_BUILD is the build directory; AUGER_TEST_FULL=1 kills more often.
set -u
auger=$(cd "${AUGER_BUILD:-build}" && pwd)/auger
# shellcheck source=tests/cli/frame.sh
. "${AUGER_SOURCE:-.}/tests/cli/frame.sh"
kills=3
flips=4
[ "${AUGER_TEST_FULL:-}" != 1 ] || { kills=60; flips=120; }
export AUGER_HOME="$scratch/home"

data() { "$auger" data "$@" --quiet; }
is() { [ "$1" = "$2" ] || { echo "wanted '$2', got '$1'"; false; }; }
has() { case $1 in *"$2"*) ;; *) echo "no '$2' in '$1'"; false ;; esac; }
fails() { if "$@"; then echo 'it did not fail'; false; fi; }
digest() { data list "$1" --json | grep -o '"digest":"[0-9a-f]*"' | tail -1; }
same() { diff -r --exclude=.prepare "$1" "$2"; }

cd "$scratch" || exit 1
"$auger" simulate drilling -o holes --holes 24 --seed 5 --quiet >/dev/null
"$auger" prepare -i holes -o prepared --validate --auto-label --quiet >/dev/null

check 'a prepared directory is added' has "$(data add drilling prepared --tag first)" 'drilling@v1'
check 'again it is the same version' has "$(data add drilling prepared)" 'nothing new'
check 'drilling files are holes, a table of them labels' has "$(data add raw holes --labels holes/truth.csv)" '24 holes, 24 of them labelled'
check 'it is checked out to the byte' data checkout drilling@first out
check 'all of it' same prepared out
check 'and nothing twice' has "$(data checkout drilling@first out)" '0 files written'
echo other >out/holes.csv
check 'a foreign file is not written over' fails data checkout drilling@v1 out
check 'it is as it was' is "$(cat out/holes.csv)" other
rm -rf out
data checkout raw out >/dev/null
rm out/labels.csv
check 'drilling files come back to the byte' same holes out
check 'everything is verified' has "$(data verify)" 'all right: 2 versions'
check 'nothing is garbage' has "$(data gc)" '0 objects'

# One flipped bit: in any stored file, at any place.
flip()
{
    local file size at
    mapfile -t files < <(find "$AUGER_HOME/blobs" -type f | LC_ALL=C sort)
    file=${files[$((RANDOM % ${#files[@]}))]}
    size=$(stat -c %s "$file")
    [ "$size" -gt 0 ] || return 0
    at=$(((RANDOM * 32768 + RANDOM) % size))
    cp "$file" "$scratch/kept"
    printf "\\x$(printf %x $((0x$(od -An -tx1 -j "$at" -N 1 "$file" | tr -d " ") ^ (1 << (RANDOM % 8)))))" |
        dd of="$file" bs=1 seek="$at" conv=notrunc status=none
    data verify >"$scratch/found" 2>&1
    local rc=$?
    cat "$scratch/kept" >"$file"
    [ $rc -eq 1 ] && grep -qE 'damaged|blob store' "$scratch/found" || { echo "byte $at of $file: status $rc"; cat "$scratch/found"; false; }
}
flipped()
{
    for _ in $(seq "$flips"); do flip || return 1; done
    has "$(data verify)" 'all right'
}
check 'one flipped bit is found' flipped

# Killed at any moment, the same command gives the same bytes.
wanted=$(digest raw)
killed()
{
    local n
    for n in $(seq "$kills"); do
        rm -rf "$scratch/killed"
        for _ in 1 2 3; do
            AUGER_HOME=$scratch/killed "$auger" data add raw holes --labels holes/truth.csv --quiet >/dev/null 2>&1 &
            local pid=$!
            sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
            kill -9 $pid 2>/dev/null
            wait $pid 2>/dev/null
        done
        (
            export AUGER_HOME=$scratch/killed
            data add raw holes --labels holes/truth.csv >/dev/null || exit 1
            is "$(digest raw)" "$wanted" || exit 1
            has "$(data list raw)" 'raw@v1' || exit 1
            data verify >/dev/null || { echo "verify failed in round $n"; exit 1; }
            rm -rf "$scratch/back"
            data checkout raw "$scratch/back" >/dev/null && rm "$scratch/back/labels.csv" && same holes "$scratch/back"
        ) || return 1
    done
}
check 'killed adds are taken up and give the same bytes' killed
check 'what they left goes, what is needed stays' env AUGER_HOME="$scratch/killed" "$auger" data gc --apply --grace 0 --quiet
check 'so that all is right' env AUGER_HOME="$scratch/killed" "$auger" data verify --quiet

# Several at once, beside collections.
crowd()
{
    local pids='' n
    export AUGER_HOME=$scratch/crowd
    for n in 1 2 3 4; do
        data add raw holes --labels holes/truth.csv >"$scratch/crowd-$n" 2>&1 &
        pids="$pids $!"
    done
    for n in $pids; do
        [ ! -f "$AUGER_HOME/auger.db" ] || data gc --apply --grace 0 >/dev/null 2>&1
        wait "$n" || { cat "$scratch"/crowd-*; return 1; }
    done
    is "$(digest raw)" "$wanted" && is "$(data list raw --json | grep -o '"version":[0-9]*' | sort -u)" '"version":1' &&
        data verify >/dev/null
}
check 'several add the same at once, beside collections' crowd
export AUGER_HOME="$scratch/home"

# What programs read is JSON, each a single document.
documents()
{
    local words
    for words in 'list' 'show raw' 'diff raw@v1 drilling' 'split raw --folds 3 --stratify class' 'verify raw' 'tag raw@v1 gold' \
        'lineage raw' 'checkout drilling json-out' 'gc' 'add drilling prepared'; do
        # shellcheck disable=SC2086 # words of a command line
        data $words --json >"$scratch/json" || { echo "auger data $words --json failed"; return 1; }
        python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$scratch/json" || { echo "auger data $words"; return 1; }
    done
}
check 'every command prints JSON' documents
folds() { data split raw --folds 3 --group machine,tool,program --stratify class --seed 9 --output "$1" >/dev/null; }
check 'a split is written' folds a.csv
check 'twice the same, to the byte' folds b.csv
check 'and it is' cmp a.csv b.csv
check 'a missing data set is said' has "$(data show nothing 2>&1)" 'there is no data set'

check 'a name must be a name' fails data add 'no name' holes
echo "1..$cases"
