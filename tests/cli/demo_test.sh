#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole demo, as make demo runs it: what `auger demo --json` prints, that it goes on where it was, and that scripts/demo
# without a terminal shows everything and ends by itself. It takes minutes: AUGER_TEST_FULL=1. $AUGER_BUILD is the build.
set -u
if [ "${AUGER_TEST_FULL:-}" != 1 ]; then
    echo '1..1'
    echo 'ok 1 - the whole demo # SKIP it takes minutes: AUGER_TEST_FULL=1'
    exit 0
fi
cd "${AUGER_SOURCE:-.}" || exit 1
build=$(cd "${AUGER_BUILD:-build}" && pwd)
# shellcheck source=tests/cli/frame.sh
. tests/cli/frame.sh

# keys FILE: the names of one flat object with one object inside, in order.
keys() { grep -o '"[a-z0-9_]*":' "$1" | tr -d '":' | tr '\n' ' '; }
is() { [ "$1" = "$2" ] || { echo "wanted '$2', got '$1'"; false; }; }
first() { "$build/auger" demo --dir "$scratch/demo" --json >"$scratch/first.json" 2>"$scratch/err" || { tail -5 "$scratch/err"; false; }; }
again() { "$build/auger" demo --dir "$scratch/demo" --json >"$scratch/again.json" 2>"$scratch/err" || { tail -5 "$scratch/err"; false; }; }
tour() { scripts/demo "$scratch/demo" </dev/null >"$scratch/tour" 2>&1 || { tail -20 "$scratch/tour"; false; }; }

echo '1..8'
check 'ends well' first
check 'prints exactly what it promises' is "$(keys "$scratch/first.json")" \
    'seconds holes mae_mm entry transition exit p95_mm failures baseline_mae_mm run_id model report '
check 'has written the report' test -s "$scratch/demo/report.html"
check 'goes on where it was, which is the end' again
check 'in the same run' is "$(grep -o '"run_id":"[0-9a-f]*"' "$scratch/again.json")" \
    "$(grep -o '"run_id":"[0-9a-f]*"' "$scratch/first.json")"
check 'scripts/demo shows it and ends by itself' tour
check 'with the address of the server' grep -qE 'http://127\.0\.0\.1:[0-9]+ ' "$scratch/tour"
check 'which has ended' bash -c "! curl -sf --max-time 2 \$(grep -oE 'http://127\.0\.0\.1:[0-9]+' '$scratch/tour' | head -1)/health"
