#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The commands of `auger label` from outside: the loop of a review, refusals, tables and Label Studio, kill -9 between
# two labels. Prints TAP. $AUGER_BUILD is the build directory.
set -u
auger=$(realpath "${AUGER_BUILD:-build}/auger")
# shellcheck source=tests/cli/frame.sh
. "${AUGER_SOURCE:-.}/tests/cli/frame.sh"
export AUGER_AUTHOR=anna

is_json() { python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1"; }
number() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$scratch/out" "$1"; }

cd "$scratch" || exit 1
"$auger" simulate drilling --output-dir holes --holes 6 --seed 4 --regime cfrp-al-single --regime air-stroke \
    >/dev/null 2>&1 || exit 1
"$auger" prepare -i holes -o p --validate --auto-label >/dev/null 2>&1 || exit 1
cut=$(cd holes && find cfrp-al-single -name '*.xls' | sort | head -1)
air=$(cd holes && find air-stroke -name '*.xls' | sort | head -1)

expect 1 'no dataset is told' label queue -d nowhere
check 'with what to do' err_has 'auger prepare'
expect 0 'queue' label queue -d p
expect 0 'queue --json' label queue -d p --json
check 'is JSON' is_json out
expect 0 'show' label show -d p "$cut" --svg hole.svg
check 'draws torque and thrust' out_has 'torque and thrust over depth'
check 'tells the factors' out_has 'clarity'
check 'keeps the picture' grep -q '<svg' hole.svg
expect 0 'show --json' label show -d p "$air" --json
check 'is JSON too' is_json out

expect 0 'set' label set -d p "$cut" --entry 6 --transition 16 --exit 20.5 -m 'by eye'
check 'the label counts' out_has 'found, entry 6.000, transition 16.000, exit 20.500 (anna)'
check 'labels.csv follows' grep -q ',expert,found,.*,anna,' p/labels.csv
differs() { ! cmp -s "$1" "$2"; }
lacks() { ! grep -q -- "$1" "$2"; }
check 'holes.csv does not' lacks ',expert,' p/holes.csv
expect 0 'the same again adds nothing' label set -d p "$cut" --entry 6 --transition 16 --exit 20.5 -m 'by eye'
check 'and says so' err_has 'nothing was added'
expect 2 'a hole without statement' label set -d p "$cut"
check 'is asked for one' err_has 'what is to be said'
expect 2 'a wrong order' label set -d p "$cut" --entry 6 --exit 5
check 'is told' err_has 'not behind 6.000 mm'
expect 2 'below the samples' label set -d p "$cut" --entry 6 --exit 500
expect 2 'empty with a depth' label set -d p "$cut" --empty --exit 5
expect 2 'an exit that is missing' label set -d p "$cut" --entry 5
expect 1 'an unknown hole' label set -d p nothing.xls --empty
expect 0 'another author' label set -d p "$cut" --accept --author ben
expect 0 'agree' label agree -d p
check 'compares the two' out_has 'ben against anna: 1 holes'
expect 0 'agree --json' label agree -d p --json
check 'is JSON as well' is_json out
expect 1 'an author who said nothing' label agree -d p --author bem --author anna
check 'has a near name' err_has "did you mean 'ben'"

expect 0 'undo' label set -d p "$cut" --undo --author ben
check 'brings the one before back' out_has '(anna)'
expect 1 'undo of nothing' label set -d p "$cut" --undo --author ben
expect 0 'empty' label set -d p "$air" --empty
lines=$(wc -l <p/labels.jsonl)

for format in csv label-studio; do
    expect 0 "export as $format" label export -d p --format "$format" -o "all.$format"
    expect 0 "import of $format adds nothing new" label import -d p --format "$format" "all.$format" --json
    check 'nothing was added' [ "$(number added)" = 0 ]
done
check 'the history is as it was' [ "$(wc -l <p/labels.jsonl)" = "$lines" ]
check 'tasks are JSON' is_json all.label-studio
cp p/labels.csv before.csv
rm p/labels.jsonl
expect 0 'a dry run' label import -d p --format label-studio all.label-studio --dry-run
check 'writes nothing' [ ! -e p/labels.jsonl ]
expect 0 'an import' label import -d p --format label-studio all.label-studio
check 'gives the same labels' cmp p/labels.csv before.csv
expect 0 'the configuration of Label Studio' label export --print-config
check 'is XML' python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$scratch/out"
sed 's/cfrp-al-single/elsewhere/; s/"sha256":"[0-9a-f]*"/"sha256":""/' all.label-studio >other.json
expect 1 'labels of an unknown hole' label import -d p other.json
check 'are refused by name' err_has 'elsewhere'
expect 0 'or left out' label import -d p other.json --skip-unknown
expect 0 'truth of the simulator' label import -d p holes/truth.csv --author truth
check 'is six labels' out_has '6 labels added'

# Killed at any moment: what was acknowledged is there, and the next command works.
said=0
for i in $(seq 0 24); do
    "$auger" label set -q -d p "$cut" --entry "$((1 + i % 5)).$i" --exit 20 --author "person-$i" >/dev/null 2>&1 &
    child=$!
    if [ $((i % 5)) != 0 ]; then
        sleep "0.0$(printf %02d $((i * 7 % 40)))"
        kill -9 $child 2>/dev/null
    fi
    wait $child 2>/dev/null && said=$((said + 1))
done
check 'after kill -9 every acknowledged label is there' [ "$(grep -c '"author":"person-' p/labels.jsonl)" -ge "$said" ]
check 'which are some' [ "$said" -ge 5 ]
printf '{"sha256":"torn' >>p/labels.jsonl
expect 0 'a torn line does not count' label show -d p "$cut"
check 'and is told' err_has 'not whole'
expect 0 'the next label cuts it off' label set -d p "$cut" --entry 7 --exit 19
check 'all lines are whole' python3 -c 'import json; [json.loads(line) for line in open("p/labels.jsonl")]'
expect 0 'prepare again keeps what people said' prepare -q -i holes -o p --validate --auto-label
check 'as it was' grep -q ',7.000,,19.000,.*,expert,found,.*,anna,' p/labels.csv

expect 0 'evaluate' label evaluate --holes 22 --seed 5 --real holes --html page.html
check 'has both parts' out_has 'real files'
check 'and a page' grep -q '<svg' page.html
expect 0 'evaluate on many tools' label evaluate --holes 88 --seed 5 --tool-holes 1 --json
mv out many.json
expect 0 'evaluate as simulate drills' label evaluate --holes 88 --seed 5 --json
check 'on other holes' differs out many.json
mv out usual.json
expect 0 'evaluate on tools of ten holes' label evaluate --holes 88 --seed 5 --tool-holes 10 --json
check 'which are the usual ones' cmp -s out usual.json
echo "1..$cases"
