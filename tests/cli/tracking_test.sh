#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `auger train --tracking`: a training is recorded on a server that is there, and on one that comes later.
set -eu
auger=$AUGER_BUILD/auger
dir=$(mktemp -d "${TMPDIR:-/tmp}/auger-tracking.XXXXXX")
server=
stop()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; rm -rf "$dir"' EXIT

serve()
{
    "$auger" serve --home "$dir/home" --port "${1:-0}" --no-access-log >"$dir/address" 2>"$dir/errors" &
    server=$!
    for _ in $(seq 600); do
        [ ! -s "$dir/address" ] || break
        sleep 0.05
    done
    address=$(cat "$dir/address")
}

fail()
{
    echo "$1"
    exit 1
}

awk 'BEGIN { print "a"; for (i = 0; i < 200; i++) printf "%.4f\n", sin(i * 0.5) }' >"$dir/waves.csv"
cat >"$dir/config.yaml" <<'END'
strategy: forecast
model_config: {architecture: nlinear}
data_config: {context_length: 8, horizon: 2}
training_config: {epochs: 3, batch_size: 32}
register: {name: waves, alias: best}
experiment_name: sines
END
train()
{
    "$auger" train -c "$dir/config.yaml" -d "$dir/waves.csv" --home "$dir/mine" --progress plain --json "$@"
}

serve
train -o "$dir/one" --tracking "$address" >"$dir/one.json" 2>"$dir/log"
grep -q '"version": *"waves/1"' "$dir/one.json" || fail "no version: $(cat "$dir/one.json" "$dir/log")"
run=$(sed -n 's/.*"run_id": *"\([0-9a-f]*\)".*/\1/p' "$dir/one.json")
"$auger" runs show "$run" --home "$dir/home" --json >"$dir/run.json"
grep -q FINISHED "$dir/run.json" || fail "not finished: $(cat "$dir/run.json")"
"$auger" models show waves --home "$dir/home" | grep -q best || fail "no alias"

# Away: a sentence, a model, and the next one delivers both.
port=${address##*:}
stop
train -o "$dir/two" --tracking "$address" >"$dir/two.json" 2>"$dir/log"
grep -q 'calls wait in' "$dir/log" || fail "nothing was said: $(cat "$dir/log")"
[ -f "$dir/two/model/auger.json" ] || fail "no model"
serve "$port"
train -o "$dir/three" --tracking "$address" >"$dir/three.json" 2>"$dir/log"
[ "$("$auger" runs list --experiment sines --home "$dir/home" --json | grep -o '"status": *"FINISHED"' | wc -l)" = 3 ] || fail "not three runs"
grep -q '"version": *"waves/3"' "$dir/three.json" || fail "not the third version: $(cat "$dir/three.json")"

# What is no server, and two ledgers at once.
! train -o "$dir/four" --tracking postgresql://x >"$dir/log" 2>&1 || fail "it took a database"
grep -q 'no address of a server' "$dir/log" || fail "$(cat "$dir/log")"
! train -o "$dir/four" --tracking "$address" --db x.db >"$dir/log" 2>&1 || fail "it took two ledgers"
grep -q 'name two ledgers' "$dir/log" || fail "$(cat "$dir/log")"
