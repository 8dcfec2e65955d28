#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `auger evaluate` and `auger predict` from outside, on simulated holes: the labellers and a small model of the old
# pipeline as whoever is asked; reports, baselines, repeats, files, folders, standard input, registered models, bad files.
# Prints TAP. $AUGER_BUILD is the build directory.
set -u
auger=$(realpath "${AUGER_BUILD:-build}/auger")
# shellcheck source=tests/cli/frame.sh
. "${AUGER_SOURCE:-.}/tests/cli/frame.sh"
exec </dev/null # nothing is asked of whoever runs the tests

lacks() { ! grep -qF -- "$1" "$2"; }
# value FILE PATH: the number or text at a.b.0.c of a JSON file.
value() {
    python3 -c '
import json, sys
at = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    at = at[int(key)] if isinstance(at, list) else at[key]
print(at)' "$1" "$2"
}
is() { [ "$(value "$1" "$2")" = "$3" ]; }
lines_are_json() {
    python3 -c '
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == int(sys.argv[2]), len(rows)' "$1" "$2"
}
rows_of_csv() { python3 -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert len(rows) == int(sys.argv[2]), len(rows)
assert all(None not in row and None not in row.values() for row in rows)' "$1" "$2"; }

cd "$scratch" || exit 1
"$auger" simulate drilling --output-dir holes --holes 22 --seed 9 >/dev/null 2>&1 || exit 1
"$auger" simulate drilling --output-dir metal --holes 12 --seed 3 --regime cfrp-ti-event >/dev/null 2>&1 || exit 1
"$auger" prepare -i metal -o prepared --validate --auto-label >/dev/null 2>&1 || exit 1
file=$(find holes/cfrp-ti-event -name '*.xls' | head -1)
air=$(find holes/air-stroke -name '*.xls' | head -1)

# ---- evaluate ----

expect 0 'the labellers on a folder of files' evaluate -m auto -d holes --baseline legacy --output-report report.html
check 'counts are told' out_has '22 of 22 holes answered, 0 failed, 0 abstained'
check 'regimes are a table' out_has 'cfrp-ti-stroke'
check 'the baseline stands beside it' out_has 'auto : legacy, hole by hole'
check 'the page has plots' grep -q '<svg' report.html
check 'and the baseline' grep -q 'Against the baselines' report.html
check 'and needs nothing' lacks 'href=' report.html
expect 0 'as JSON' evaluate -m auto -d holes --json --output-report report.json
check 'with the counts' is out all.answered 22
check 'and what was taken for what' is out all.confusion.0.known_outcome found
check 'against the truth there is no caution' is out caution None
check 'air is told as air' is out all.air_right 2
check 'seized as seized' is out all.seized_right 2
check 'the report is the same object' is report.json all.answered 22
cp out first
expect 0 'again' evaluate -m auto -d holes --json --jobs 1 --batch 3
check 'gives the same scores' python3 -c '
import json
a, b = json.load(open("first")), json.load(open("out"))
a.pop("seconds"), b.pop("seconds")
assert a == b'
expect 2 'a folder without truth' evaluate -m auto -d prepared
check 'is told what to do' err_has 'truth.csv'
expect 0 'automatic labels when asked' evaluate -m auto -d prepared --automatic
check 'with how to read it' err_has 'not to the truth'
check 'and what was taken for what' out_has 'holes by outcome'
expect 0 'as JSON' evaluate -m auto -d prepared --automatic --json
check 'all judged by labellers' is out known_by_labellers 12
expect 0 'truth by name' evaluate -m auto -d prepared --truth metal/truth.csv
check 'is taken' out_has '12 of 12 holes answered'
expect 0 'repeats' evaluate -m auto --repeats metal --output-report repeats.html
check 'are groups' out_has 'spread of thickness in holes that repeat each other'
check 'at half the rate, too' out_has 'half the sampling rate'
check 'have a page' grep -q 'Holes that repeat each other' repeats.html
expect 2 'neither data nor repeats' evaluate -m auto
check 'is told' err_has 'neither --test-data nor --repeats'
expect 2 'a baseline nobody knows' evaluate -m auto -d holes --baseline magic
check 'is told' err_has "'magic' is neither auto nor legacy"
expect 2 'a report of another kind' evaluate -m auto -d holes --output-report r.txt
check 'is told before the work' err_has '.json or .html'
expect 1 'a report where none can be' evaluate -m auto -d holes --output-report nowhere/r.html
check 'is refused before the holes are asked' bash -c "! grep -q asking '$scratch/err'"
cp -R holes partly
cut=$(find partly -name '*.xls' | sort | head -n 1)
head -c 700 "$cut" >"$cut.part"
mv "$cut.part" "$cut"
expect 0 'a hole of which a piece is left' evaluate -m auto -d partly
check 'is told, since it is in no score' err_has '1 files could not be read and are in no score'

# ---- a model ----

cat >legacy.yaml <<'END'
strategy: legacy_patchtsmixer
model_config: {architecture: PatchTSMixer, context_length: 512, prediction_length: 512, num_input_channels: 17,
  patch_length: 64, patch_stride: 64, d_model: 8, num_layers: 1, mode: mix_channel}
training_config: {epochs: 2, batch_size: 16, learning_rate: 0.003, validation_split: 0.3}
END
expect 0 'the old pipeline is trained' train --config legacy.yaml --data-dir prepared --output-dir old
check 'and judged' grep -q val_mae_exit_mm old/metrics.json
expect 0 'evaluated by its output directory' evaluate -m old -d metal --baseline auto --json
check 'with answers' is out all.answered 12
check 'worse than the labellers' python3 -c '
import json
against = json.load(open("out"))["baselines"][0]["against"]["entry"]
assert against["baseline_mae_mm"] < against["mae_mm"]'
expect 0 'a checkpoint as a baseline' evaluate -m auto -d metal --baseline legacy --legacy-model old --json
check 'has exits' python3 -c '
import json
assert json.load(open("out"))["baselines"][0]["against"]["exit"]["pairs"] == 12'
expect 0 'both baselines' evaluate -m auto -d holes --baseline auto,legacy --legacy-model old --json --output-report both.html
check 'by regime and by material, with exits' python3 -c '
import json
both = json.load(open("out"))["baselines"]
assert [b["name"] for b in both] == ["auto", "legacy"]
for b in both:
    assert len(b["by"]["regime"]) == 22 and 1 < len(b["by"]["material"]) < 22
    assert sum(g["exit"]["pairs"] for g in b["by"]["material"]) == b["against"]["exit"]["pairs"] > 0'
check 'also on the page' python3 -c '
page = open("both.html").read()
assert page.count("auto : ") == 2 and page.count("<th>material</th>") >= 3, page.count("<th>material</th>")'

# ---- predict ----

expect 0 'a file' predict -m old "$file"
check 'is a row' out_has 'found'
cp "$file" h
expect 0 'a file with a short name' predict -m auto h
check 'the column has its title' grep -q '^file  *entry' out
expect 0 'air' predict -m auto "$air"
check 'is told in words' out_has 'nothing was cut'
expect 0 'a folder, as JSON lines' predict -m auto holes --json
check 'has a line per hole and none for truth.csv' lines_are_json out 22
expect 0 'in batches by one thread' predict -m auto holes --json --batch 1 --jobs 1
cp out one
expect 0 'in one batch by many' predict -m auto holes --json --batch 100 --jobs 4
check 'is the same' cmp one out
printf 'no drilling data\n' >bad.xls
expect 1 'a bad file and one that is not there among good ones' predict -m auto bad.xls "$file" nowhere.xls "$air" --csv
check 'stop nothing' rows_of_csv out 4
check 'have their reason' out_has 'No such file'
check 'are counted' err_has '2 answered, 0 without an answer, 2 could not be read'
awk '/^-/ && ++rows > 300 && rows <= 340 { next } { print }' "$file" >lost.xls
expect 0 'a file of which samples are lost, and a whole one' predict -m auto lost.xls "$file"
check 'is answered and told' out_has 'breaks C3: '
check 'also at the end' err_has '1 of those answered break a rule'
expect 0 'as JSON' predict -m auto lost.xls "$file" --json
check 'with the rules' python3 -c '
import json
lost, whole = (json.loads(line) for line in open("out"))
assert lost["valid"] is False and "C3" in lost["failed_rules"].split("|") and "missing" in lost["flaw"], lost
assert whole["valid"] is True and whole["failed_rules"] is None and whole["flaw"] is None, whole'
expect 0 'and as a table' predict -m auto lost.xls "$file" --csv
check 'likewise' python3 -c '
import csv
lost, whole = csv.DictReader(open("out"))
assert (lost["valid"], whole["valid"], whole["failed_rules"]) == ("0", "1", "") and "missing" in lost["flaw"]'
expect 0 'a hole that the old pipeline cannot judge' predict -m old "$air"
check 'gets no number but the reason' out_has 'no answer: '
status=0
"$auger" predict -m auto - --json <"$file" >out 2>err || status=$?
check 'standard input' [ "$status" = 0 ]
"$auger" predict -m auto "$file" --json >named 2>err
check 'is the same hole' [ "$(value out exit.mm)" = "$(value named exit.mm)" ]
mkdir empty
expect 1 'an empty folder' predict -m auto empty
check 'is told' err_has 'no drilling files'
expect 2 'no model' predict "$file"
expect 1 'a model that is none' predict -m nothing "$file"
check 'is told in both ways' err_has 'no such directory'

# ---- what cannot be written ----

full() { # NAME WORDS...
    local name=$1 status=0
    shift
    "$auger" "$@" >/dev/full 2>err || status=$?
    check "$name to a full disk fails" [ "$status" = 1 ]
    check 'and is told once' [ "$(grep -c 'cannot write to standard output' err)" = 1 ]
}
full 'a table' predict -m auto "$file" --csv
full 'JSON lines' predict -m auto "$file" --json
full 'a text' predict -m auto "$file"
full 'an exam' evaluate -m auto -d holes
full 'an exam as JSON' evaluate -m auto -d holes --json

# ---- folders that hold nothing to prepare ----

expect 1 'an empty folder' prepare -i empty -o made/prepared
check 'is told' err_has "there are no drilling files in 'empty': it holds no files"
check 'and leaves nothing' [ ! -e made ]
mkdir notes broken
printf 'no drilling data\n' >notes/a.txt
expect 1 'a folder of something else' prepare -i notes -o made/prepared --json
check 'is told as JSON' out_has 'none of the files there is one'
check 'and leaves nothing' [ ! -e made ]
: >broken/a.xls
expect 1 'files that cannot be read' prepare -i broken -o made --validate
check 'are counted' out_has '1 holes: 0 valid'
check 'and told' err_has 'none of the 1 holes could be read: a.xls: '
check 'with where to look' err_has 'made/quality.html tells why of each'
check 'which is there' [ -s made/quality.html ]
expect 1 'a folder that is not prepared' train --config legacy.yaml --data-dir metal --output-dir unmade
check 'is told how' err_has 'auger prepare --input-dir metal --output-dir metal-prepared --validate --auto-label makes one there'
check 'and leaves nothing' [ ! -e unmade ]
expect 0 'which works as it is printed' prepare --input-dir metal --output-dir metal-prepared --validate --auto-label
check 'to train on' [ -s metal-prepared/holes.csv ]

# ---- registered ----

export AUGER_HOME=$scratch/home
expect 0 'an experiment' experiments create depth
expect 0 'recorded' train --config legacy.yaml --data-dir prepared --output-dir again
run=$("$auger" runs list --json 2>/dev/null | python3 -c '
import json, sys
print(json.load(sys.stdin)["runs"][0]["info"]["run_id"])')
expect 0 'registered' models register depth "runs:/$run/model"
expect 0 'by name' predict -m depth "$file"
expect 0 'by version' predict -m depth/1 "$file"
expect 0 'with an alias' models alias depth/1 champion
expect 0 'by alias' predict -m depth@champion "$file" --json
cp out aliased
expect 0 'by directory' predict -m again "$file" --json
check 'all the same' cmp aliased out
expect 1 'a version that is not there' predict -m depth/7 "$file"
expect 0 'evaluated by name' evaluate -m depth@champion -d metal

echo "1..$cases"
