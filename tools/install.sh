#!/bin/sh
# Installs, by apt-get, what the build needs and this machine lacks; touches nothing else.
set -eu

packages="libc6-dev clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libclang-rt-19-dev
clang-format-19 clang-tidy-19 libuv1-dev libssl-dev libnghttp2-dev libsqlite3-dev
dpkg-dev ca-certificates python3-hypercorn python3-venv"
# For these any version of the command will do, wherever it comes from: command=package.
commands="cc=gcc make=make pkg-config=pkg-config node=nodejs npm=npm curl=curl openssl=openssl
nginx=nginx-light haproxy=haproxy h2load=nghttp2-client nghttpx=nghttp2-proxy go=golang-go python3=python3-minimal
systemd-socket-activate=systemd slowhttptest=slowhttptest valgrind=valgrind"

PATH=$PATH:/usr/sbin
missing=
if command -v dpkg-query >/dev/null; then
    for p in $packages; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $p"
    done
else
    command -v clang-19 >/dev/null || missing=" $(echo $packages)"
fi
for pair in $commands; do
    command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0

fail() {
    echo "heady-gateway needs these packages:$missing" >&2
    echo "$1" >&2
    exit 1
}
command -v apt-get >/dev/null || fail "There is no apt-get here: install them in your system's way."
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "Run as root: apt-get install$missing"
    root=sudo
fi
apt() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null
}
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
mine=
clean() {
    rm -f "$log"
    [ -z "$mine" ] || $root rm -f "$policy"
}
trap clean EXIT
# nginx, HAProxy and nghttpx are wanted as programs: installing them must not start them as services.
if [ ! -e "$policy" ]; then
    mine=yes
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
fi
echo "installing:$missing"
# On a fresh machine the lists are empty or old. Old ones may still do.
apt update || echo "apt-get update failed; going on with the lists that are there" >&2
apt -y --no-install-recommends install $missing >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "apt-get could not install them (above)."
}
for pair in nginx=nginx haproxy=haproxy nghttpx=nghttp2-proxy; do
    case "$missing" in
    *" ${pair#*=}"*) [ ! -d /run/systemd/system ] || $root systemctl -q disable "${pair%%=*}" || true ;;
    esac
done
