#!/bin/sh
# Installs an agent for tests/agents as tests/agents/NAME pins it, into build/agents/NAME. One that cannot be had
# leaves the reason in build/agents/NAME/missing; then its test is skipped with it.
set -eu

from=$PWD/tests/agents/$1
to=$PWD/build/agents/$1
seconds=150

# Not "npm ci", which wants the variants for every machine in the lock: not all of them are published.
by_npm() {
    cp "$from/package.json" "$from/package-lock.json" .
    timeout $seconds npm install --ignore-scripts --no-audit --no-fund --loglevel=error
    npm run --if-present --silent setup
}
by_pip() {
    python3 -m venv .
    timeout $seconds bin/python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$from/requirements.txt"
}

echo "installing $1"
rm -rf "$to"
mkdir -p "$to"
cd "$to"
by=npm
[ -f "$from/package.json" ] || by=pip
# In a shell of its own: "set -e" ends a function at its first failure only where nobody asks how it ended.
set +e
(
    set -e
    by_$by
) >log 2>&1
code=$?
set -e
[ $code = 0 ] && exit
{
    echo "installing it ended with $code:"
    tail -n 5 log
} >missing
cat missing
