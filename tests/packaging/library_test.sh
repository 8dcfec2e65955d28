#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The library as others meet it: what it exports, its headers alone, pkg-config from the build directory and after
# `make install`, shared and static.
set -u
cd "$AUGER_SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${CC:-cc}
count=0

# answer NAME COMMAND...: one TAP case.
answer()
{
    name=$1
    shift
    count=$((count + 1))
    if "$@" >"$work/log" 2>&1; then
        echo "ok $count - $name"
    else
        sed 's/^/# /' "$work/log"
        echo "not ok $count - $name"
    fi
}

only_public()
{
    nm "$@" --defined-only | awk 'NF == 3 && $2 != "A" { print $3 }' | sed 's/@.*//' >"$work/names"
    grep -v '^auger_' "$work/names" && return 1
    grep -qx auger_version "$work/names"
}

program_runs()
{
    # shellcheck disable=SC2046 # pkg-config prints words
    "$compiler" -std=c17 -Werror "$work/program.c" -o "$work/program" $("$@") || return 1
    LD_LIBRARY_PATH=$library "$work/program"
}

# An example, built as its first lines say, and with a model that transformers saved.
example_runs()
{
    example=$1
    shift
    # shellcheck disable=SC2046 # pkg-config prints words
    "$compiler" -std=c17 -Wall -Wextra -Werror "$example" -o "$work/example" $("$@") -lm || return 1
    LD_LIBRARY_PATH=$library "$work/example" tests/fixtures/huggingface >"$work/printed" || return 1
    [ "$(wc -l <"$work/printed")" = 2 ] || return 1
    ! LD_LIBRARY_PATH=$library "$work/example" "$work/nowhere"
}

# The example that logs, into a ledger on this machine; what it says of the ledger is there.
logging_example_runs()
{
    home=$work/home-$count
    # shellcheck disable=SC2046 # pkg-config prints words
    "$compiler" -std=c17 -Wall -Wextra -Werror examples/log_training.c -o "$work/example" $("$@") -lm || return 1
    LD_LIBRARY_PATH=$library "$work/example" "$home" >"$work/printed" || return 1
    grep -qx "registered version 1 of 'a line'" "$work/printed" || return 1
    run=$(sed -n 's/^run //p' "$work/printed")
    build/auger runs show "$run" --home "$home" >"$work/shown" || return 1
    grep -q 'three learning rates' "$work/shown" || return 1
    ! LD_LIBRARY_PATH=$library "$work/example" "$work/program.c/nowhere"
}

# The headers of the C API in a program in C++.
cpp_runs()
{
    # shellcheck disable=SC2046 # pkg-config prints words
    c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$work/program.cpp" -o "$work/program" $("$@") || return 1
    LD_LIBRARY_PATH=$library "$work/program" "$work/home-$count"
}

cat >"$work/program.cpp" <<'CPP'
#include <auger/ledger.h>
#include <auger/model.h>
#include <limits>
int main(int, char **arguments)
{
    auger_error error;
    auger_ledger *ledger = nullptr;
    auger_ledger_run *run = nullptr;
    auger_metric points[] = {{"loss", 0.5, 0, 0}, {"loss", std::numeric_limits<double>::quiet_NaN(), 1, 0}};
    if (auger_ledger_open(arguments[1], nullptr, &ledger, &error) < 0) return 1;
    if (auger_run_start(ledger, nullptr, &run, &error) < 0) return 2;
    if (auger_log_metrics(run, points, 2, &error) < 0) return 3;
    if (auger_run_finish(run, AUGER_RUN_FINISHED, &error) < 0) return 4;
    auger_run_free(run);
    auger_model *model = nullptr;
    if (auger_model_load("/nowhere", &model, &error) != AUGER_ENOTFOUND) return 5;
    return auger_ledger_close(ledger, 60000, &error) < 0 ? 6 : 0;
}
CPP

cat >"$work/program.c" <<'C'
#include <auger/version.h>
#include <string.h>
int main(void)
{
    return strchr(auger_version(), '.') == 0;
}
C

answer shared_library_exports_only_auger only_public -D build/libauger.so
answer static_library_exports_only_auger only_public -g build/libauger.a
answer soname_is_set sh -c 'readelf -d build/libauger.so | grep -q "SONAME.*libauger.so.0"'

for header in $(find include -name '*.h' | sort); do
    answer "$header alone as C17" "$compiler" -std=c17 -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -fsyntax-only \
        -Iinclude -include "$header" -x c /dev/null
    answer "$header alone as C++17" c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
        -Iinclude -include "$header" -x c++ /dev/null
done

library=$PWD/build
export PKG_CONFIG_PATH="$PWD/build/meson-uninstalled"
answer pkg_config_from_the_build_directory program_runs pkg-config --cflags --libs auger
answer pkg_config_from_the_build_directory_static program_runs pkg-config --cflags --libs auger-static

answer installs env DESTDIR="$work/root" meson install -C build --no-rebuild --quiet
prefix=$(sed -n 's/^prefix=//p' build/meson-private/auger.pc)
library=$work/root$prefix/lib
export PKG_CONFIG_PATH="$library/pkgconfig"
moved="--define-variable=prefix=$work/root$prefix"
answer pkg_config_after_installation program_runs pkg-config "$moved" --cflags --libs auger
answer pkg_config_after_installation_static program_runs pkg-config "$moved" --cflags --libs auger-static
answer example_predict_after_installation example_runs examples/predict.c pkg-config "$moved" --cflags --libs auger
answer example_predict_after_installation_static example_runs examples/predict.c pkg-config "$moved" --cflags --libs auger-static
answer example_log_training_after_installation logging_example_runs pkg-config "$moved" --cflags --libs auger
answer example_log_training_after_installation_static logging_example_runs pkg-config "$moved" --cflags --libs auger-static
answer cpp_after_installation cpp_runs pkg-config "$moved" --cflags --libs auger
echo "1..$count"
