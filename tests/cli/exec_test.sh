#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of strategies that are programs, as their comments tell to run them.
set -u
auger=$AUGER_BUILD/auger
cd "$AUGER_SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
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
    "$auger" simulate drilling --output-dir "$work/files" --holes 12 --seed 5 --quiet &&
        "$auger" prepare --input-dir "$work/files" --output-dir "$work/prepared" --auto-label --quiet
}

# train NAME OPTION...: into $work/NAME
train()
{
    name=$1
    shift
    "$auger" train --data-dir "$work/prepared" --output-dir "$work/$name" "$@"
}

python_example_trains_and_is_recorded()
{
    train fit --config examples/exec/fit.yaml --home "$work/home" --json >"$work/result" &&
        python3 - "$work" "$auger" <<'END'
import json, subprocess, sys
work, auger = sys.argv[1:]
result = json.load(open(work + "/result"))
assert result["metrics"]["val_mae_mm"] > 0 and result["trainings"][0]["epochs"] == 30, result
model = json.load(open(work + "/fit/model/model.json"))
assert set(model) == {"slope", "offset"}, model
run = json.loads(subprocess.check_output([auger, "runs", "show", result["run_id"], "--home", work + "/home", "--json"]))
text = json.dumps(run)
for word in ("val_loss", "slope", "val_mae_mm", "data_config.command", "FINISHED"):
    assert word in text, (word, run)
files = subprocess.check_output([auger, "runs", "artifacts", result["run_id"], "--home", work + "/home"], text=True)
for word in ("model", "training.log", "config.yaml"):
    assert word in files, files
END
}

python_example_goes_on_after_it_was_stopped()
{
    rm -rf "$work/fit"
    : >"$work/log"
    "$auger" train --config examples/exec/fit.yaml --data-dir "$work/prepared" --output-dir "$work/fit" --no-record \
        --set training_config.epochs=1000000 --set data_config.grace=1h >"$work/log" 2>&1 &
    pid=$!
    while ! grep -q '^epoch 3 ' "$work/log"; do
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.05
    done
    kill -TERM "$pid"
    wait "$pid" && return 1
    grep -q -e '--resume' "$work/log" || return 1
    at=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[1])' "$work/fit/checkpoints/fit.json")
    train fit --config examples/exec/fit.yaml --no-record --resume --set "training_config.epochs=$((at + 2))" >"$work/log" 2>&1 &&
        grep -q "goes on behind epoch $at" "$work/log" && [ "$(grep -c '^epoch ' "$work/log")" = 2 ]
}

# The configuration names the program; the model alone runs nothing.
python_example_answers_for_holes()
{
    train fit --config examples/exec/fit.yaml --no-record --quiet || return 1
    "$auger" predict -m "$work/fit" -c examples/exec/fit.yaml "$work/files" --json >"$work/answers" || return 1
    [ "$(grep -o '"outcome":"found"' "$work/answers" | wc -l)" = 12 ] || return 1
    "$auger" evaluate -m "$work/fit" -c examples/exec/fit.yaml --test-data "$work/prepared" --truth "$work/files/truth.csv" || return 1
    "$auger" predict -m "$work/fit" "$work/files" 2>"$work/log" && return 1
    grep -q 'a model never runs a program by itself' "$work/log"
}

shell_example_trains()
{
    train count --set strategy=exec --set 'data_config.command=[sh, examples/exec/count.sh]' --config /dev/null --no-record &&
        [ "$(cat "$work/count/model/count.txt")" -gt 5 ]
}

too_few_holes_are_told_in_one_sentence()
{
    head -3 "$work/prepared/holes.csv" >"$work/few.csv"
    mkdir -p "$work/few" && mv "$work/few.csv" "$work/few/holes.csv"
    "$auger" train --config examples/exec/fit.yaml --data-dir "$work/few" --output-dir "$work/none" --no-record 2>"$work/log" && return 1
    grep -q 'python3 ended with exit code 1: .*labelled holes are too few: prepare with --auto-label' "$work/log"
}

answer prepare_holes
answer python_example_trains_and_is_recorded
answer python_example_goes_on_after_it_was_stopped
answer python_example_answers_for_holes
answer shell_example_trains
answer too_few_holes_are_told_in_one_sentence
echo "1..$count"
