#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A training of the program itself, killed with -9 again and again and resumed with another number of threads each time, leaves
# the model, the history and the scores of one that was never killed.
set -eu
auger=$AUGER_BUILD/auger
dir=$(mktemp -d "${TMPDIR:-/tmp}/auger-train.XXXXXX")
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/cli/killed.sh
. "${AUGER_SOURCE:-.}/tests/cli/killed.sh"
rounds=1
[ "${AUGER_TEST_FULL:-}" != 1 ] || rounds=50

awk 'BEGIN { print "date,a,b"; srand(3)
    for (i = 0; i < 600; i++)
        printf "2021-%02d-%02d %02d:00:00,%.4f,%.4f\n", 1 + int(i / 672), 1 + int(i % 672 / 24), i % 24, sin(i * 0.7) + rand() / 9, cos(i * 0.2) }' >"$dir/waves.csv"
cat >"$dir/config.yaml" <<'END'
strategy: forecast
model_config: {architecture: PatchTSMixer, patch_length: 4, patch_stride: 4, d_model: 8, num_layers: 1, dropout: 0.3}
data_config: {context_length: 24, horizon: 4}
training_config: {epochs: 16, batch_size: 32, ema_decay: 0.9, early_stopping: {patience: 3}}
scheduler: cosine
checkpoint_interval: 1ms
END

set -- train -c "$dir/config.yaml" -d "$dir/waves.csv" --no-record --progress off
begun=$(now)
"$auger" "$@" -o "$dir/whole" -j 1 >"$dir/log"
whole=$(($(now) - begun)) # ms: machines differ; kills come after a part of this, also where more threads take less
killed=0
round=0
while [ "$round" -lt "$rounds" ] || { [ "$killed" = 0 ] && [ "$round" -lt 30 ]; }; do
    round=$((round + 1))
    out=$dir/out$round
    try=0
    until [ -f "$out/metrics.json" ]; do
        try=$((try + 1))
        [ "$try" -lt 400 ] || { echo "it never ended"; exit 1; }
        "$auger" "$@" -o "$out" --resume -j $((1 + try % 4)) >"$dir/log" 2>&1 & # not in a function: $! would be its shell
        child=$!
        late=$((whole * (5 + (try * 37 + round * 11) % 30) / 100 + whole * try / 25))
        if [ "$try" = 1 ]; then # in the middle, however busy the machine was while the whole one was measured
            await "$out/checkpoints" "$out"
        else
            sleep "$((late / 1000)).$(printf %03d $((late % 1000)))"
        fi
        kill -9 "$child" 2>/dev/null || true
        status=0
        wait "$child" 2>/dev/null || status=$?
        case $status in
        0) ;;
        137) killed=$((killed + 1)) ;;
        *) cat "$dir/log"; exit 1 ;;
        esac
    done
    cmp "$dir/whole/model/model.safetensors" "$out/model/model.safetensors"
    cmp "$dir/whole/metrics.json" "$out/metrics.json"
    cmp "$dir/whole/history.csv" "$out/history.csv"
    rm -rf "$out"
done
[ "$killed" -gt 0 ] || { echo "nothing was killed"; exit 1; }
