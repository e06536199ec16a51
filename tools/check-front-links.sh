#!/bin/sh
# tools/check-front-links.sh FRONT [BUILD]: no code that talks to the outside is in the program that
# reads the Internet. Every symbol of the objects of src/net, market, deploy and fulfil is looked
# for in FRONT, and so are the libraries that only they need. libcrypto is there to verify the tokens
# of inbound events; of it only what computes may be called, nothing that opens a connection or reads
# a private key. One line per finding.
set -eu
front=${1:-build/lastmile-front}
build=${2:-$(dirname "$front")}
found=0

symbols() { nm -P --defined-only "$@" 2>/dev/null | awk 'NF >= 2 && $2 ~ /^[TDBRV]$/ {print $1}'; }

[ -f "$front" ] || { echo "$front: not built"; exit 2; }
mine=$(mktemp)
theirs=$(mktemp)
trap 'rm -f "$mine" "$theirs"' EXIT
nm -P --defined-only "$front" | awk 'NF >= 2 {print $1}' | LC_ALL=C sort -u >"$mine"
[ "$(wc -l <"$mine")" -gt 100 ] || { echo "$front: stripped, nothing can be told"; exit 2; }
for area in net market deploy fulfil; do
    objects=$(find "$build/src/$area" -name '*.o' 2>/dev/null || true)
    [ -n "$objects" ] || { echo "$build/src/$area: not built"; exit 2; }
    # shellcheck disable=SC2086
    symbols $objects | LC_ALL=C sort -u >"$theirs"
    for name in $(LC_ALL=C comm -12 "$mine" "$theirs"); do
        echo "$front: holds $name of src/$area"
        found=1
    done
done
for library in libcurl libssl libjwt libmicrohttpd; do
    if readelf -d "$front" | grep -q "NEEDED.*$library"; then
        echo "$front: is linked with $library"
        found=1
    fi
done
for name in curl_easy_init curl_multi_init SSL_connect posix_spawn system popen BIO_new_connect \
    BIO_new_ssl_connect BIO_s_connect BIO_s_socket BIO_new_file BIO_s_file OSSL_HTTP_get \
    PEM_read_bio_PrivateKey EVP_DigestSign EVP_DigestSignInit EVP_PKEY_decrypt; do
    if nm -P -u "$front" | grep -q "^${name}[ @]"; then
        echo "$front: calls $name"
        found=1
    fi
done
exit $found
