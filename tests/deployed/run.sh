#!/usr/bin/env bash
# Deploys the built stack to an emulator of AWS and plays every scene: see README.md next to this
# file. Needs Linux, Rust, and Python 3.10 or newer with pip; everything else goes into the target
# folder.
#
#   bash tests/deployed/run.sh [--built FOLDER] [options of the harness: --help]
#
# --built uses the output of `sam build` in a folder. Without it, the script builds the functions first.
set -euo pipefail
cd "$(dirname "$0")/../.."

export SAM_CLI_TELEMETRY=0
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-eu-west-1}"
mkdir -p "${CARGO_TARGET_DIR:-target}"
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
built=""
if [[ "${1:-}" == "--built" ]]; then
  built="${2:?--built needs the output folder of sam build}"
  shift 2
fi

# One environment for each requirements file: ministack and the SAM command line need different versions
# of botocore.
environment() {
  local folder="$target/$1" requirements="$2"
  [[ -x "$folder/bin/python" ]] || python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
}

cannot_install() {
  printf 'cannot install the tools for the deployed scenes: see the output of pip above.\n' >&2
  if [[ -n "${CI:-}" ]]; then exit 2; fi
  printf 'Skipped. In CI (if the variable CI is set), this is a failure.\n' >&2
  exit 0
}

build() {
  local architecture=x86_64
  case "$(uname -m)" in aarch64 | arm64) architecture=arm64 ;; esac
  PATH="$target/ci-venv/bin:$PATH" sam build --build-dir "$target/sam" --parameter-overrides "Architecture=$architecture"
}

environment ci-venv .ci/requirements.txt || cannot_install
environment deployed-venv tests/deployed/requirements.txt || cannot_install
"$target/deployed-venv/bin/ruff" check --quiet tests/deployed
"$target/deployed-venv/bin/ruff" format --quiet --check tests/deployed
cargo build --locked --package portkeeper-deployed
if [[ -z "$built" ]]; then
  build
  built="$target/sam"
fi
built="$(cd "$built" && pwd)"
cd tests/deployed
exec "$target/deployed-venv/bin/python" -m harness --built "$built" \
  --world "$target/debug/portkeeper-deployed" --sam "$target/ci-venv/bin/sam" "$@"
