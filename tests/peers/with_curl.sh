#!/usr/bin/env bash
# Reads and publishes on `anynews serve` with nothing but curl, as the README says.
# Takes the server's address as http://host:port; ends with a line "fine" when all held.
set -euo pipefail
topic="$1/topics/curl-room"
curl=(curl --silent --show-error --max-time 20 --noproxy '*')
# Every answer goes through here, so that a failure says what was seen.
expect() { case "$1" in *"$2"*) ;; *) echo "expected $2 in: $1" >&2; exit 1 ;; esac; }
publish() { "${curl[@]}" --include --json "$1" "$topic/events"; }

# Nope; then one message, then the same with its ETag.
expect "$("${curl[@]}" "$topic/events")" '"events":[]'
answer="$(publish '{"data":"Coming?"}')"
expect "$answer" ' 201 '
expect "$answer" '"offset":1'
epoch="$(printf '%s' "$answer" | sed -n 's/.*"epoch":"\([^"]*\)".*/\1/p')"
page="$("${curl[@]}" --include "$topic/events?after=0&epoch=$epoch")"
expect "$page" '"data":"Coming?"'
expect "$page" '"recovered":true'
etag="$("${curl[@]}" --include "$topic/events?after=1&epoch=$epoch" | tr -d '\r' | grep -i '^etag:' | cut -d' ' -f2-)"
expect "$("${curl[@]}" --include -H "If-None-Match: $etag" "$topic/events?after=1&epoch=$epoch")" ' 304 '

# A long poll that waits, and is answered by the next message rather than by its hold.
"${curl[@]}" "$topic/events?after=1&epoch=$epoch&wait=15s" > "$2/held" &
held=$!
expect "$(publish '{"data":"I am."}')" ' 201 '
wait "$held"
expect "$(cat "$2/held")" '"data":"I am."'

# The stream tells the past first; it never ends by itself, so curl is ended once both events are there.
exec 3< <(exec "${curl[@]}" --no-buffer "$topic/stream?after=0&epoch=$epoch" 2> "$2/stream")
streaming=$!
stream=
while IFS= read -r -t 10 line <&3; do
    stream+="$line"$'\n'
    case "$line" in data:*'I am'*) break ;; esac
done
kill "$streaming"
expect "$stream" 'event: hello'
expect "$stream" "id: $epoch:2"
expect "$stream" 'event: message'

# Mistakes get the right status.
expect "$(publish 'no JSON')" ' 400 '
expect "$("${curl[@]}" --include --json '{"data":1}' "$1/topics/a%20b/events")" 'application/problem+json'
echo fine
