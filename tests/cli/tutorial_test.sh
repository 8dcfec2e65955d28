#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page "from a folder of files to a labelled data set": every command in it works, says what the page says, and draws
# the pictures that stand in it. $AUGER_BUILD is the build directory.
set -u
cd "${AUGER_SOURCE:-.}" || exit 1
page=docs/tutorials/folder-to-dataset.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/work"
echo '1..4'
if scripts/pictures --run "$scratch/work" >"$scratch/out" 2>"$scratch/err"; then
    echo 'ok 1 - every command of the tutorial works'
else
    echo 'not ok 1 - every command of the tutorial works'
    tail -20 "$scratch/err" | sed 's/^/# /'
fi

# What stands in blocks that are not commands, with ... for what is different each time.
missing=
while read -r line; do
    pattern=$(printf '%s\n' "$line" | sed 's/[][\*^$]/\\&/g; s/\.\.\./.*/g')
    grep -q -- "$pattern" "$scratch/out" || missing="$missing
# $line"
done < <(awk '/^```/ {block = block == "" ? $0 : ""; next} block == "```"' "$page")
if [ -z "$missing" ]; then
    echo 'ok 2 - it says what the page says'
else
    echo "not ok 2 - it says what the page says$missing"
fi

if cmp -s "$scratch/work/drift.svg" docs/images/dataset-drift.svg &&
    cmp -s "$scratch/work/thickness.svg" docs/images/tutorial-thickness.svg &&
    cmp -s "$scratch/work/hole.svg" docs/images/tutorial-hole.svg; then
    echo 'ok 3 - its pictures are those that the program draws'
else
    echo "not ok 3 - its pictures are those that the program draws: run scripts/pictures"
fi

if diff -rq --exclude=.prepare "$scratch/work/work" "$scratch/work/prepared" >/dev/null; then
    echo 'not ok 4 - the first delivery comes back, not the second'
else
    echo 'ok 4 - the first delivery comes back, not the second'
fi
