#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program itself with each of its calls failing in turn: it may fail, in its own words, but not crash, leak or end
# by a signal; also with a home that holds a damaged database and a store. The numbers of rounds are larger than the
# numbers of calls that these commands make (21, 26, 83, about 100).
set -u
auger=$AUGER_SOURCE/build-asan/auger
if [ ! -x "$auger" ]; then
    echo 'build-asan/auger is not built: the profile asan was left out'
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export AUGER_HOME="$folder/home" folder auger
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
status=0
number=0
echo '1..4'

# One round: $1 says which call fails, the rest is the command line. Prints only what is wrong.
cat >"$folder/round" <<'END'
n=$1
shift
AUGER_FAIL_AT=$n "$auger" "$@" >"$folder/$n.out" 2>"$folder/$n.err" </dev/null
rc=$?
if [ $rc -gt 1 ] || grep -qE 'Sanitizer|runtime error' "$folder/$n.err"; then
    echo "# exit status $rc with AUGER_FAIL_AT=$n"
    sed 's/^/# /' "$folder/$n.err"
elif [ $rc -eq 1 ] && [ ! -s "$folder/$n.out" ] && [ ! -s "$folder/$n.err" ]; then
    echo "# fails without a word with AUGER_FAIL_AT=$n"
fi
END

# Several rounds at a time: doctor waits for the disk.
loop()
{
    number=$((number + 1))
    rounds=$1
    shift
    wrong=$(seq "$rounds" | xargs -P 8 -I N sh "$folder/round" N "$@")
    if [ -z "$wrong" ]; then
        echo "ok $number - auger $*"
    else
        echo "$wrong"
        echo "not ok $number - auger $*"
        status=1
    fi
}

loop 40 version --json
loop 40 help doctor
loop 120 doctor --json
mkdir -p "$AUGER_HOME/blobs"
"$auger" version --json >"$AUGER_HOME/auger.db"
loop 140 doctor
exit $status
