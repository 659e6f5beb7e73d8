#!/bin/sh
# Makes what a try-out of TLS and client certificates needs, in the directory named (build/certs): a
# private authority, a certificate for the gateway, and one each for two of its clients, a backend and
# a database service. What is there already is kept. Prints commands that work as printed.
set -eu
dir=${1:-build/certs}
days=365
umask 077
mkdir -p "$dir"

key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

authority() {
    [ -f "$dir/ca-cert.pem" ] && return
    key "$dir/ca-key.pem"
    openssl req -x509 -key "$dir/ca-key.pem" -sha256 -days "$days" -out "$dir/ca-cert.pem" \
        -subj '/CN=Heady private authority' -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

# certificate NAME SUBJECT-ALT-NAMES USAGE
certificate() {
    [ -f "$dir/$1-cert.pem" ] && return
    key "$dir/$1-key.pem"
    printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=%s\nextendedKeyUsage=%s\n' \
        "$2" "$3" > "$dir/$1.ext"
    openssl req -new -key "$dir/$1-key.pem" -subj "/CN=$1" -out "$dir/$1.csr"
    openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca-cert.pem" -CAkey "$dir/ca-key.pem" \
        -CAcreateserial -sha256 -days "$days" -extfile "$dir/$1.ext" -out "$dir/$1-cert.pem" 2>/dev/null
    rm -f "$dir/$1.csr" "$dir/$1.ext"
}

authority
certificate server DNS:localhost,IP:127.0.0.1,IP:::1 serverAuth
certificate backend DNS:backend clientAuth
certificate db DNS:db clientAuth

cat <<EOF
The gateway, for clients with a certificate only:
  build/heady-gateway --listen 127.0.0.1:4743 --tls-cert $dir/server-cert.pem --tls-key $dir/server-key.pem --client-ca $dir/ca-cert.pem
A client with one, and one without:
  curl --cacert $dir/ca-cert.pem --cert $dir/backend-cert.pem --key $dir/backend-key.pem https://localhost:4743/health
  curl --cacert $dir/ca-cert.pem https://localhost:4743/health
EOF
