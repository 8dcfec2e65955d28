#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real program from outside: exit statuses, streams, broken pipes, full disks, JSON of errors, the order of options.
# Prints TAP. $AUGER_BUILD is the build directory.
set -u
auger=${AUGER_BUILD:-build}/auger
# shellcheck source=tests/cli/frame.sh
. "${AUGER_SOURCE:-.}/tests/cli/frame.sh"

is_json() { python3 -c 'import json, sys; json.loads(open(sys.argv[1]).read())' "$scratch/$1"; }
one_line() { [ "$(wc -l <"$scratch/$1")" = 1 ]; }
empty() { [ ! -s "$scratch/$1" ]; }

expect 0 'no words show the help'
check 'help goes to standard output' out_has 'Usage: auger COMMAND'
check 'nothing goes to standard error' empty err
for command in version help 'completion bash' 'help doctor' 'help --man' 'help --markdown'; do
    # shellcheck disable=SC2086 # words of a command
    expect 0 "auger $command" $command
done
expect 0 '--version' --version
expect 0 '--help behind a command' version --help
expect 0 'help --json' help --json
check 'help --json is one JSON document' is_json out
check 'on one line' one_line out
expect 0 'doctor' doctor --home "$scratch/home"
check 'doctor makes nothing' [ ! -e "$scratch/home" ]
expect 0 'doctor --json' doctor --json --home "$scratch/home"
check 'doctor --json is JSON' is_json out
expect 0 'doctor --disk' doctor --disk --home "$scratch/home"
check 'draws the disk' out_has '200 writes'
check 'its progress goes to standard error' err_has 'writes'
expect 0 'doctor --disk --quiet' doctor --disk --quiet --home "$scratch/home"
check 'says nothing on the way' empty err
expect 0 'doctor --disk --json' doctor --disk --json --home "$scratch/home"
check 'gives the disk in numbers' out_has '"disk":{"writes":200,'
check 'leaves nothing behind' [ "$(find "$scratch" -name '.auger-doctor*')" = '' ]
: >"$scratch/file"
expect 1 'doctor on a home that is a file' doctor --home "$scratch/file"
check 'says so' out_has 'is not a' # the rest may stand in the next line
AUGER_HOME=$scratch/file expect 1 'doctor takes AUGER_HOME' doctor
AUGER_HOME=$scratch/file expect 0 '--home goes before AUGER_HOME' doctor --home "$scratch/home"

expect 2 'an unknown command' docter
check 'has a hint' err_has "did you mean 'auger doctor'?"
check 'prints no result' empty out
expect 2 'an unknown command with --json' docter --json
check 'is JSON' is_json out
check 'with the hint' out_has "did you mean 'auger doctor'?"
check 'and no text' empty err
expect 2 'an unknown option' version --jsn
check 'has a hint' err_has "did you mean '--json'?"
expect 2 'an argument too many' version x
expect 2 'a missing argument' completion
check 'says which' err_has 'auger completion needs SHELL'
expect 2 'a wrong choice' completion bsh
check 'has a hint' err_has "did you mean 'bash'?"
expect 2 'help for nothing' help nothing-at-all

status=0
"$auger" help >/dev/full 2>"$scratch/err" || status=$?
check 'a full disk is a failure' [ "$status" = 1 ]
check 'and is told' err_has 'cannot write to standard output'
status=0
"$auger" help --json >/dev/full 2>"$scratch/err" || status=$?
check 'a full disk with --json' [ "$status" = 1 ]
status=0
"$auger" help >&- 2>"$scratch/err" || status=$?
check 'a closed standard output is a failure' [ "$status" = 1 ]
status=0
"$auger" docter 2>&- || status=$?
check 'a closed standard error changes no status' [ "$status" = 2 ]
check 'a reader that leaves is no failure' bash -c "set -o pipefail; '$auger' help --markdown | head -c 1 >/dev/null"
check 'and leaves no words' bash -c "[ -z \"\$( { '$auger' help --markdown | head -c 1 >/dev/null; } 2>&1)\" ]"

status=0
(ulimit -f 1 && "$auger" simulate drilling --output-dir "$scratch/sim" --holes 2 --quiet) >"$scratch/out" 2>"$scratch/err" || status=$?
check 'a limit on the size of files is a failure, not the end by a signal' [ "$status" = 1 ]
check 'and is told' err_has 'File too large'
status=0
mkfifo "$scratch/pipe"
"$auger" plot "$scratch/file" --output "$scratch/pipe" >"$scratch/out" 2>"$scratch/err" || status=$?
check 'a pipe is not replaced by a file' [ -p "$scratch/pipe" ]

"$auger" help --color always >"$scratch/out"
check 'colours when asked' grep -q $'\033' "$scratch/out"
"$auger" help >"$scratch/out"
check 'none in a file' bash -c "! grep -q $'\033' '$scratch/out'"
NO_COLOR=1 "$auger" docter 2>"$scratch/err"
check 'errors are plain in a file' bash -c "! grep -q $'\033' '$scratch/err'"
check 'no allocation is needed to know the locale' env -i "$auger" version
echo "1..$cases"
