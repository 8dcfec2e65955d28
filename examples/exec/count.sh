#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The smallest training program for the strategy `exec`: its model is the number of labelled holes.
#
#     auger train --set strategy=exec --set 'data_config.command=[sh, examples/exec/count.sh]' \
#         --config /dev/null --data-dir prepared --output-dir out
set -eu
echo '{"remark": "counting"}'
count=$(grep -c ',found,' "$AUGER_DATA_DIR/holes.csv")
echo "{\"metric\": \"holes\", \"value\": $count}"
echo "$count" >"$AUGER_MODEL_DIR/count.txt"
