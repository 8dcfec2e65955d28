#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The pages "from a folder of files to a labelled data set" and "a first model": every command in them works and says what
# the page says; the first draws the pictures that stand in it. "Forecasting a series": every command works with the
# series that the page writes. $AUGER_BUILD is the build directory.
set -u
cd "${AUGER_SOURCE:-.}" || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tour"
echo '1..7'
if scripts/pictures --run "$scratch/tour" >"$scratch/out" 2>"$scratch/err"; then
    echo 'ok 1 - every command of the tutorial works'
else
    echo 'not ok 1 - every command of the tutorial works'
    tail -20 "$scratch/err" | sed 's/^/# /'
fi

# says PAGE OUTPUT...: what stands in blocks that are not commands, with ... for what is different each time.
says() {
    local page=$1 missing='' line pattern
    shift
    while read -r line; do
        pattern=$(printf '%s\n' "$line" | sed 's/[][\*^$]/\\&/g; s/\.\.\./.*/g; s/  */  */g')
        grep -q -- "$pattern" "$@" || missing="$missing
# $line"
    done < <(awk '/^```/ {block = block == "" ? $0 : ""; next} block == "```"' "$page")
    [ -z "$missing" ] || { echo "$missing"; false; }
}

if missing=$(says docs/tutorials/folder-to-dataset.md "$scratch/out"); then
    echo 'ok 2 - it says what the page says'
else
    echo "not ok 2 - it says what the page says$missing"
fi

if cmp -s "$scratch/tour/drift.svg" docs/images/dataset-drift.svg &&
    cmp -s "$scratch/tour/thickness.svg" docs/images/tutorial-thickness.svg &&
    cmp -s "$scratch/tour/hole.svg" docs/images/tutorial-hole.svg; then
    echo 'ok 3 - its pictures are those that the program draws'
else
    echo "not ok 3 - its pictures are those that the program draws: run scripts/pictures"
fi

if diff -rq --exclude=.prepare "$scratch/tour/work" "$scratch/tour/prepared" >/dev/null; then
    echo 'not ok 4 - the first delivery comes back, not the second'
else
    echo 'ok 4 - the first delivery comes back, not the second'
fi

# The first model: its commands as one script that stops at the first failure.
page=docs/tutorials/first-model.md
build=$(cd "${AUGER_BUILD:-build}" && pwd)
mkdir "$scratch/model"
{
    echo 'set -eu'
    awk '/^```sh$/ {inside = 1; next} /^```/ {inside = 0} inside' "$page"
} >"$scratch/commands"
if (cd "$scratch/model" && PATH="$build:$PATH" AUGER_HOME="$scratch/model/.auger" sh "$scratch/commands") \
    >"$scratch/out" 2>"$scratch/err"; then
    echo 'ok 5 - every command of the first model works'
else
    echo 'not ok 5 - every command of the first model works'
    tail -20 "$scratch/err" | sed 's/^/# /'
fi
if missing=$(says "$page" "$scratch/out" "$scratch/err"); then
    echo 'ok 6 - it says what the page says'
else
    echo "not ok 6 - it says what the page says$missing"
fi

# Forecasting: the series of the page, then what stands behind a prompt.
page=docs/tutorials/forecasting.md
mkdir "$scratch/series"
ln -s "$PWD/configs" "$scratch/series/configs"
{
    echo 'set -eu'
    awk '/^```sh$/ {inside = 1; next} /^```/ {inside = 0} inside' "$page"
    sed -n 's/^\$ //p' "$page" | sed 's/ETTh1\.csv/series.csv/g'
} >"$scratch/commands"
if [ "$(grep -c '^auger' "$scratch/commands")" -ge 5 ] &&
    (cd "$scratch/series" && PATH="$build:$PATH" AUGER_HOME="$scratch/series/.auger" sh "$scratch/commands") \
        >"$scratch/out" 2>"$scratch/err"; then
    echo 'ok 7 - every command about forecasts works with the series of the page'
else
    echo 'not ok 7 - every command about forecasts works with the series of the page'
    tail -20 "$scratch/err" | sed 's/^/# /'
fi
