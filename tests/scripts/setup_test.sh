#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts/setup against a pretended system: programs named dpkg-query, apt-get, apt-cache, id and sudo that only say
# what they were asked.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
count=0

# pretend NAME BODY: a program of that name, first in the path.
pretend()
{
    printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# check NAME CONDITION...: one TAP case; $work/log holds what setup said.
check()
{
    name=$1
    shift
    count=$((count + 1))
    if "$@"; then
        echo "ok $count - $name"
    else
        sed 's/^/# /' "$work/log"
        echo "not ok $count - $name"
    fi
}

setup()
{
    PATH=$work/bin:$PATH "$AUGER_SOURCE/scripts/setup" "$@" >"$work/log" 2>&1
    status=$?
}

said()
{
    grep -q -- "$1" "$work/log"
}

# The probed files of this machine cannot be pretended away, so the cases ask for packages that only dpkg knows.
# shellcheck disable=SC2016 # $ is for the pretended program
pretend dpkg-query 'shift 2; for name in "$@"; do echo "$name=installed"; done | tr "\n" " "'
pretend apt-get 'echo "apt-get $*"'
pretend apt-cache 'echo "  Candidate: 1.0"'
pretend id 'echo 0'
setup
check nothing_missing_is_silent test "$status" -eq 0 -a ! -s "$work/log"

pretend dpkg-query 'echo "gcc=installed libcmocka-dev=config-files "; exit 1'
setup --check
check missing_packages_are_reported_with_their_reason said 'libsqlite3-dev: the embedded database'
check a_removed_package_is_missing said 'libcmocka-dev: unit tests'
check check_only_reports test "$status" -eq 1
check check_installs_nothing sh -c "! grep -q apt-get '$work/log'"

setup --group build
check missing_packages_are_installed said 'apt-get install .*libsqlite3-dev'
check an_installed_package_is_left_alone sh -c "! grep -q 'install .* gcc' '$work/log'"
check other_groups_are_left_alone sh -c "! grep -q g++ '$work/log'"

# shellcheck disable=SC2016 # $ is for the pretended program
pretend apt-cache 'case $2 in libcurl4-openssl-dev) echo "  Candidate: (none)" ;; *) echo "  Candidate: 1.0" ;; esac'
setup --group build
check an_unknown_package_gives_way_to_its_alternative said 'apt-get install .*libcurl4-gnutls-dev'

pretend apt-cache 'exit 0'
setup --group build
check stale_lists_are_fetched said 'apt-get update'
check a_system_without_the_package_is_told test "$status" -eq 1

# shellcheck disable=SC2016 # $ is for the pretended program
pretend apt-cache 'case $2 in libyaml-dev | libpq-dev) ;; *) echo "  Candidate: 1.0" ;; esac'
setup --group build
check the_packages_that_apt_does_not_know_are_named said 'does not know libyaml-dev libpq-dev$'
check the_component_that_may_have_them_is_named said "enable 'universe'"
check nothing_is_installed_without_them sh -c "! grep -q 'apt-get install' '$work/log'"

pretend apt-cache 'echo "  Candidate: 1.0"'
pretend id 'echo 1000'
# shellcheck disable=SC2016
pretend sudo 'echo "sudo $*"'
setup --group build
check others_than_root_use_sudo said 'sudo env DEBIAN_FRONTEND=noninteractive apt-get install'

setup --group nonsense
check an_unknown_group_is_a_wrong_call test "$status" -eq 2
setup --nonsense
check an_unknown_option_is_a_wrong_call test "$status" -eq 2
echo "1..$count"
