#!/bin/sh
# Creates a virtual environment with the first Python that is new enough, or says in a sentence what is missing.
set -eu

venv=$1

find_python() {
    for candidate in python3.11 python3.12 python3.13 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    echo "videobertd needs Python 3.11 or newer; found: $(python3 --version 2>/dev/null || echo none)." >&2
    echo "Install it, for example with 'apt install python3.11 python3.11-venv' or 'brew install python@3.12'." >&2
    exit 1
fi

# Debian keeps the module that puts pip into an environment in a package of its own.
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv "$venv"
elif "$python" -m virtualenv --version >/dev/null 2>&1; then
    "$python" -m virtualenv --quiet "$venv"
else
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$python cannot create virtual environments: neither venv with ensurepip nor virtualenv is there." >&2
    echo "Install one: 'apt install python$version-venv', or '$python -m pip install --user virtualenv'." >&2
    exit 1
fi
