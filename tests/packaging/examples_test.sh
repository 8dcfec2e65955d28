#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of training from C and C++, built as their first lines say, train and answer for a hole.
set -u
cd "$AUGER_SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PKG_CONFIG_PATH="$AUGER_BUILD/meson-uninstalled" LD_LIBRARY_PATH="$AUGER_BUILD"
count=0

answer()
{
    count=$((count + 1))
    if "$@" >"$work/said" 2>&1; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        sed 's/^/# /' "$work/said"
    fi
}

prepare_holes()
{
    "$AUGER_BUILD/auger" simulate drilling --output-dir "$work/files" --holes 10 --seed 3 --quiet &&
        "$AUGER_BUILD/auger" prepare --input-dir "$work/files" --output-dir "$work/prepared" --auto-label --quiet &&
        hole=$(find "$work/files" -name '*.xls' | sort | head -1) && [ -n "$hole" ]
}

trains_and_answers()
{
    "$work/$1" "$work/prepared" "$work/out-$1" "$hole" >"$work/printed" || return 1
    grep -q 'epoch 2' "$work/printed" && grep -q 'it cannot tell\|^entry ' "$work/printed" || return 1
    ! "$work/$1" "$work/nowhere" "$work/out-$1" "$hole"
}

c_example_trains_and_answers()
{
    # shellcheck disable=SC2046 # pkg-config prints words
    ${CC:-cc} -std=c17 -Wall -Wextra -Werror examples/train.c -o "$work/c" $(pkg-config --cflags --libs auger) &&
        trains_and_answers c
}

cpp_example_trains_and_answers()
{
    # shellcheck disable=SC2046 # pkg-config prints words
    ${CXX:-c++} -std=c++17 -Wall -Wextra -Werror examples/train.cpp -o "$work/cpp" $(pkg-config --cflags --libs auger) &&
        trains_and_answers cpp
}

# The library calls nothing of a plug-in's maker but what plugin.h says: it needs no libauger to link with.
plugin_example_links_with_nothing_of_ours()
{
    # shellcheck disable=SC2046 # pkg-config prints words
    ${CC:-cc} -shared -fPIC -O2 -Wall -Wextra -Werror examples/plugin/mean.c -o "$work/libmean.so" $(pkg-config --cflags auger) &&
        ! nm -D --undefined-only "$work/libmean.so" | grep auger_ &&
        "$AUGER_BUILD/auger" train --config examples/plugin/mean.yaml --strategy "$work/libmean.so" --data-dir "$work/prepared" \
            --output-dir "$work/mean" --home "$work/home" &&
        "$AUGER_BUILD/auger" evaluate --model-dir "$work/mean/model" --strategy "$work/libmean.so" --test-data "$work/prepared" &&
        ! "$AUGER_BUILD/auger" evaluate --model-dir "$work/mean/model" --test-data "$work/prepared"
}

# A plug-in that answers for holes: in every command that asks a model, and from a record only when it is named.
plugin_example_answers_for_holes()
{
    auger=$AUGER_BUILD/auger object=$work/libplunge.so
    # shellcheck disable=SC2046 # pkg-config prints words
    ${CC:-cc} -shared -fPIC -O2 -Wall -Wextra -Werror examples/plugin/plunge.c -o "$object" $(pkg-config --cflags auger) &&
        "$auger" train --config examples/plugin/plunge.yaml --strategy "$object" --data-dir "$work/prepared" \
            --output-dir "$work/plunge" --home "$work/home" --json >"$work/trained" &&
        "$auger" predict --model "$work/plunge" --strategy "$object" "$work/files" --json >"$work/answers" &&
        grep -q '"outcome":"found"' "$work/answers" &&
        "$auger" evaluate --model-dir "$work/plunge" --strategy "$object" --test-data "$work/prepared" \
            --truth "$work/files/truth.csv" --json >"$work/scores" && grep -q '"entry"' "$work/scores" &&
        ! "$auger" predict --model "$work/plunge" "$work/files" &&
        ! "$auger" predict --model "$work/mean" --strategy "$work/libmean.so" "$work/files" &&
        run=$(sed -n 's/.*"run_id": *"\([0-9a-f]*\)".*/\1/p' "$work/trained") && [ -n "$run" ] &&
        ! "$auger" replay "$run" --home "$work/home" --output-dir "$work/refused" &&
        mv "$object" "$work/libmoved.so" &&
        "$auger" replay "$run" --home "$work/home" --output-dir "$work/replayed" --strategy "$work/libmoved.so"
}

# docs/strategies.md shows a whole strategy as a diff: what it adds must compile.
strategy_of_the_documentation_compiles()
{
    sed -n '/^+++ b\/src\/learn\/strategies\/mean.c/,/^--- a\//s/^+//p' docs/strategies.md | sed '/^++ b/d' >"$work/mean.c"
    echo 'extern const ag_strategy ag_strategy_mean;' >"$work/declared.h"
    sed -i '/strategies\/list.h/r '"$work/declared.h" "$work/mean.c"
    grep -q 'ag_strategy_mean = {' "$work/mean.c" || return 1
    set --
    for floor in core ledger data learn; do set -- "$@" "-I$AUGER_BUILD/floors/$floor"; done
    ${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Iinclude "$@" "$work/mean.c"
}

answer prepare_holes
answer strategy_of_the_documentation_compiles
answer c_example_trains_and_answers
answer cpp_example_trains_and_answers
answer plugin_example_links_with_nothing_of_ours
answer plugin_example_answers_for_holes
echo "1..$count"
