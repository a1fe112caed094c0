#!/bin/bash
# `make demo`: train and save two models, start a local fleet, deploy to it, smoke-test it. Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

store=$(modelfleet store path)
wanted=()
training=()
for model in digits cancer; do
    if ! grep -qs "model: $model:" inventory/local.yml; then wanted+=(--model "$model"); fi
    saved="[]"
    if [ -d "$store" ]; then saved=$(modelfleet model list "$model" --json); fi
    if [ "$saved" = "[]" ]; then
        echo "Training $model ..."
        python "examples/$model/train.py" &
        training+=($!)
    fi
done
for process in "${training[@]}"; do wait "$process"; done

modelfleet up "${wanted[@]}"
modelfleet deploy --fleet inventory/local.yml
