#!/bin/bash
# Buckets, tasks and tokens of InfluxDB 2 for netsonde. It may run again at any time: what is there is left alone, and what
# has changed here (retention, tasks) is changed there. For "influx" of influx-cli 2.
#
#   INFLUX_HOST, INFLUX_ORG   the server and its organisation
#   ADMIN_TOKEN_FILE          a token that may do everything in it
#   TOKENS                    folder that gets the tokens "write" (agents) and "read" (Grafana)
#   RETENTION_5M, RETENTION_1H  of the buckets with means of five minutes and of an hour; 0 = for ever
set -euo pipefail

INFLUX_TOKEN=$(cat "$ADMIN_TOKEN_FILE")
export INFLUX_TOKEN INFLUX_HOST INFLUX_ORG
here=$(dirname "$0")

# bucket_id NAME: nothing when there is none
bucket_id() {
	# The server calls it an error when there is none.
	{ influx bucket list --name "$1" --hide-headers 2>/dev/null || true; } | awk '{print $1}'
}

# want_bucket NAME RETENTION
want_bucket() {
	local id
	id=$(bucket_id "$1")
	if [ -z "$id" ]; then
		influx bucket create --name "$1" --retention "$2" >/dev/null
		echo "bucket $1: made"
	else
		influx bucket update --id "$id" --retention "$2" >/dev/null
	fi
}

# want_task FILE: tasks are told apart by the names in their options
want_task() {
	local name id
	name=$(sed -n 's/^option task = {name: "\([^"]*\)".*/\1/p' "$1")
	id=$(influx task list --hide-headers 2>/dev/null | awk -F'\t' -v name="$name" '$2 == name {print $1; exit}')
	if [ -z "$id" ]; then
		influx task create --file "$1" >/dev/null
		echo "task $name: made"
	else
		influx task update --id "$id" --file "$1" >/dev/null
	fi
}

# want_token NAME PERMISSION ...: the server shows a token once, so it is kept in a file; which is worth nothing when the server
# does not know the token, because its volume is a new one
want_token() {
	local name=$1 token
	shift
	if [ -s "$TOKENS/$name" ] && influx auth list --json | grep -q "\"netsonde: $name\""; then
		return 0
	fi
	token=$(influx auth create --description "netsonde: $name" "$@" --json | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' | head -n 1)
	[ -n "$token" ] || {
		echo "the server gave no token for $name" >&2
		return 1
	}
	printf '%s' "$token" >"$TOKENS/$name.new"
	chmod 0444 "$TOKENS/$name.new"
	mv "$TOKENS/$name.new" "$TOKENS/$name"
	echo "token $name: made"
}

want_bucket netsonde_5m "${RETENTION_5M:-365d}"
want_bucket netsonde_1h "${RETENTION_1H:-0}"
for file in "$here"/tasks/*.flux; do
	want_task "$file"
done
mkdir -p "$TOKENS"
want_token write --write-bucket "$(bucket_id netsonde)"
want_token read --read-bucket "$(bucket_id netsonde)" --read-bucket "$(bucket_id netsonde_5m)" --read-bucket "$(bucket_id netsonde_1h)"
