#!/bin/sh
# An exec engine for lastmile in POSIX shell: an "environment" is a directory here. Replace the
# bodies of the verbs; the frame (arguments, lines, exit statuses) is the contract, described in
# docs/engines.md:
#
#   argv    the verb: validate apply observe suspend resume delete
#   stdin   one JSON object: tenant, generation, spec, spec_sha256, op_id, fence, external_id, ...
#   stdout  JSON lines: progress, external_id, and one result as the last
#   stderr  for the operator
#   exit    0 the result says it; 75 try again; 77 no access; 65 the order cannot be carried out;
#           anything else: unknown, and lastmile asks "observe" before it does anything again
#
# cwd and $HOME are a directory of this tenant; $LASTMILE_TENANT is its id. Every verb may be called
# again at any time, after a crash too: look up by the name first, then create.
set -eu

verb=$1
request=$(cat)
[ -n "$request" ] || exit 75 # the worker died before it had said what to do

state=${ENVIRONMENTS_DIR:-$HOME/environments}/$LASTMILE_TENANT

# The first "key":"value" or "key":number of the request. Values that buyers typed come later in
# the text, and quotes inside of them are escaped; for anything nested use a JSON tool.
field() {
    printf '%s\n' "$request" |
        awk -v key="$1" '{ if (match($0, "\"" key "\":(\"[^\"\\\\]*\"|[0-9]+)")) {
            v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
            gsub(/"/, "", v); print v } }'
}

progress() {
    printf '{"type":"progress","pct":%d,"message":"%s"}\n' "$1" "$2"
}

result() { # status, then further members as JSON
    printf '{"type":"result","status":"%s"%s}\n' "$1" "${2:+,$2}"
    exit 0
}

outputs() {
    printf '"outputs":{"endpoint":"https://%s.example/"}' "$LASTMILE_TENANT"
}

describe() {
    if [ ! -f "$state/spec_sha256" ]; then
        result absent
    fi
    suspended=false
    [ -f "$state/suspended" ] && suspended=true
    sha=$(cat "$state/spec_sha256")
    result "done" "\"suspended\":$suspended,\"observed_sha256\":\"$sha\",$(outputs)"
}

case $verb in
validate)
    result "done"
    ;;
apply)
    # A fence below the highest seen: whoever sent this is no longer in charge.
    fence=$(field fence)
    if [ -f "$state/fence" ] && [ "$fence" -lt "$(cat "$state/fence")" ]; then
        result failed '"class":"RETRY","code":"stale_fence"'
    fi
    progress 10 "Creating the environment"
    mkdir -p "$state"
    echo "$fence" >"$state/fence"
    # Said before the work: lastmile keeps it at once, so a crash from here on loses nothing.
    printf '{"type":"external_id","value":"directory:%s"}\n' "$LASTMILE_TENANT"
    progress 60 "Starting the service"
    field generation >"$state/generation"
    field spec_sha256 >"$state/spec_sha256.new"
    mv "$state/spec_sha256.new" "$state/spec_sha256"
    progress 90 "Checking"
    describe
    ;;
observe)
    describe
    ;;
suspend)
    [ -d "$state" ] || result failed '"class":"GONE_EXTERNALLY","code":"no_environment"'
    : >"$state/suspended"
    describe
    ;;
resume)
    [ -d "$state" ] || result failed '"class":"GONE_EXTERNALLY","code":"no_environment"'
    rm -f "$state/suspended"
    describe
    ;;
delete)
    rm -rf "$state"
    result absent
    ;;
*)
    echo "unknown verb $verb" >&2
    exit 65
    ;;
esac
