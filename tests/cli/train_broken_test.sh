#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configurations and data sets of holes that are broken in more than twenty ways: each is refused with one sentence that
# says what is wrong, before or while it trains, and nothing crashes.
set -eu
auger=$AUGER_BUILD/auger
dir=$(mktemp -d "${TMPDIR:-/tmp}/auger-broken.XXXXXX")
trap 'rm -rf "$dir"' EXIT
failed=0
count=0

"$auger" simulate drilling --output-dir "$dir/files" --holes 30 --seed 8 --quiet >/dev/null
"$auger" prepare --input-dir "$dir/files" --output-dir "$dir/good" --auto-label --quiet >/dev/null 2>&1
cat >"$dir/good.yaml" <<'END'
strategy: patchtsmixer_24cv
model_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}
training_config:
  cross_validation: {n_folds: 4}
  batch_size: 16
  epochs: 1
data_config: {preprocessing: {cell_mm: 1.2}}
END

config=$dir/good.yaml
# WORDS DATA [OPTIONS...]: training with these options must fail and say the words, and leave nothing behind.
wrong() {
    fails "$@" || return 0
    if [ -e "$dir/out" ]; then
        echo "after '$1' there is: $(ls "$dir/out")"
        rm -r "$dir/out"
        failed=1
    fi
}
# The same of what is found while it trains.
breaks() {
    fails "$@" || return 0
    if [ ! -e "$dir/out/config.yaml" ]; then
        echo "'$1' has not begun"
        failed=1
    fi
    rm -rf "$dir/out"
}
fails() {
    words=$1 data=$2
    shift 2
    count=$((count + 1))
    status=0
    "$auger" train -c "$config" -d "$data" -o "$dir/out" --no-record --progress plain "$@" >"$dir/log" 2>&1 || status=$?
    if [ "$status" = 0 ] || [ "$status" -gt 2 ]; then
        echo "status $status instead of a refusal: $words"
        failed=1
    elif ! grep -q "^error: " "$dir/log" || ! grep -q -- "$words" "$dir/log"; then
        echo "no '$words' in:"
        failed=1
    elif [ "$(grep -c '^error: ' "$dir/log")" != 1 ]; then
        echo "more than one sentence of '$words':"
        failed=1
    else
        return 0
    fi
    cat "$dir/log"
    return 1
}
set_wrong() { # WORDS ASSIGNMENT
    wrong "$1" "$dir/good" --set "$2"
}

# ---- configurations ----
printf -- '- strategy\n' >"$dir/list.yaml"
config=$dir/list.yaml
wrong 'list.yaml:1:1: expected a mapping of keys, found a list' "$dir/good" --set seed=2
printf 'seed: 2\nmodel_config:\n  sequence_length: 100\n' >"$dir/uneven.yaml"
config=$dir/uneven.yaml
wrong 'uneven.yaml:3:3: .*patches that cover all 100 rows' "$dir/good"
printf 'seed: 2\nregister: {name: a/b}\n' >"$dir/name.yaml"
config=$dir/name.yaml
wrong 'name.yaml:2:18: register: ' "$dir/good"
printf 'strategy: ensemble_voting\nensemble:\n  members: [{architecture: nlinear}]\n' >"$dir/member.yaml"
config=$dir/member.yaml
wrong 'member.yaml:3:28: .*nlinear does not say where' "$dir/good"
config=$dir/good.yaml
set_wrong 'task must be heatmap' model_config.task=forecast
sed 's/patchtsmixer_24cv/cnn_lstm/; s/{sequence/{architecture: PatchTSMixer, sequence/' "$dir/good.yaml" >"$dir/contrary.yaml"
config=$dir/contrary.yaml
wrong 'trains the architecture cnn_lstm, not patchtsmixer' "$dir/good"
config=$dir/good.yaml
wrong 'trains the architecture cnn_lstm, not patchtsmixer' "$dir/good" --strategy cnn_lstm \
    --set model_config.architecture=PatchTSMixer
wrong 'patch_length.*unknown key' "$dir/good" --strategy cnn_lstm --set model_config.patch_length=4
wrong 'does nothing with training_config.cross_validation' "$dir/good" --strategy patchtsmixer_single \
    --set training_config.cross_validation.n_folds=4
