#!/bin/sh
# config/models.json as rows of C for src/format/capability.c: one a line, as they stand there. A line that is none
# is told, and fails the build.
exec awk '
function fail(why) { printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"; exit failed = 1 }
function number(name,    at) {
    at = match($0, "\"" name "\": [0-9]+")
    return at ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 4) : 0
}
function bits(    list, words, n, i, all) {
    if (!match($0, /"lacks": \[[^]]*\]/)) return "0"
    list = substr($0, RSTART + 10, RLENGTH - 11)
    gsub(/[" ]/, "", list)
    n = split(list, words, ",")
    for (i = 1; i <= n; i++) all = all (i > 1 ? " | " : "") "BIT(" toupper(words[i]) ")"
    return n ? all : "0"
}
/^ *\/\// || /^ *$/ || /^[{}]$/ { next }
!/^ *"[^"\\]*": \{("(context|output)": [0-9]+(, )?)*("lacks": \["[a-z_]+"(, "[a-z_]+")*\])?\},?$/ {
    fail("is no line like: \"gpt-\": {\"context\": 128000, \"output\": 16384, \"lacks\": [\"effort\"]},")
}
{
    split($0, quoted, "\"")
    printf "{\"%s\", %s, %s, %s},\n", quoted[2], number("context"), number("output"), bits()
}
END { exit failed }
' "$1"
