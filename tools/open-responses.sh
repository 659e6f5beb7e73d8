#!/bin/sh
# Gets the compliance suite of Open Responses at one commit, and what it runs with, into build/open: none of it is
# part of this tree. What cannot be had leaves the reason in build/open/missing, or missing-bun; then its test is
# skipped with it. OPEN_RESPONSES=DIR when the test runs names another copy of the suite.
set -eu

suite=https://github.com/openresponses/openresponses
commit=92c12d96d7b61d6d15e2214daa5e9c6000ab6e1c
seconds=60
from=$PWD/tests/open
to=$PWD/build/open

# What ends badly leaves its last words in a file. $1: the file
try() {
    file=$1
    shift
    ("$@") >log 2>&1 && return
    { echo "$1 failed:"; tail -n 3 log; } >"$file"
    cat "$file"
}
get_bun() {
    timeout $seconds npm install --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent setup
}
get_suite() {
    git init -q suite && cd suite && timeout $seconds git fetch -q --depth 1 "$suite" $commit && git checkout -q FETCH_HEAD
}

echo "installing the suite of Open Responses"
rm -rf "$to"
mkdir -p "$to"
cd "$to"
cp "$from/package.json" "$from/package-lock.json" .
try missing-bun get_bun
try missing get_suite
