#!/usr/bin/env bash
# Posts every line of orders.jsonl and counts the answers. Each line has its own Idempotency-Key: a second run sends nothing twice.
set -euo pipefail

[[ $# -eq 2 ]] || { echo "usage: send-orders.sh http://localhost:8080 mk_test_…" >&2; exit 2; }
address=${1%/} key=$2
orders="$(dirname "${BASH_SOURCE[0]}")/orders.jsonl"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

split --lines=1 --numeric-suffixes=1 --suffix-length=4 "$orders" "$work/order-"
for order in "$work"/order-*; do
    cat <<END
next
url = "$address/send"
header = "Authorization: Bearer $key"
header = "Content-Type: application/json"
header = "Idempotency-Key: ${order##*/}"
data-binary = "@$order"
retry = 5
output = "/dev/null"
write-out = "%{http_code}\n"
END
done >"$work/requests"

# One curl for all: starting a thousand takes longer than sending.
curl --no-progress-meter --fail-early --parallel --parallel-max 8 --config "$work/requests" \
    >"$work/statuses" 2>"$work/errors" || head -1 "$work/errors" >&2

sort "$work/statuses" | uniq -c | while read -r count status; do echo "$count answered $status"; done
accepted=$(grep -c '^202$' "$work/statuses" || true)
[[ $accepted -eq $(wc -l <"$orders") ]]
