#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A cross-validation of the program itself, with pretraining and simulated holes, killed with -9 at random and resumed
# with another number of threads each time, leaves the models, scores and table of one that was never killed; so does one
# that was stopped with Ctrl-C, and two that trained half of the folds each, in either order.
set -eu
auger=$AUGER_BUILD/auger
dir=$(mktemp -d "${TMPDIR:-/tmp}/auger-folds.XXXXXX")
trap 'rm -rf "$dir"' EXIT
# shellcheck source=tests/cli/killed.sh
. "${AUGER_SOURCE:-.}/tests/cli/killed.sh"
rounds=1
folds=4
if [ "${AUGER_TEST_FULL:-}" = 1 ]; then rounds=50 folds=24; fi

"$auger" simulate drilling --output-dir "$dir/files" --holes 28 --seed 5 --quiet >/dev/null
"$auger" prepare --input-dir "$dir/files" --output-dir "$dir/prepared" --auto-label --quiet >/dev/null 2>&1
cat >"$dir/config.yaml" <<END
strategy: patchtsmixer_24cv
model_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1, dropout: 0.2}
training_config:
  cross_validation: {n_folds: $folds}
  batch_size: 16
  epochs: 2
  ema_decay: 0.9
pretrain: {enabled: true, epochs: 1}
data_config: {preprocessing: {cell_mm: 1.2}, simulated: {holes: 10}}
checkpoint_interval: 1ms
END

same() { # DIRECTORY
    for file in metrics.json out_of_fold.csv; do cmp "$dir/whole/$file" "$1/$file"; done
    (cd "$dir/whole/model" && find . -name '*.safetensors' | sort) | while read -r file; do
        cmp "$dir/whole/model/$file" "$1/model/$file"
    done
}

set -- train -c "$dir/config.yaml" -d "$dir/prepared" --no-record --progress off
begun=$(now)
"$auger" "$@" -o "$dir/whole" -j 1 >"$dir/log"
whole=$(($(now) - begun)) # ms: machines differ; kills come after a part of this, also where more threads take less
[ "$(find "$dir/whole/model/members" -name model.safetensors | wc -l)" = "$folds" ]
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
        # Longer and longer, so that it gets somewhere on a busy machine too.
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
    same "$out"
    rm -rf "$out"
done
[ "$killed" -gt 0 ] || { echo "nothing was killed"; exit 1; }

# Ctrl-C: a sentence, a hint, and what goes on from there.
"$auger" "$@" -o "$dir/stopped" -j 2 >"$dir/log" 2>&1 &
child=$!
await "$dir/stopped/checkpoints/fold-01" "$dir/stopped"
kill -INT "$child" 2>/dev/null || true
status=0
wait "$child" || status=$?
if [ "$status" != 0 ]; then
    grep -q "stopped as asked" "$dir/log" || { cat "$dir/log"; exit 1; }
    grep -q -- "--resume goes on from there" "$dir/log" || { cat "$dir/log"; exit 1; }
fi
"$auger" "$@" -o "$dir/stopped" --resume -j 4 >"$dir/log"
same "$dir/stopped"

# Half of the folds, and then all of them from what is there.
"$auger" "$@" -o "$dir/halves" --folds "1-$((folds / 2))" -j 2 >"$dir/log"
[ "$(find "$dir/halves/model/members" -name model.safetensors | wc -l)" = "$((folds / 2))" ]
"$auger" "$@" -o "$dir/halves" --resume -j 2 >"$dir/log"
same "$dir/halves"

# The last folds first, where their first weights come of the seed alone; and on two computers, copied together.
set -- "$@" --set pretrain.enabled=false
rm -r "$dir/whole"
"$auger" "$@" -o "$dir/whole" -j 2 >"$dir/log"
"$auger" "$@" -o "$dir/backwards" --folds "$((folds / 2 + 1))-$folds" -j 2 >"$dir/log"
"$auger" "$@" -o "$dir/another" --folds "1-$((folds / 2))" -j 2 >"$dir/log"
cp -R "$dir/another/checkpoints/." "$dir/backwards/checkpoints"
"$auger" "$@" -o "$dir/backwards" --resume -j 2 >"$dir/log"
same "$dir/backwards"

