#!/bin/sh
# Brings the virtual environment $1 in step with the locks: pip installs uv from its own lock, uv
# installs exactly what the rooms' locks say (and removes what they don't), then the project itself,
# editable. Every package is checked against its hash. Run from the repository's root: `make setup`.
set -eu

venv=$1
rooms="bootstrap cli infra lambdas jobs local dev"

# What would send the packages elsewhere than into $venv, or make another Python of it.
unset PYTHONHOME PYTHONPATH PIP_PREFIX PIP_TARGET PIP_USER PIP_ROOT \
    UV_PREFIX UV_TARGET UV_PYTHON UV_SYSTEM_PYTHON UV_BREAK_SYSTEM_PACKAGES VIRTUAL_ENV || true

# Scripts in an environment name its place: one that was copied or moved is made anew.
if [ "$(cat "$venv/.place" 2>/dev/null)" != "$PWD" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=$(sh requirements/python.sh)
    echo "setup: new environment $venv with $python ($("$python" -V))"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo "$PWD" >"$venv/.place"
fi
if ! "$venv/bin/uv" --version >/dev/null 2>&1; then
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes \
        --no-deps --only-binary :all: --requirement requirements/bootstrap.txt
fi

locks=""
for room in $rooms; do locks="$locks requirements/$room.txt"; done
# shellcheck disable=SC2086  # one word a lock
"$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes $locks
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation \
    --editable .
