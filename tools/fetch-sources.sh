#!/bin/bash
# Fetches mbedTLS's SHA-256 from the distribution's source package, with the distribution's patches,
# into build/deps. The machine's apt is not changed: a private sources list is made from its own,
# with lists and cache beside it. Works as root and as anybody.
set -euo pipefail
cd "$(dirname "$0")/.."

MBEDTLS_DIR=${MBEDTLS_DIR:-build/deps/mbedtls}
MBEDTLS_VERSION=2.28.3-1

out=$PWD/build/deps
work=$out/fetch

fail() {
    echo "fetch-sources: $1" >&2
    echo "Another way: unpack the source yourself and name it with MBEDTLS_DIR (include/, library/)." >&2
    exit 1
}

# The machine's own Debian archives as deb-src, in both forms that apt knows. Others (a vendor's
# repository) have no source we want, and may need a key or a network that is not there.
private_sources() {
    local part=$1 f
    shopt -s nullglob
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
        sed -n 's/^[[:space:]]*deb\(-src\)\{0,1\}[[:space:]]\(.*debian.*\)/deb-src \2/p' |
        sed 's/\[\([^]]*[[:space:]]\)\{0,1\}arch=[^] ]*/[\1/; s/\[[[:space:]]*\]//' |
        sort -u >"$part/machine.list"
    for f in /etc/apt/sources.list.d/*.sources; do
        grep -qi '^URIs:.*debian' "$f" || continue
        sed 's/^Types:.*/Types: deb-src/I; /^Architectures:/Id; /^Enabled:/Id' "$f" >"$part/${f##*/}"
    done
    [ -s "$part/machine.list" ] || rm -f "$part/machine.list"
    # A machine without a list of its own (some containers) still trusts Debian's keys.
    if [ -z "$(ls "$part")" ]; then
        echo "deb-src http://deb.debian.org/debian bookworm main" >"$part/debian.list"
    fi
}

private_apt() {
    local command=$1
    shift
    "$command" -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=2 "$@" \
        </dev/null
}

# source NAME PINNED: the pinned revision, or the one that the archive has now; the checksums of
# what we compile decide whether it will do.
source_package() {
    local name=$1 pinned=$2 now
    if ! (cd "$work" && private_apt apt-get source --download-only "$name=$pinned") 2>"$work/log"; then
        now=$(private_apt apt-cache showsrc "$name" 2>/dev/null |
            sed -n 's/^Version: //p' | sort -V | tail -1)
        [ -n "$now" ] || fail "no source of $name in this machine's archives: $(tail -1 "$work/log")"
        echo "fetch-sources: $name $pinned has gone from the archive, trying $now" >&2
        (cd "$work" && private_apt apt-get source --download-only "$name=$now") ||
            fail "cannot download the source of $name $now"
    fi
    # apt has checked the download against the archive's signature.
    rm -rf "${work:?}/$name"
    (cd "$work" && dpkg-source --no-check -x "$name"_*.dsc "$name") >"$work/log" 2>&1 ||
        fail "cannot unpack $name: $(tail -1 "$work/log")"
}

[ "$MBEDTLS_DIR" = build/deps/mbedtls ] || exit 0

verify() {
    (cd "$out" && sha256sum --quiet -c ../../tools/sources.sha256)
}
if verify >/dev/null 2>&1; then exit 0; fi

rm -rf "$work"
mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
private_sources "$work/parts"
echo "fetching the source package: mbedtls"
private_apt apt-get update 2>"$work/log" || {
    cat "$work/log" >&2
    fail "apt-get update failed for the private list"
}
rm -rf "$out/mbedtls"
source_package mbedtls $MBEDTLS_VERSION
mkdir -p "$out/mbedtls/library" "$out/mbedtls/include/mbedtls"
cp "$work"/mbedtls/library/{sha256.c,platform_util.c,common.h} "$out/mbedtls/library"
cp "$work"/mbedtls/include/mbedtls/{sha256,platform,platform_util,threading,error}.h \
    "$out/mbedtls/include/mbedtls"
verify || {
    rm -rf "$out/mbedtls"
    fail "the archive's sources are not the ones we know (tools/sources.sha256). Read what has \
changed, then pin the new version and its checksums there and in tools/fetch-sources.sh."
}
rm -rf "$work"
