#!/bin/sh
# Gates that need no parser: a source file has at most 800 lines, no tabs and no white space at line
# ends, and leaves no notes to ourselves.
set -u

bad=0
for f in "$@"; do
    lines=$(wc -l <"$f")
    if [ "$lines" -gt 800 ]; then
        echo "$f: $lines lines; 800 is the limit: split it"
        bad=1
    fi
done
if grep -nE '[[:blank:]]+$|	' /dev/null "$@"; then
    echo "tabs or white space at line ends, above"
    bad=1
fi
if grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' /dev/null "$@"; then
    echo "notes to ourselves, above: do it or make an issue of it"
    bad=1
fi
exit $bad