# Killed in each lesson of the pretraining: the same. Weights of another pretraining are not mixed with those of this one.
set -- train -c "$dir/config.yaml" -d "$dir/prepared" --no-record --progress off --set pretrain.epochs=3 --folds 1
"$auger" "$@" -o "$dir/longer" -j 1 >"$dir/log"
for lesson in pretraining pretraining-shapes; do
    out=$dir/killed-$lesson
    "$auger" "$@" -o "$out" -j 1 >"$dir/log" 2>&1 &
    child=$!
    await "$out/checkpoints/$lesson" "$out"
    kill -9 "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    "$auger" "$@" -o "$out" --resume -j 3 >"$dir/log"
    for file in metrics.json out_of_fold.csv pretraining-shapes/model.safetensors model/members/fold-01/model.safetensors; do
        cmp "$dir/longer/$file" "$out/$file"
    done
done
"$auger" "$@" -o "$dir/masked" --set pretrain.method=masked -j 2 >"$dir/log"
status=0
"$auger" "$@" -o "$dir/masked" --resume -j 2 >"$dir/log" 2>&1 || status=$?
[ "$status" = 2 ] || { cat "$dir/log"; exit 1; }
grep -q "belongs to another training: it has first weights" "$dir/log" || { cat "$dir/log"; exit 1; }
status=0
"$auger" "$@" -o "$dir/masked" --set pretrain.method=masked --set model_config.d_model=20 --resume -j 2 >"$dir/log" 2>&1 || status=$?
[ "$status" = 2 ] || { cat "$dir/log"; exit 1; }
grep -q "belong to another training: it has model_config.d_model 4, this one 20" "$dir/log" || { cat "$dir/log"; exit 1; }
grep -q "begin anew in another directory" "$dir/log" || { cat "$dir/log"; exit 1; }

# A slip beside --resume is refused before anything of the training that is there is touched: its run stays finished.
set -- train -c "$dir/config.yaml" -d "$dir/prepared" -o "$dir/kept" --home "$dir/home" --progress off \
    --set pretrain.enabled=false --folds 1
"$auger" "$@" >"$dir/log"
(cd "$dir/kept" && sha256sum config.yaml run.json report.html) >"$dir/sums"
for slip in strategy=cnn_lstm model_config.d_model=20 seed=9 training_config.batch_size=4 optimizer=sgd; do
    status=0
    "$auger" "$@" --resume --set "$slip" >"$dir/log" 2>&1 || status=$?
    [ "$status" = 2 ] || { cat "$dir/log"; exit 1; }
    grep -q "belong to another training: it has ${slip%=*}" "$dir/log" || { cat "$dir/log"; exit 1; }
    (cd "$dir/kept" && sha256sum -c --quiet "$dir/sums")
done
# Nor do data that are others by now: prepared again with a hole less, a label changed by hand.
slip_of_data() { # SENTENCE OPTION...
    sentence=$1
    shift
    status=0
    "$auger" train -c "$dir/config.yaml" -o "$dir/kept" --home "$dir/home" --progress off --set pretrain.enabled=false \
        --folds 1 --resume "$@" >"$dir/log" 2>&1 || status=$?
    [ "$status" = 2 ] || { cat "$dir/log"; echo "it went on"; exit 1; }
    grep -q "were made of other data than .*$sentence" "$dir/log" || { cat "$dir/log"; exit 1; }
    (cd "$dir/kept" && sha256sum -c --quiet "$dir/sums")
}
cp -R "$dir/prepared" "$dir/edited"
hole=$(grep ',found,' "$dir/edited/holes.csv" | sed -n '1s/,.*//p')
"$auger" label set -d "$dir/edited" "$hole" --empty --author eva --quiet >/dev/null
slip_of_data "holds now (digest" -d "$dir/edited"
rm "$dir/files/$hole"
"$auger" prepare --input-dir "$dir/files" --output-dir "$dir/again" --auto-label --quiet >/dev/null 2>&1
slip_of_data "holds now (digest" -d "$dir/again"
slip_of_data "another data_config.simulated.holes" -d "$dir/prepared" --set data_config.simulated.holes=11
"$auger" runs list --home "$dir/home" >"$dir/log"
if grep -q FAILED "$dir/log" || ! grep -q FINISHED "$dir/log"; then
    cat "$dir/log"
    exit 1
fi
# What makes no other training may change.
"$auger" "$@" --resume -j 3 --set training_config.epochs=3 --set ensemble.voting=mean --set run_name=longer >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
