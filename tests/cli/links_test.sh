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
echo "1..$cases"
