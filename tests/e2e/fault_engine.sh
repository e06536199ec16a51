#!/bin/sh
# An exec engine whose effects can be counted: one line per effect in $LEDGER, which only grows
# (a short write with O_APPEND is atomic). An effect is written when it happens, not when asked.
set -eu
verb=$1
request=$(cat)
[ -n "$request" ] || exit 75
dir=$ENVIRONMENTS/$LASTMILE_TENANT
# One at a time for a tenant, as engines do it: the program of a worker that died or was stopped may
# still be at work.
exec 9>>"$LEDGER.$LASTMILE_TENANT"
flock 9

field() {
    printf '%s\n' "$request" | sed -n 's/.*"'"$1"'":"\{0,1\}\([A-Za-z0-9]*\).*/\1/p' | head -n 1
}
effect() {
    printf '%s %s %s %s\n' "$1" "$LASTMILE_TENANT" "$2" "$(date +%s%3N)" >>"$LEDGER"
}
result() {
    printf '{"type":"result","status":"%s"%s}\n' "$1" "${2:+,$2}"
    exit 0
}
describe() {
    [ -f "$dir/spec" ] || result absent
    suspended=true
    [ -f "$dir/serving" ] && suspended=false
    result "done" "\"suspended\":$suspended,\"observed_sha256\":\"$(cat "$dir/spec")\""
}

case $verb in
apply)
    mkdir "$dir" 2>/dev/null && effect create -
    printf '{"type":"external_id","value":"environment:%s"}\n' "$LASTMILE_TENANT"
    [ -z "${SLOW:-}" ] || sleep "$SLOW"
    while [ -e "${HOLD:-/nowhere}" ]; do sleep 0.1; done
    spec=$(field spec_sha256)
    if [ "$(cat "$dir/spec" 2>/dev/null)" != "$spec" ]; then
        printf "%s %s" "$(field plan)" "$(field quantity)" >"$dir/plan"
        printf '%s' "$spec" >"$dir/spec.$$" && mv "$dir/spec.$$" "$dir/spec"
        effect spec "$spec"
    fi
    [ -f "$dir/serving" ] || { : >"$dir/serving" && effect serve -; }
    describe
    ;;
observe) describe ;;
suspend)
    [ ! -f "$dir/serving" ] || { rm "$dir/serving" && effect suspend -; }
    describe
    ;;
resume)
    [ -d "$dir" ] || result absent
    [ -f "$dir/serving" ] || { : >"$dir/serving" && effect serve -; }
    describe
    ;;
delete)
    [ ! -d "$dir" ] || { rm -r "$dir" && effect delete -; }
    result absent
    ;;
*) result "done" ;;
esac