set_wrong 'or true or false' pretrain=maybe
wrong "did you mean 'patchtsmixer_24cv'" "$dir/good" --strategy patchtsmixer_24vc
wrong 'there are patchtsmixer_24cv, .*ensemble_voting.*exec' "$dir/good" --strategy magic
set_wrong 'there are cnn_lstm, .*patchtsmixer' model_config.architecture=magic
set_wrong 'there are tool_age, predrilled' 'data_config.preprocessing.conditions=[magic]'
printf 'strategy: cnn_lstm\ndata_config:\n  preprocessing:\n    channels: [torqe]\n' >"$dir/channels.yaml"
config=$dir/channels.yaml
wrong "channels.yaml:4:15: .*there is no 'torqe'" "$dir/good"
config=$dir/good.yaml
set_wrong 'trains the architecture patchtsmixer, not cnn_lstm' 'model_config={architecture: cnn_lstm}'
set_wrong 'num_targets must be 3' model_config.num_classes=4
set_wrong 'data_config names 17 channels' model_config.input_channels=5
set_wrong patch_length model_config.patch_length=0
set_wrong n_folds training_config.cross_validation.n_folds=1
set_wrong 'there are 500 folds, but only' training_config.cross_validation.n_folds=500
set_wrong 'cannot be dealt into 25 parts' 'training_config.cross_validation={n_folds: 25, strategy: program}'
set_wrong epochs training_config.epochs=0
set_wrong learning_rate training_config.learning_rate=fast
set_wrong 'preprocessing' data_config.preprocesing=1
set_wrong 'torque' 'data_config.preprocessing.channels=[torqe]'
set_wrong 'simulated.holes.*-1' data_config.simulated.holes=-1
set_wrong 'simulated.own_share' data_config.simulated.own_share=1.5
set_wrong 'there are none' 'pretrain={enabled: true, method: simulated}'
set_wrong "did you mean 'tool_holes'" data_config.simulated.toolholes=1
set_wrong 'there is only one' ensemble.voting=stacked
wrong 'only PatchTSMixer can be pretrained' "$dir/good" --strategy cnn_lstm --set 'model_config={sequence_length: 32}' --set 'pretrain={enabled: true}'
set_wrong 'is for the strategy ensemble_voting' 'ensemble.members=[{architecture: cnn_lstm}]'
wrong 'all must see as many' "$dir/good" --strategy ensemble_voting \
    --set 'ensemble.members=[{architecture: cnn_lstm, sequence_length: 32}, {architecture: PatchTSMixer, sequence_length: 64}]'
set_wrong init_from init_from=/nowhere
set_wrong "^error: device: there is no device 'gpu9'" device=gpu9
printf 'strategy: cnn_lstm\ndevice: gpu9\n' >"$dir/device.yaml"
config=$dir/device.yaml
wrong 'device.yaml:2:9: device: there is no device' "$dir/good"
config=$dir/good.yaml
breaks '^error: fold-0[1-4]: .*not a finite number' "$dir/good" --set optimizer=sgd --set training_config.learning_rate=1e6 \
    --set training_config.epochs=9
if [ "$status" != 1 ]; then # the call was right: its numbers went wrong
    echo "a training that diverged ends with status $status"
    failed=1
fi
set_wrong "early_stopping.metric: there is no metric 'accuracy'" training_config.early_stopping.metric=accuracy
printf 'strategy: cnn_lstm\ntraining_config:\n  early_stopping: {metric: accuracy}\n' >"$dir/metric.yaml"
config=$dir/metric.yaml
wrong "metric.yaml:3:28: .*no metric 'accuracy'" "$dir/good"
config=$dir/good.yaml
breaks "metric: there is no metric 'val_loss'" "$dir/good" --set training_config.early_stopping.metric=val_loss \
    --set training_config.cross_validation=false --set training_config.validation_split=0
