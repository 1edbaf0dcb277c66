#!/usr/bin/env bash
# Runs every test of anynews. Installs the foreign clients that some tests drive, where it can.
#
# ANYNEWS_SKIP_PEERS=1  leave out the tests that need Python, Node, Redis or Chromium (never obeyed in CI)
set -euo pipefail
cd "$(dirname "$0")"

target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target/peers"
peers="$(cd "$target/peers" && pwd)"
if [ "${CI:-}" = true ]; then unset ANYNEWS_SKIP_PEERS; fi

say() { printf '\n== %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian packages, and only those whose command is missing.
install_packages() {
    local wanted=()
    have curl || wanted+=(curl)
    have node || wanted+=(nodejs)
    have npm || wanted+=(npm)
    have ip || wanted+=(iproute2)
    have redis-server || wanted+=(redis-server)
    have chromium || wanted+=(chromium)
    have chromedriver || wanted+=(chromium-driver)
    python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3 python3-venv)
    [ ${#wanted[@]} -eq 0 ] && return
    if ! have apt-get || [ "$(id -u)" -ne 0 ]; then
        echo "These are missing, and only root on Debian can have them installed here: ${wanted[*]}" >&2
        echo "Install them by hand, or set ANYNEWS_SKIP_PEERS=1 to leave out the tests that need them." >&2
        exit 1
    fi
    say "apt-get install ${wanted[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -y -q --no-install-recommends "${wanted[@]}"
}

# The two foreign WebSocket libraries, under target/, so that the sources stay clean.
install_libraries() {
    if ! "$peers/venv/bin/python" -c 'import websockets' 2>/dev/null; then
        say "Python: websockets"
        python3 -m venv "$peers/venv"
        "$peers/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r tests/peers/requirements.txt
    fi
    if [ ! -d "$peers/node_modules/ws" ]; then
        say "Node: ws"
        cp tests/peers/package.json "$peers/"
        npm install --prefix "$peers" --silent --no-audit --no-fund
    fi
}

if [ "${ANYNEWS_SKIP_PEERS:-}" = 1 ]; then
    say "ANYNEWS_SKIP_PEERS=1: the tests with Python, Node, curl, Redis and Chromium are LEFT OUT"
else
    install_packages
    install_libraries
fi

say "cargo fmt --check"
cargo fmt --check
say "cargo clippy"
cargo clippy --locked --all-targets -- -D warnings
say "cargo test"
cargo test --locked --no-fail-fast "$@"
