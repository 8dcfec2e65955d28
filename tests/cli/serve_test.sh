#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real program as a server, from outside: its address line, MLflow's spellings, the first start with names, TLS with a
# certificate that is replaced, memory at rest, numbers that Prometheus reads, and a stop that loses nothing.
# Prints TAP. $AUGER_BUILD is the build directory.
set -u
auger=$(cd "${AUGER_BUILD:-build}" && pwd)/auger
# shellcheck source=tests/cli/frame.sh
. "${AUGER_SOURCE:-.}/tests/cli/frame.sh"
# shellcheck source=tests/cli/background.sh
. "${AUGER_SOURCE:-.}/tests/cli/background.sh"
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$scratch"' EXIT

# start OPTIONS...: the server, until it has said its address or ended.
start() {
    first_line "$scratch/out" "$scratch/err" "$auger" serve --port 0 "$@"
    server=$!
    address=$(head -1 "$scratch/out")
}

# stop: asks it to end and keeps its exit status.
stop() {
    kill -TERM "$server"
    wait "$server"
    status=$?
    server=
}

is() { [ "$1" = "$2" ] || { echo "wanted '$2', got '$1'"; false; }; }
has() { case $1 in *"$2"*) ;; *) echo "no '$2' in '$1'"; false ;; esac; }
get() { curl -sS --max-time 500 "$@"; }
# soon COMMAND...: tries until it succeeds; what is counted and logged of a request comes after its answer.
soon() {
    local tries
    for tries in $(seq 1 5000); do
        "$@" && return
        sleep 0.1
    done
    echo "not after $tries tries"
    false
}
has_metrics() {
    get "$address/metrics" >"$scratch/metrics"
    grep -q '^auger_http_requests_total{method="GET",route="/version",status="200"} 2$' "$scratch/metrics"
}

command -v curl >/dev/null 2>&1 || { echo "curl is not installed"; exit 77; }
cd "$scratch" || exit 1

start --home "$scratch/home"
check 'says its address' grep -qE '^http://127\.0\.0\.1:[0-9]+$' "$scratch/out"
check 'and nothing else on standard output' is "$(wc -l <"$scratch/out")" 1
check 'answers /health' is "$(get "$address/health")" OK
check 'answers /version' is "$(get "$address/version")" "$(get "$address/version")"
check 'has no /metrics unasked' is "$(get -o /dev/null -w '%{http_code}' "$address/metrics")" 404
check 'refuses a foreign host' is "$(get -H 'Host: evil.example' -o /dev/null -w '%{http_code}' "$address/openapi.json")" 403
# Sanitizers need more.
if ! grep -q asan /proc/$server/maps && ! grep -q tsan /proc/$server/maps; then
    check 'rests in less than 25 MB' [ "$(awk '/VmRSS/ {print $2}' /proc/$server/status)" -lt 25600 ]
fi
check 'logs requests as JSON lines' soon grep -q '"route":"/health","status":200' "$scratch/err"
stop
check 'SIGTERM ends it well' is "$status" 0

start --home "$scratch/home" --no-access-log --mlflow-version 9.9.9 --expose-prometheus "$scratch" --static-prefix /ml
check 'says what --mlflow-version says' is "$(get "$address/version")" 9.9.9
check 'also below the prefix' is "$(get "$address/ml/version")" 9.9.9
check 'has metrics' soon has_metrics
if command -v promtool >/dev/null 2>&1; then
    check 'that Prometheus reads' promtool check metrics <"$scratch/metrics"
fi
check 'logs no requests unasked' [ "$(grep -c '"route"' "$scratch/err")" = 0 ]
stop

mkdir -p "$scratch/sub" && cd "$scratch/sub" || exit 1
start --backend-store-uri sqlite:///relative.db --default-artifact-root ./mlruns --workers 4
check 'three slashes: relative to the working directory' [ -s "$scratch/sub/relative.db" ]
stop
start --backend-store-uri "sqlite:///$scratch/absolute.db" --home "$scratch/h2"
check 'four slashes: absolute' [ -s "$scratch/absolute.db" ]
stop
cd "$scratch" || exit 1
"$auger" serve --port 0 --backend-store-uri sqlite:// --home "$scratch/h3" >"$scratch/out" 2>"$scratch/err"
check 'a database without a name is refused' grep -q 'names no database file' "$scratch/err"
"$auger" serve --port 0 --host 0.0.0.0 --home "$scratch/h3" >"$scratch/out" 2>"$scratch/err"
check 'refuses to be open to everybody' grep -q -- '--insecure' "$scratch/err"

start --home "$scratch/people" --app-name basic-auth --expose-prometheus "$scratch"
token=$(grep '^agr_' "$scratch/err")
check 'the first start shows a token' [ -n "$token" ]
check 'without it nothing is told' is "$(get -o /dev/null -w '%{http_code}' "$address/openapi.json")" 401
check 'with it everything' is "$(get -H "Authorization: Bearer $token" -o /dev/null -w '%{http_code}' "$address/openapi.json")" 200
check '/health asks nobody' is "$(get "$address/health")" OK
stop
start --home "$scratch/people" --auth
check 'the second start shows none' [ "$(grep -c '^agr_' "$scratch/err")" = 0 ]
check 'the token is still good' is "$(get -H "Authorization: Bearer $token" -o /dev/null -w '%{http_code}' "$address/openapi.json")" 200
stop

if command -v openssl >/dev/null 2>&1; then
    certificate() {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
            -addext 'subjectAltName=IP:127.0.0.1' -keyout "$scratch/key.new" -out "$scratch/cert.new" 2>/dev/null &&
            mv "$scratch/key.new" "$scratch/key.pem" && mv "$scratch/cert.new" "$scratch/cert.pem"
    }
    certificate first
    start --home "$scratch/home" --tls-cert "$scratch/cert.pem" --tls-key "$scratch/key.pem"
    check 'says https' has "$address" https://
    check 'answers through TLS' is "$(get --cacert "$scratch/cert.pem" "$address/health")" OK
    check 'many through one connection' is "$(get --cacert "$scratch/cert.pem" "$address/health" "$address/health")" OKOK
    port=${address##*:}
    check 'no TLS 1.1' has "$(openssl s_client -connect "127.0.0.1:$port" -tls1_1 -cipher ALL:@SECLEVEL=0 </dev/null 2>&1)" alert
    check 'no plain HTTP there' is "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:$port/health")" 000
    certificate second
    for _ in $(seq 1 2000); do
        case $(openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -subject) in *second*) break ;; esac
        sleep 0.25
    done
    check 'takes a new certificate without a restart' is "$(get --cacert "$scratch/cert.pem" "$address/health")" OK
    stop
    check 'ends well' is "$status" 0
    : >"$scratch/key.pem"
    "$auger" serve --port 0 --home "$scratch/home" --tls-cert "$scratch/cert.pem" --tls-key "$scratch/key.pem" >"$scratch/out" 2>"$scratch/err"
    check 'a broken key is refused' grep -q 'cannot use the key' "$scratch/err"
else
    echo '# skipped: openssl is not installed'
fi
echo "1..$cases"