breaks 'freeze: no parameter' "$dir/good" --set 'freeze=[nothing*]'
breaks 'nothing is left to train' "$dir/good" --set 'freeze=["*"]'
set_wrong 'sequence_length: must be 2 to' model_config.sequence_length=1
set_wrong 'must be 0 to 9007199254740992, found 9007199254740993' seed=9007199254740993
set_wrong 'cannot be registered' register=depth
wrong '^error: there is no fold 9' "$dir/good" --folds 9
sed 's/n_folds: 4/n_folds: 4, folds: [9]/' "$dir/good.yaml" >"$dir/folds.yaml"
config=$dir/folds.yaml
wrong 'folds.yaml:4:41: there is no fold 9' "$dir/good"
wrong 'folds.yaml:4:41: there is no fold 9' "$dir/nowhere" # before anything is read
config=$dir/good.yaml
(
    ulimit -v 900000
    wrong 'out of memory' "$dir/good" -j 1 --set 'model_config={sequence_length: 32, patch_length: 8, d_model: 60000, num_layers: 2}'
    exit "$failed"
) || failed=1

# ---- files of other systems ----
iconv -f utf-8 -t utf-16 "$dir/good.yaml" >"$dir/wide.yaml"
config=$dir/wide.yaml
wrong 'this is UTF-16' "$dir/good"
{ cat "$dir/good.yaml" && printf 'experiment_name: St\374ck\n'; } >"$dir/old.yaml"
config=$dir/old.yaml
wrong 'save the file as UTF-8' "$dir/good"
config=$dir/good.yaml

# ---- another training in the same directory ----
mkdir -p "$dir/out"
exec 9<"$dir/out"
flock -x 9
fails 'another training writes into' "$dir/good" || :
exec 9<&-
rmdir "$dir/out" # it stays, and nothing is in it

# ---- data ----
wrong nowhere "$dir/nowhere"
wrong 'auger prepare' "$dir/files"
wrong '^error: 0 holes in .* can be learned from, 10 are needed: of its [0-9]* holes 0 are labelled' "$dir/good" --set 'data_config.label_sources=[expert]'
# Told before holes are simulated, which takes minutes when they are many.
wrong '0 holes in .* can be learned from' "$dir/good" --set 'data_config.label_sources=[expert]' \
    --set data_config.simulated.holes=40
if grep -q 'simulated holes' "$dir/log"; then
    echo 'holes were simulated before it was told that labels are missing:'
    cat "$dir/log"
    failed=1
fi
if grep -q "labellers' own" "$dir/log"; then
    echo 'labels that there are not are called the labellers own'
    failed=1
fi
wrong 'there are 500 folds, but only' "$dir/good" --set data_config.simulated.holes=40 \
    --set training_config.cross_validation.n_folds=500
if grep -q 'simulated holes' "$dir/log"; then
    echo 'holes were simulated before it was told that there are too many folds'
    failed=1
fi
cp -R "$dir/good" "$dir/garbage"
head -c 3000 /dev/urandom >"$dir/garbage/holes.csv"
wrong holes.csv "$dir/garbage"
cp -R "$dir/good" "$dir/cut"
for part in "$dir"/cut/signals/*.npy; do head -c 2000 "$part" >"$part.cut" && mv "$part.cut" "$part"; done
wrong 'part-' "$dir/cut"
cp -R "$dir/good" "$dir/gone"
rm -r "$dir/gone/signals"
wrong 'part-' "$dir/gone"
printf 'path,entry_mm,transition_mm,exit_mm\n%s,deep,,9\n' "$(sed -n 's/,.*//;2p' "$dir/files/truth.csv")" >"$dir/labels.csv"
wrong "labels.csv:2:.*'deep' is no depth" "$dir/good" --set "data_config.labels=$dir/labels.csv"
printf 'path,entry_mm,transition_mm,exit_mm\nanother.xls,4,,9\n' >"$dir/labels.csv"
wrong 'none of the 1 rows of .*labels.csv. (data_config.labels) belongs to a hole' "$dir/good" --set "data_config.labels=$dir/labels.csv"
head -6 "$dir/files/truth.csv" >"$dir/labels.csv"
wrong '^error: [0-9] holes in .* can be learned from, 10 are needed: of its [0-9]* holes [0-9] are labelled' "$dir/good" --set "data_config.labels=$dir/labels.csv" --set 'data_config.label_sources=[truth]'
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "path,entry_mm,transition_mm,exit_mm" }
    NR > 1 && $at["entry_mm"] != "" { print $at["path"] "," $at["entry_mm"] ",," }' "$dir/files/truth.csv" >"$dir/labels.csv"
