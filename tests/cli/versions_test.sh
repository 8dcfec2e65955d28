#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Versions of data sets by name, wherever data are read: the files are found, and people and programs are told the name
# of the version, never the directory below the home that its files were written into.
auger=$AUGER_BUILD/auger
here=$(dirname "$0")
# shellcheck source=tests/cli/frame.sh
. "$here/frame.sh"
cd "$scratch" || exit 1
export AUGER_HOME=$scratch/home

"$auger" simulate drilling -o files --holes 24 --seed 5 -q >/dev/null
echo nothing >files/broken.xls
"$auger" prepare -i files -o prepared --auto-label -q >/dev/null
mkdir series
for i in $(seq 1 400); do echo "$((i % 24)),$((i % 7))"; done | { echo a,b; cat; } >series/waves.csv
for set in 'raw files' 'drilling prepared' 'waves series'; do
    # shellcheck disable=SC2086 # a name and a folder
    "$auger" data add $set -q >/dev/null
done
hole=$(cd files && echo cfrp-al-single/*.xls)
printf 'strategy: forecast\nmodel_config: {architecture: NLinear}\ndata_config: {context_length: 24, horizon: 4}\ntraining_config: {epochs: 1}\n' >waves.yaml
"$auger" train -c waves.yaml -d series -o waved --no-record -q >/dev/null

silent() { ! grep -q checkouts "$scratch/out" "$scratch/err"; }
# told STATUS TEXT WORDS...: the text stands in the output, and the directory nowhere.
told() {
    local status=$1 text=$2
    shift 2
    expect "$status" "$*" "$@"
    check "$*: $text" grep -qF -- "$text" "$scratch/out" "$scratch/err"
    check "$*: no directory" silent
}

told 0 'waved/model on the test part of waves@v1' evaluate -m waved -d waves@v1
told 0 '"data":"waves@v1/waves.csv"' evaluate -m waved -d waves@v1/waves.csv --json
told 0 'auto on raw@v1: 24 of 24 holes answered' evaluate -m auto -d raw@v1 --output-report page.html
check 'the page has the name' grep -q 'raw@v1' page.html
check 'and not the directory' sh -c '! grep -q checkouts page.html'
told 0 '"truth":"raw@v1/truth.csv"' evaluate -m auto -d raw@v1 --json
told 0 '"truth":"raw@v1/truth.csv"' evaluate -m auto -d drilling@v1 --truth raw@v1/truth.csv --json
told 0 '"files_of":"raw@v1"' evaluate -m auto --repeats raw@v1 --json
told 2 "nothing is known of any of the 24 holes in 'drilling@v1'" evaluate -m auto -d drilling@latest
told 1 '--test-data raw@v7: there is no such file or folder, and as a version of a data set: there is no version' evaluate -m auto -d raw@v7
told 1 "there is no file or folder 'waves', but a data set of that name" evaluate -m waved -d waves
check 'and what to say instead' err_has 'waves@v1 is the newest'
told 1 "there is no file or folder 'raw', but a data set of that name" predict -m auto raw
# What is under no name is one of the files that cannot be read, and stops nothing.
for missing in V9.xls@x raw raw@v7 raw@v1/V9.xls rav@v1; do
    told 1 '1 answered, 0 without an answer, 1 could not be read' predict -m auto "$missing" "files/$hole"
    check "$missing has its line" grep -q "^$missing  *cannot be read: " out
    told 1 '1 forecasts, 1 without an answer' predict -m waved "$missing" series/waves.csv
    check "$missing has its line among series" grep -q "$missing: .*there is no\|$missing: .* has no" out err
done
told 1 '"path":"V9.xls@x","error":"there is no such file or folder, and as a version of a data set' predict -m auto V9.xls@x --json
told 1 "cannot look at 'rav'" evaluate -m auto -d rav
told 1 "raw@v1 has no 'more.csv'" evaluate -m waved -d raw@v1/more.csv
told 0 'waves@v1/waves.csv: 4 rows behind row 400' predict -m waved waves@v1
told 0 '{"path":"waves@v1/waves.csv",' predict -m waved waves@v1/waves.csv --json
told 1 "raw@v1/$hole" predict -m auto raw@v1
check 'nothing is said to be written that was there' sh -c '! grep -q "writing" err'
check 'what cannot be read is told so, too' out_has 'cannot be read: raw@v1/broken.xls:2: '
told 1 "a prepared dataset holds samples" predict -m auto drilling@v1
told 0 'of 24 labelled holes were seen by somebody' label queue -d drilling@v1
told 0 "$hole" label show -d drilling@v1 "$hole"
told 1 "no hole of 'drilling@v1' is called 'none'" label show -d drilling@v1 none
told 0 "$hole" label export -d drilling@v1
told 1 'only one source of labels' label agree -d drilling@v1
told 0 '1 file could not be read and is left out, first broken.xls' label evaluate --holes 0 --real raw@v1
told 2 "'drilling@v1' names a version of a data set, and a version never changes" label set -d drilling@v1 "$hole" --empty
told 2 "'drilling@v1' names a version of a data set, and a version never changes" label import -d drilling@v1 files/truth.csv
told 0 '25 holes: 24 read' prepare -i raw@v1 -o again
told 0 "raw@v1/$hole" inspect "raw@v1/$hole"
told 1 'raw@v1/broken.xls:2: ' inspect raw@v1/broken.xls
told 2 'raw@v1 has 26 files, and one is wanted' inspect raw@v1
told 0 'waves@v1/waves.csv' plot waves@v1 -x a -y b
told 2 "'drilling@v1/holes.csv' has no column 'nothing'" plot drilling@v1/holes.csv -x rows -y nothing

# What is there is a path, whatever it is called.
cp -r series waves@v1
expect 0 'a folder that is called like a version' evaluate -m waved -d waves@v1 --home nowhere
check 'comes first' [ ! -e nowhere ]
rm -r waves@v1
ln -s /nowhere/at/all waves@v1
expect 1 'a link that leads nowhere, too' evaluate -m waved -d waves@v1
check 'it is told as one' err_has "'waves@v1' is a link to '/nowhere/at/all', which leads nowhere"
echo "1..$cases"
