#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Links to folders in what is named as input are followed once; one that leads back in a circle is told, not followed.
auger=$AUGER_BUILD/auger
here=$(dirname "$0")
# shellcheck source=tests/cli/frame.sh
. "$here/frame.sh"
cd "$scratch" || exit 1

"$auger" simulate drilling -o files --holes 6 --seed 5 -q >/dev/null
mkdir -p linked/below
ln -s ../files linked/there
ln -s ../../files linked/below/twice
ln -s .. linked/below/up

expect 0 'prepare' prepare --input-dir linked -o data --auto-label
check 'each hole once' out_has '6 holes: 6 read'
check 'by the first way that leads to it' grep -q '^below/twice/' data/holes.csv
expect 0 'predict' predict -m auto linked --csv
check 'an answer for each' [ "$(grep -c '^linked/below/twice/' "$scratch/out")" = 6 ]
expect 0 'data add' data add drilling linked --home home
expect 0 'data show' data show drilling --home home
check 'all are in the version' out_has '6 holes'
expect 0 'label evaluate' label evaluate --holes 0 --real linked
check 'all are looked at' out_has '6 real files'

ln -s . loop
mkdir -p circle
cp files/*/*.xls circle/
ln -s .. circle/whole
expect 1 'predict, with a link to what holds the folder' predict -m auto circle
check 'it is told' out_has 'circle/whole'
expect 0 'prepare of the same' prepare --input-dir circle -o circled
check 'it is told there' grep -q '^whole,' circled/holes.csv
expect 2 'data add of the same' data add other circle --home home
check 'what to do is said' err_has "'whole' below 'circle' is a link to a directory that holds it"
# Links that lead nowhere (a disk that is not mounted, a file that was moved) are told, and stop nothing.
cp -r files torn
rm torn/truth.csv
ln -s /nowhere/hole.xls torn/hole.xls
ln -s /nowhere/folder torn/month
expect 0 'prepare with links that lead nowhere' prepare --input-dir torn -o told --auto-label
check 'they are counted' out_has '8 holes: 6 read (75.00 %), 0 rejected, 2 errors'
check 'a row says why' grep -q "^hole.xls,.*leads nowhere: mend or remove it" told/holes.csv
check 'a folder, too' grep -q "^month,.*leads nowhere" told/holes.csv
expect 1 'predict of them' predict -m auto torn --csv
check 'all the others are answered' [ "$(grep -c found "$scratch/out")" = 6 ]
check 'they are counted there' err_has '2 could not be read'
expect 0 'label evaluate of them' label evaluate --holes 0 --real torn
check 'they are counted there, too' err_has "2 files could not be read and are left out, first hole.xls: 'torn/hole.xls' is a link to '/nowhere/hole.xls'"
expect 0 'evaluate --repeats of them' evaluate -m auto --repeats torn
check 'and there' err_has "2 files could not be read and are left out, first hole.xls: 'torn/hole.xls' is a link"
expect 0 'the same as JSON' evaluate -m auto --repeats torn --json
check 'with the first' out_has '"unread":2,"first_unread":{"path":"hole.xls","error":"'
expect 0 'data add of them' data add torn torn --home home
check 'the version has the others' out_has '6 holes'
check 'one line for all' err_has 'links that lead nowhere were passed over, 2 in all, first torn/hole.xls: mend or remove them'
cp -r data learned
ln -s /nowhere/truth.csv learned/truth.csv
printf 'strategy: patchtsmixer_24cv\nmodel_config: {d_model: 16, num_layers: 1}\n' >short.yaml
# (which is refused: six holes are too few)
"$auger" train -c short.yaml -d learned -o trained --no-record >/dev/null 2>"$scratch/err" || true
check 'train of them' err_has 'links that lead nowhere were passed over, 1 in all, first learned/truth.csv'
mkdir series
ln -s /nowhere/more.csv series/more.csv
for i in $(seq 1 400); do echo "$((i % 24)),$((i % 7))"; done | { echo a,b; cat; } >series/waves.csv
printf 'strategy: forecast\nmodel_config: {architecture: NLinear}\ndata_config: {context_length: 24, horizon: 4}\ntraining_config: {epochs: 1}\n' >waves.yaml
expect 0 'train of a series beside one' train -c waves.yaml -d series -o waved --no-record
check 'it is told' err_has 'links that lead nowhere were passed over, 1 in all, first series/more.csv'
# A link that leads nowhere and is named itself is told as one, by every command, and not as something that is not there.
ln -s /nowhere/lost lost
ln -s /nowhere/lost.csv lost.csv
mkdir only half
ln -s /nowhere/lost.csv only/lost.csv
ln -s /nowhere/holes.csv half/holes.csv
leads_nowhere() {
    local link=$1
    shift
    expect 1 "$*" "$@"
    check "$*: it is told as a link" err_has "'$link' is a link to '/nowhere/${link##*/}', which leads nowhere: mend or remove it"
}
leads_nowhere lost.csv train -c waves.yaml -d lost.csv -o none --no-record
leads_nowhere lost train -c short.yaml -d lost -o none --no-record
leads_nowhere half/holes.csv train -c short.yaml -d half -o none --no-record
leads_nowhere only/lost.csv train -c waves.yaml -d only -o none --no-record
leads_nowhere only/lost.csv train -c waves.yaml -d only -o none --no-record --set data_config.file=lost.csv
leads_nowhere lost.csv evaluate -m waved -d lost.csv
leads_nowhere only/lost.csv evaluate -m waved -d only
leads_nowhere lost evaluate -m auto -d lost
leads_nowhere half/holes.csv evaluate -m auto -d half
leads_nowhere lost.csv evaluate -m auto -d data --truth lost.csv
leads_nowhere lost evaluate -m auto --repeats lost
leads_nowhere lost evaluate -m auto -d data --automatic --baseline legacy --legacy-model lost
leads_nowhere lost evaluate -m lost -d data
leads_nowhere lost predict -m lost series/waves.csv
leads_nowhere lost prepare --input-dir lost -o none
leads_nowhere lost label queue -d lost
leads_nowhere lost label evaluate --holes 0 --real lost
leads_nowhere lost data add lost lost --home home
leads_nowhere lost.csv plot lost.csv -x a -y b
leads_nowhere lost model inspect lost
leads_nowhere lost models register lost lost --home home
leads_nowhere lost import mlflow --from lost --home home
leads_nowhere lost restore lost --home restored
expect 1 'predict of one' predict -m waved lost.csv
check 'has its line' out_has "'lost.csv' is a link to '/nowhere/lost.csv', which leads nowhere"
echo "1..$cases"