wrong 'have an exit: too few to learn it' "$dir/good" --set "data_config.labels=$dir/labels.csv" --set 'data_config.label_sources=[truth]'
# Not broken to a program, but to whoever looks: told, and trained all the same.
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "path,entry_mm,transition_mm,exit_mm" }
    NR > 1 && $at["exit_mm"] != "" { print $at["path"] "," $at["entry_mm"] / 25.4 ",," $at["exit_mm"] / 25.4 }' \
    "$dir/files/truth.csv" >"$dir/labels.csv"
if ! "$auger" train -c "$config" -d "$dir/good" -o "$dir/inches" --no-record --progress plain \
    --set "data_config.labels=$dir/labels.csv" --set 'data_config.label_sources=[truth]' >"$dir/log" 2>&1 ||
    ! grep -q 'are they in mm' "$dir/log"; then
    echo 'labels in inches are not told'
    failed=1
fi
if ! "$auger" train -c "$config" -d "$dir/good" -o "$dir/poor" --no-record --progress plain \
    --set training_config.learning_rate=10 >"$dir/log" 2>&1 ||
    ! grep -q 'it has not learned enough' "$dir/log"; then
    echo 'a model that has learned nothing is not told'
    failed=1
fi
for words in "with curves: $dir/poor/report.html" "ask it: auger predict --model $dir/poor FILE" "--out-of-fold $dir/poor/out_of_fold.csv"; do
    if ! grep -qF -- "$words" "$dir/log"; then
        echo "a training does not end with '$words'"
        failed=1
    fi
done
if ! "$auger" train -c "$config" -d "$dir/good" -o "$dir/lines" --no-record --progress json --set data_config.min_confidence=0.9 2>"$dir/log" >/dev/null ||
    grep -qv '^{' "$dir/log" || ! grep -q 'too doubtful), [0-9]* to learn from' "$dir/log"; then
    echo 'not all that a training tells as JSON is JSON, or doubtful labels are not told'
    failed=1
fi
# Keys that another key keeps from having an effect are told, once: the configuration that is written does without.
split='training_config.validation_split has no effect'
"$auger" train -c "$config" -d "$dir/good" -o "$dir/both" --no-record --progress plain \
    --set training_config.validation_split=0.3 >"$dir/log" 2>&1 || failed=1
"$auger" train -c "$dir/both/config.yaml" -d "$dir/good" -o "$dir/again" --no-record --progress plain >"$dir/log2" 2>&1 || failed=1
"$auger" train -c "$config" -d "$dir/good" -o "$dir/one" --no-record --progress plain --folds 2 \
    --set training_config.validation_split=0.3 --set training_config.cross_validation.enabled=false >"$dir/log3" 2>&1 || failed=1
if [ "$(grep -c "$split" "$dir/log")" != 1 ] || grep -q 'no effect' "$dir/log2" || grep -q "$split" "$dir/log3" ||
    ! grep -q 'folds (--folds) has no effect' "$dir/log3" || ! grep -q 'validation_split: 0.3' "$dir/one/config.yaml"; then
    echo 'validation_split beside folds, or --folds without them:'
    cat "$dir/log" "$dir/log2" "$dir/log3"
    failed=1
fi
"$auger" simulate drilling --output-dir "$dir/airfiles" --holes 12 --seed 8 --regime air-event --quiet >/dev/null
"$auger" prepare --input-dir "$dir/airfiles" --output-dir "$dir/air" --auto-label --quiet >/dev/null 2>&1
wrong '^error: 0 holes in .* of its 12 holes 12 are labelled, 12 of them drilled in air' "$dir/air" --set "data_config.labels=$dir/airfiles/truth.csv"

[ "$count" -ge 20 ] || failed=1
exit "$failed"
