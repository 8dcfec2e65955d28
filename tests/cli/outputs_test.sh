#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where a result cannot be written, this is told before the work: nothing has been counted, printed, recorded or trained.
auger=$AUGER_BUILD/auger
here=$(dirname "$0")
# shellcheck source=tests/cli/frame.sh
. "$here/frame.sh"
cd "$scratch" || exit 1

err_lacks() { ! grep -qF -- "$1" "$scratch/err"; }
out_lacks() { ! grep -qF -- "$1" "$scratch/out"; }
only_holds() { [ "$(ls "$1")" = "$2" ]; }
out_is_empty() { [ ! -s "$scratch/out" ]; }
is_absent() { [ ! -e "$1" ]; }

mkdir taken taken.svg taken.csv taken.html
"$auger" simulate drilling -o files --holes 12 --seed 5 -q >/dev/null
"$auger" prepare --input-dir files -o data --auto-label -q >/dev/null
"$auger" data add drilling data --home home -q >/dev/null

expect 2 'label evaluate' label evaluate --holes 4 --html taken
check 'it says which option' err_has "--html: cannot write 'taken': it is a directory"
check 'no hole was simulated' err_lacks 'simulated holes'

expect 2 'data show' data show drilling --svg taken.svg --home home
check 'nothing is shown' out_is_empty
expect 2 'data diff' data diff drilling drilling --svg taken.svg --home home
check 'nothing is compared' out_is_empty
expect 2 'data split' data split drilling --folds 3 --name three -o taken.csv --home home
expect 0 'the version afterwards' data show drilling --home home
check 'no split is recorded' out_lacks three

mkdir -p full/quality.html
expect 2 'prepare, where its report cannot be' prepare --input-dir files -o full
check 'no file was read' err_lacks 'reading'
mkdir -p made/truth.csv
expect 2 'simulate, where its truth cannot be' simulate drilling -o made --holes 3
check 'no hole was made' only_holds made truth.csv

printf 'strategy: patchtsmixer_single\nmodel_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}\n' >c.yaml
printf 'training_config: {epochs: 1}\ndata_config: {preprocessing: {cell_mm: 1.2}}\n' >>c.yaml
for name in model checkpoints; do
    mkdir -p "out-$name"
    touch "out-$name/$name"
    expect 1 "train, where its $name cannot be" train -c c.yaml -d data -o "out-$name" --home home --progress plain
    check "the $name is named" err_has "cannot make the directory 'out-$name/$name'"
    check 'no data were read' err_lacks 'holes'
    check 'it has not begun' is_absent "out-$name/config.yaml"
done
mkdir -p out-metrics/metrics.json
expect 2 'train, where its metrics cannot be' train -c c.yaml -d data -o out-metrics --home home --progress plain
check 'what to do is said' err_has 'another directory'
expect 0 'train, where all can be' train -c c.yaml -d data -o trained --home home --progress off
find trained -name '.auger-*' -o -name probe >left
check 'the probe leaves nothing' [ ! -s left ]
expect 0 'train again, over it' train -c c.yaml -d data -o trained --home home --progress off
echo "1..$cases"
