#!/bin/bash
# The core is pure: no I/O, no clock, no threads, no mutable statics. Proved by what its objects ask
# of the linker and what they define: tools/purity.sh OBJECT...
set -euo pipefail
[ $# -gt 0 ] || exit 0

# What the core's own code may call beside itself: the C library without a side effect, and the
# third-party code that is compiled in.
libc='memcpy|memmove|memset|memcmp|memchr|strlen|exp|log|pow|floor|ceil|fabs|isfinite|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
fortified='__(memcpy|memmove|memset)_chk'
kept='mbedtls_sha256_[a-z_]+|mbedtls_platform_zeroize'
banned='stdio|stdlib|time|sys/.*|unistd|pthread|signal|errno|locale|fcntl|threads|netinet/.*|arpa/.*'

bad=0
defined=$(nm --defined-only -g "$@" | awk 'NF == 3 { print $3 }' | sort -u)
asked=$(nm -u "$@" | awk 'NF == 2 { print $2 }' | sort -u)
foreign=$(comm -23 <(echo "$asked") <(echo "$defined") | grep -vxE "$libc|$fortified|$kept" || true)
if [ -n "$foreign" ]; then
    echo "the core asks for what it may not have:"
    for symbol in $foreign; do
        echo "  $symbol in" $(nm -u -A "$@" | awk -v s="$symbol" '$NF == s { print $1 }')
    done
    bad=1
fi
# Constant tables that hold pointers are in .data.rel.ro: read-only once the program is loaded.
mutable=$(objdump -t "$@" | awk '/file format/ { file = $1 }
    match($0, /[[:space:]](\.data|\.bss|\.tdata|\.tbss|\*COM\*)[^[:space:]]*[[:space:]]/) &&
    !/[[:space:]]\.data\.rel\.ro/ && !/ d  /{ print "  " file, $NF }')
if [ -n "$mutable" ]; then
    echo "the core has static mutable data:"
    echo "$mutable"
    bad=1
fi
if grep -nE "^#[[:space:]]*include[[:space:]]*<($banned)\.h>" src/base/*.[ch] src/core/*.[ch] src/core/*/*.[ch] \
    src/format/*.[ch] src/http/*.[ch] 2>/dev/null; then
    echo "the core may not include these"
    bad=1
fi
exit $bad
