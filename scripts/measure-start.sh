#!/usr/bin/env bash
# Builds the functions for Lambda, and measures how long each takes to its first poll, beside a function that does
# nothing. Needs cargo-lambda (pip install cargo-lambda). Linux on the processor that it builds for.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"

# One build for each package: together, one would get the other's features, and would not be what is deployed.
cargo lambda build --release --locked --package portkeeper-reconcile
cargo lambda build --release --locked --package portkeeper-start-time --bin empty-function
cargo run --quiet --locked --package portkeeper-start-time --bin measure-start -- \
  "$target/lambda/empty-function/bootstrap" "$target/lambda/reconcile/bootstrap"
