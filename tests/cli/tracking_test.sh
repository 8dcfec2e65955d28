#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `auger train --tracking`: a training is recorded on a server that is there, and on one that comes later.
set -eu
auger=$AUGER_BUILD/auger
dir=$(mktemp -d "${TMPDIR:-/tmp}/auger-tracking.XXXXXX")
server=
holder=
stop()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; [ -z "$holder" ] || kill "$holder" 2>/dev/null; rm -rf "$dir"' EXIT

fail()
{
    echo "$1"
    exit 1
}

# shellcheck source=tests/cli/background.sh
. "${AUGER_SOURCE:-.}/tests/cli/background.sh"
# The server comes and goes, and nobody else is given its port meanwhile.
first_line "$dir/port" "$dir/errors" python3 "${AUGER_SOURCE:-.}/tests/peers/reserved_port.py" ||
    fail "no port: $(cat "$dir/errors")"
holder=$!
port=$(cat "$dir/port")

serve()
{
    first_line "$dir/address" "$dir/errors" "$auger" serve --home "$dir/home" --port "$port" "$@" --no-access-log ||
        fail "the server said nothing: $(cat "$dir/errors")"
    server=$!
    address=$(cat "$dir/address")
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
stop
train -o "$dir/two" --tracking "$address" >"$dir/two.json" 2>"$dir/log"
grep -q 'calls wait in' "$dir/log" || fail "nothing was said: $(cat "$dir/log")"
[ -f "$dir/two/model/auger.json" ] || fail "no model"
status=0
"$auger" runs deliver --home "$dir/mine" --wait 0.3s --json >"$dir/json" 2>"$dir/log" || status=$?
[ "$status" = 1 ] || fail "delivered to nobody: $status $(cat "$dir/json" "$dir/log")"
grep -q '"away": *true' "$dir/json" || fail "not away: $(cat "$dir/json")"
serve
"$auger" runs deliver --home "$dir/mine" >"$dir/log" 2>&1 || fail "not delivered: $(cat "$dir/log")"
grep -q "^\([0-9]*\) of \1 calls delivered to $address" "$dir/log" || fail "$(cat "$dir/log")"
"$auger" models show waves --home "$dir/home" | grep -q best || fail "no version was delivered"
[ "$("$auger" runs list --experiment sines --home "$dir/home" --json | grep -o '"status": *"FINISHED"' | wc -l)" = 2 ] || fail "not two runs"
"$auger" runs deliver --home "$dir/mine" --json >"$dir/json" || fail "nothing is no failure"
grep -q '"delivered": *0.*"left": *0' "$dir/json" || fail "more than nothing: $(cat "$dir/json")"
"$auger" runs deliver --home "$dir/mine" --tracking "$address" | grep -q 'nothing waits in' || fail "nothing waits"
train -o "$dir/three" --tracking "$address" >"$dir/three.json" 2>"$dir/log"
[ "$("$auger" runs list --experiment sines --home "$dir/home" --json | grep -o '"status": *"FINISHED"' | wc -l)" = 3 ] || fail "not three runs"
grep -q '"version": *"waves/3"' "$dir/three.json" || fail "not the third version: $(cat "$dir/three.json")"

# For two servers that are away: the user says for which, since a token is for one.
stop
for to in 1 2; do
    queue=$dir/mine/spool/queue-0123456789abcdef0123456789abcde$to
    mkdir -p "$queue"
    printf 'http://127.0.0.1:%s' "$to" >"$queue/target"
done
status=0
"$auger" runs deliver --home "$dir/mine" >"$dir/log" 2>&1 || status=$?
[ "$status" = 2 ] || fail "not refused: $status $(cat "$dir/log")"
grep -q 'say for which: --tracking http' "$dir/log" || fail "$(cat "$dir/log")"
rm -rf "$dir/mine/spool"

# A server that knows people: one who may only read records nothing, one who may not use the model registers nothing;
# the training ends well, and --resume does the rest later.
rm -rf "${dir:?}/home"
"$auger" experiments create sines --home "$dir/home" >"$dir/log" 2>&1
"$auger" users create robot --no-password --home "$dir/home" >"$dir/log" 2>&1
token=$("$auger" users token create robot --home "$dir/home" 2>"$dir/log" | tr -d '\n')
"$auger" models register waves "$dir/config.yaml" --home "$dir/home" >"$dir/log"
"$auger" users permissions grant robot reader -e sines --home "$dir/home" 2>"$dir/log"
"$auger" users permissions grant robot reader -m waves --home "$dir/home" 2>"$dir/log"
serve --auth
export MLFLOW_TRACKING_TOKEN="$token"
train -o "$dir/five" --tracking "$address" >"$dir/five.json" 2>"$dir/log" || fail "refused, but trained: $(cat "$dir/log")"
grep -q '"not_registered"' "$dir/five.json" || fail "not said: $(cat "$dir/five.json")"
grep -q "written, but not registered as 'waves'" "$dir/log" || fail "no warning: $(cat "$dir/log")"
[ -s "$dir/mine/spool/failed.jsonl" ] || fail "nothing was refused"
"$auger" runs deliver --home "$dir/mine" >"$dir/json" 2>"$dir/log" || fail "$(cat "$dir/json" "$dir/log")"
grep -q 'nothing waits in' "$dir/json" || fail "the training has left calls that the next one would tell of: $(cat "$dir/json")"
[ ! -e "$dir/five/run.json" ] || fail "a run that nobody has is gone on with"
stop
"$auger" users permissions grant robot editor -e sines --home "$dir/home" 2>"$dir/log"
serve --auth
train -o "$dir/five" --resume --tracking "$address" >"$dir/five.json" 2>"$dir/log" || fail "$(cat "$dir/log")"
grep -q '"not_registered"' "$dir/five.json" || fail "not said: $(cat "$dir/five.json")"
[ "$(grep -c 'refused\|not registered' "$dir/log")" = 1 ] || fail "not one warning: $(cat "$dir/log")"
run=$(sed -n 's/.*"run_id": *"\([0-9a-f]*\)".*/\1/p' "$dir/five.json")
stop
"$auger" users permissions grant robot editor -m waves --home "$dir/home" 2>"$dir/log"
serve --auth
train -o "$dir/five" --resume --tracking "$address" >"$dir/five.json" 2>"$dir/log" || fail "$(cat "$dir/log")"
grep -q '"version": *"waves/2"' "$dir/five.json" || fail "not registered: $(cat "$dir/five.json" "$dir/log")"
grep -q "\"run_id\": *\"$run\"" "$dir/five.json" || fail "another run: $(cat "$dir/five.json")"
"$auger" runs show "$run" --home "$dir/home" --json | grep -q FINISHED || fail "not finished"

# What was refused is sent again: too early, when the cause is gone, and once.
finished()
{
    "$auger" runs list --experiment sines --home "$dir/home" --json | grep -o FINISHED | wc -l
}
before=$(finished)
[ -s "$dir/mine/spool/failed.jsonl" ] || fail "nothing is left to be sent again"
stop
"$auger" users permissions revoke robot -e sines --home "$dir/home" 2>"$dir/log"
"$auger" users permissions revoke robot -m waves --home "$dir/home" 2>"$dir/log"
"$auger" users permissions grant robot reader -e sines --home "$dir/home" 2>"$dir/log"
"$auger" users permissions grant robot reader -m waves --home "$dir/home" 2>"$dir/log"
serve --auth
! "$auger" runs deliver --again --home "$dir/mine" >"$dir/again" 2>"$dir/log" || fail "refused, but well: $(cat "$dir/again")"
grep -q 'refused things are sent again' "$dir/again" || fail "not sent: $(cat "$dir/again" "$dir/log")"
grep -q 'when the cause is gone' "$dir/again" || fail "no hint: $(cat "$dir/again" "$dir/log")"
[ -s "$dir/mine/spool/failed.jsonl" ] || fail "what was refused again is gone"
[ "$(finished)" = "$before" ] || fail "refused, but recorded"
stop
"$auger" users permissions grant robot editor -e sines --home "$dir/home" 2>"$dir/log"
"$auger" users permissions grant robot editor -m waves --home "$dir/home" 2>"$dir/log"
serve --auth
"$auger" runs deliver --again --home "$dir/mine" --json >"$dir/again" 2>"$dir/log" || fail "$(cat "$dir/again" "$dir/log")"
grep -q '"again": *[1-9]' "$dir/again" || fail "nothing sent again: $(cat "$dir/again")"
grep -q '"refused": *0,' "$dir/again" || fail "refused again: $(cat "$dir/again")"
[ ! -e "$dir/mine/spool/failed.jsonl" ] || fail "left behind: $(cat "$dir/mine/spool/failed.jsonl")"
[ -z "$(ls "$dir/mine/spool/failed")" ] || fail "contents are left behind"
[ "$(finished)" = $((before + 1)) ] || fail "the refused run is not there: $(finished) after $before"
"$auger" runs deliver --again --home "$dir/mine" --json >"$dir/again" 2>"$dir/log" || fail "$(cat "$dir/again" "$dir/log")"
grep -q '"again": *0' "$dir/again" || fail "sent twice: $(cat "$dir/again")"
unset MLFLOW_TRACKING_TOKEN

# What is no server, and two ledgers at once.
! train -o "$dir/four" --tracking postgresql://x >"$dir/log" 2>&1 || fail "it took a database"
grep -q 'no address of a server' "$dir/log" || fail "$(cat "$dir/log")"
! train -o "$dir/four" --tracking "$address" --db x.db >"$dir/log" 2>&1 || fail "it took two ledgers"
grep -q 'name two ledgers' "$dir/log" || fail "$(cat "$dir/log")"
