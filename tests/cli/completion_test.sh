#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completion as the shells do it: bash is driven by its own variables, zsh and fish when they are there. Prints TAP.
# $AUGER_ZSH and $AUGER_FISH may name shells that are not on $PATH.
set -u
auger=${AUGER_BUILD:-build}/auger
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cases=0
for shell in bash zsh fish; do "$auger" completion "$shell" >"$scratch/$shell" || exit 1; done
commands=$("$auger" help --json | tr '{' '\n' | sed -n 's/^"path":"\([a-z-]*\)[ "].*/\1/p' | sort -u | xargs)
touch "$scratch/a file.txt"
cd "$scratch" || exit 1

report() { # NAME GOT WANTED
    cases=$((cases + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $cases - $1"
    else
        printf 'not ok %s - %s\n# wanted: %s\n# got:    %s\n' "$cases" "$1" "$3" "$2"
    fi
}

skip() { # NAME REASON
    cases=$((cases + 1))
    echo "# skipped: $2"
    echo "ok $cases - $1 # SKIP $2"
}

# What bash offers for the words (the last one is being written), sorted, in one line.
in_bash() {
    bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _auger; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$scratch/bash" "$@" 2>&1 | sort | xargs
}

report 'bash: commands' "$(in_bash auger '')" "$commands"
report 'bash: a beginning' "$(in_bash auger 'do')" 'doctor'
report 'bash: nothing fits' "$(in_bash auger zz)" ''
report 'bash: options' "$(in_bash auger version --j)" '--json'
report 'bash: options of the command' "$(in_bash auger help --m)" '--man --markdown'
report 'bash: not those of another' "$(in_bash auger doctor --m)" ''
report 'bash: choices of an option' "$(in_bash auger --color '')" 'always auto never'
report 'bash: after an equals sign' "$(in_bash auger --color = a)" 'always auto'
report 'bash: right behind it' "$(in_bash auger version --log-level =)" 'debug error info off warn'
report 'bash: an argument with choices' "$(in_bash auger completion '')" 'bash fish zsh'
report 'bash: a second one is too many' "$(in_bash auger completion bash '')" ''
report 'bash: commands as an argument' "$(in_bash auger help ver)" 'version'
report 'bash: files' "$(in_bash auger --home 'a f')" 'a file.txt'
report 'bash: a value is not a command' "$(in_bash auger --home version '')" "$commands"
report 'bash: behind two dashes no options' "$(in_bash auger version -- --j)" ''
interactive=$(printf 'source %s\ncomplete -p auger\n' "$scratch/bash" | bash --norc 2>&1)
report 'bash: registered' "$interactive" 'complete -F _auger auger'
if command -v shellcheck >/dev/null; then
    report 'bash: shellcheck has nothing to say' "$(shellcheck -s bash -e SC2034 "$scratch/bash" 2>&1)" ''
else
    skip 'bash: shellcheck has nothing to say' 'shellcheck is not installed'
fi

zsh=${AUGER_ZSH:-$(command -v zsh)}
if [ -n "$zsh" ]; then
    report 'zsh: syntax' "$("$zsh" -n "$scratch/zsh" 2>&1)" ''
    # The builtins that only work inside completion are replaced by ones that print.
    in_zsh() {
        # shellcheck disable=SC2016 # zsh expands it
        "$zsh" -f -c 'compdef() { }; _files() { print files }; compset() { }
            compadd() { shift; print -l -- "$@" }
            _describe() { [[ $1 == -o ]] && shift; print -l -- "${(@)${(P)2}%%:*}" }
            source "$1"; shift; words=("$@"); CURRENT=$#; _auger' zsh "$scratch/zsh" "$@" 2>&1 | sort | xargs
    }
    report 'zsh: commands' "$(in_zsh auger '')" "$commands"
    report 'zsh: options' "$(in_zsh auger help --m)" '--color --help --home --json --log-level --man --markdown --quiet'
    report 'zsh: choices' "$(in_zsh auger version --color '')" 'always auto never'
    report 'zsh: after an equals sign' "$(in_zsh auger version --color=a)" 'always auto never'
    report 'zsh: an argument with choices' "$(in_zsh auger completion '')" 'bash fish zsh'
    report 'zsh: files' "$(in_zsh auger --home '')" 'files'
else
    skip 'zsh' 'zsh is not installed'
fi

fish=${AUGER_FISH:-$(command -v fish)}
if [ -n "$fish" ]; then
    export HOME=$scratch
    in_fish() {
        "$fish" --no-config -c "source $scratch/fish; complete -C '$1'" 2>&1 | cut -f 1 | sort | xargs
    }
    report 'fish: syntax' "$("$fish" --no-execute "$scratch/fish" 2>&1)" ''
    report 'fish: commands' "$(in_fish 'auger ')" "$commands"
    report 'fish: options of the command' "$(in_fish 'auger help --m')" '--man --markdown'
    report 'fish: choices' "$(in_fish 'auger version --color ')" 'always auto never'
    report 'fish: an argument with choices' "$(in_fish 'auger completion ')" 'bash fish zsh'
    report 'fish: a value is not a command' "$(in_fish 'auger --home version ')" "$commands"
else
    skip 'fish' 'fish is not installed'
fi
echo "1..$cases"
