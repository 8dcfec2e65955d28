#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `auger predict` on holes of another kind than those that its model was calibrated on. A model of simulated holes keeps
# what is usual of them; here that is replaced by what nothing is like, which makes all holes foreign. Prints TAP.
# $AUGER_BUILD is the build directory.
set -u
auger=$(realpath "${AUGER_BUILD:-build}/auger")
# shellcheck source=tests/cli/frame.sh
. "${AUGER_SOURCE:-.}/tests/cli/frame.sh"
exec </dev/null

cd "$scratch" || exit 1
"$auger" simulate drilling --output-dir holes --holes 44 --tool-holes 1 --seed 91 --quiet >/dev/null || exit 1
"$auger" prepare -i holes -o prepared --validate --auto-label --quiet >/dev/null 2>&1 || exit 1
cp holes/truth.csv prepared/
cat >config.yaml <<END
strategy: patchtsmixer_24cv
model_config: {sequence_length: 32, patch_length: 8, d_model: 4, num_layers: 1}
training_config: {cross_validation: {n_folds: 2}, batch_size: 16, epochs: 3}
data_config: {preprocessing: {cell_mm: 1.2}}
END
"$auger" train -c config.yaml -d prepared -o trained --no-record --progress off >log 2>&1 || { tail -5 log; exit 1; }

# replace WHAT: what is usual of the model, in another one, `other`.
replace() {
    rm -rf other
    cp -r trained other
    python3 - "$1" <<'END'
import json, sys
path = "other/model/auger.json"
model = json.load(open(path))
for name in ("entry", "transition", "exit"):
    point = model["calibration"][name]
    assert len(point["usual_signs"]) == 12
    if sys.argv[1] == "nothing":
        del point["usual_signs"], point["usual_noise"]
    else:
        point["usual_signs"] = [-9, 0.2, 0] * 4
json.dump(model, open(path, "w"))
END
}

expect 0 'holes like those that the model knows' predict -m trained holes
check 'are not called unlike' bash -c "! grep -q unlike out err"
check 'replaced' replace foreign
expect 0 'holes of another kind' predict -m other holes
check 'are said to be so' out_has 'found: unlike the holes that the model knows'
check 'and counted, with what to do' err_has 'holes are unlike what the model knows: answers are mostly the labeller'
check 'by its configuration' err_has 'configs/drilling/own_files.yaml'
one=$(find holes/cfrp-ti-event -name '*.xls' | head -1)
expect 0 'one of them' predict -m other "$one"
check 'is one' err_has '1 hole is unlike'
expect 0 'as JSON' predict -m other "$one" --json
check 'with the reason' out_has '"reason":"unlike the holes that the model knows"'
check 'replaced' replace nothing
expect 0 'a model of before' predict -m other holes
check 'knows of no other kind' bash -c "! grep -q unlike out err"
echo "1..$cases"
