#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Folds by folder: what lies in one folder is never on both sides, however it is asked for; too few folders are told.
set -eu
auger=$AUGER_BUILD/auger
dir=$(mktemp -d "${TMPDIR:-/tmp}/auger-folders.XXXXXX")
trap 'rm -rf "$dir"' EXIT

for stack in 1 2 3 4; do
    "$auger" simulate drilling --output-dir "$dir/made" --holes 9 --seed "70$stack" --quiet >/dev/null
    mkdir -p "$dir/files/stack $stack"
    find "$dir/made" -name '*.xls' -exec mv {} "$dir/files/stack $stack/" \;
    rm -rf "$dir/made"
done
"$auger" prepare --input-dir "$dir/files" --output-dir "$dir/prepared" --validate --auto-label --quiet >/dev/null 2>&1
cat >"$dir/config.yaml" <<'END2'
strategy: patchtsmixer_24cv
model_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}
training_config:
  cross_validation: {n_folds: 4, strategy: folder}
  batch_size: 16
  epochs: 2
data_config: {preprocessing: {cell_mm: 1.2}}
END2
train()
{
    "$auger" train -c "$dir/config.yaml" -d "$dir/prepared" --no-record --progress off "$@" >"$dir/log" 2>&1
}
fail()
{
    echo "$1"
    cat "$dir/log"
    exit 1
}

# one_side TABLE FOLDERS: the holes of a folder were all answered by the same models, and every folder by others.
one_side()
{
    tail -n +2 "$1" | sed 's|/[^/]*,[0-9a-f]\{64\},|,|' | cut -d, -f1,2 | sort -u >"$dir/sides"
    [ "$(wc -l <"$dir/sides")" = "$2" ] || fail "not $2 folders with a side each: $(cat "$dir/sides")"
    [ "$(cut -d, -f2 "$dir/sides" | sort -u | wc -l)" = "$2" ] || fail "folders share a fold: $(cat "$dir/sides")"
}

train -o "$dir/folds" || fail "it did not train"
one_side "$dir/folds/out_of_fold.csv" 4
train -o "$dir/grouped" -s training_config.cross_validation.strategy=stratified -s data_config.group_by=folder -j 3 || fail "group_by"
cmp "$dir/folds/out_of_fold.csv" "$dir/grouped/out_of_fold.csv"
cmp "$dir/folds/model/members/fold-03/model.safetensors" "$dir/grouped/model/members/fold-03/model.safetensors"
train -o "$dir/pretrained" -s pretrain.enabled=true -s pretrain.epochs=1 || fail "with pretraining"
one_side "$dir/pretrained/out_of_fold.csv" 4
status=0
train -o "$dir/five" -s training_config.cross_validation.n_folds=5 || status=$?
[ "$status" = 2 ] || fail "five folds of four folders: $status"
grep -q "5 parts need as many groups" "$dir/log" || fail "it was not said"
grep -q "hint: .*folders" "$dir/log" || fail "no hint"
