#!/usr/bin/env bash
# The long proof: the program is killed at every place and at random moments, and everything around it is broken, under load, in both modes; the ledgers
# are joined and checked, and the counts written to docs/reliability. Ends with another code than 0 if anything does not hold.
#
#   tests/prove.sh                          all of it, 300 kills in each mode
#   tests/prove.sh kills --kills 100        a part of it; without --out it publishes nothing
#   tests/prove.sh crash after-dot
#   tests/prove.sh fault node-stopped storm --mode distributed --seed 42
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dotnet publish src/MailApi -c Release -o artifacts/publish -v q --nologo
dotnet publish src/MailApi -c CrashPoints -o artifacts/crash-points -v q --nologo -p:RunAnalyzers=false
dotnet publish tests/MailApi.Proof -c Release -o artifacts/proof-bin -v q --nologo -p:RunAnalyzers=false

[[ $# -gt 0 ]] || set -- all --kills 300 --out docs/reliability
# Servers that run as their own users pass through it.
scratch=$(mktemp -d /tmp/mailapi-proof-XXXXXX)
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
TMPDIR=$scratch artifacts/proof-bin/MailApi.Proof "$@"
