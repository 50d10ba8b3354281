#!/usr/bin/env bash
# Runs every suite. Ends with the line "N passed, N failed, N skipped" and with another code than 0 if anything failed, a suite crashed, hung or ran no test,
# the format is off, or a needed server is missing.
#
#   tests/run.sh           all but the drills: kills, failures and upgrades under load, minutes each (under ten minutes)
#   tests/run.sh --fast    what needs no server, and of that no test that takes seconds by its nature (under one)
#   tests/run.sh --all     everything; so does .ci/run (under half an hour)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fast_suites=(MailApi.Mail.Tests MailApi.Tests)
server_suites=(MailApi.Integration.Tests MailApi.EndToEnd.Tests)
results=artifacts/test-results
passed=0 failed=0 skipped=0

main() {
    case "${1:-}" in
        "") options=(-trait- Takes=minutes) ;;
        --fast) options=(-trait- Takes=seconds) ;;
        --all) options=() ;;
        *) echo "usage: tests/run.sh [--fast | --all]" >&2; exit 2 ;;
    esac
    run=${1:-}
    rm -rf "$results"
    mkdir -p "$results"
    # What killed suites leave behind goes with it. Servers that run as their own users pass through it.
    scratch=$(mktemp -d /tmp/mailapi-run-XXXXXX)
    chmod 755 "$scratch"
    trap 'rm -rf "$scratch"' EXIT
    if [[ $run == --fast ]]; then
        # The analyzers take a third of the time; the other runs have them.
        build tests/fast.slnf -p:RunAnalyzers=false
        run_together "${fast_suites[@]}"
        finish
    fi
    install_servers
    install_exim
    build MailApi.sln
    publish
    check_format
    run_together "${fast_suites[@]}"
    for suite in "${server_suites[@]}"; do run_suite "$suite"; done
    finish
}

# What the suites start, and the Debian package that has it.
missing_packages() {
    [[ -n "$(compgen -G '/usr/lib/postgresql/*/bin/postgres')" ]] || echo postgresql
    [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || echo rabbitmq-server
    command -v redis-server >/dev/null || echo redis-server
    [[ -x /usr/sbin/postfix && -x /usr/sbin/smtp-sink ]] || echo postfix
    [[ -x /usr/sbin/dovecot ]] || echo dovecot-core
    [[ -x /usr/lib/dovecot/imap ]] || echo dovecot-imapd
    [[ -x /usr/lib/dovecot/pop3 ]] || echo dovecot-pop3d
    [[ -x /usr/sbin/opendkim ]] || echo opendkim
    [[ -x /usr/sbin/opendkim-testkey ]] || echo opendkim-tools
    /usr/bin/python3 -c 'import dkim' 2>/dev/null || echo python3-dkim
    /usr/bin/python3 -c 'import authres' 2>/dev/null || echo python3-authres
    /usr/bin/python3 -c 'import nacl' 2>/dev/null || echo python3-nacl
    /usr/bin/python3 -c 'import spf' 2>/dev/null || echo python3-spf
    [[ -n "$(compgen -G '/usr/lib/*/libopendmarc.so.2')" ]] || echo opendmarc
    [[ -x /usr/sbin/nsd ]] || echo nsd
    command -v ldns-signzone >/dev/null || echo ldnsutils
    command -v delv >/dev/null || echo bind9-dnsutils
    [[ -x /usr/sbin/spamd ]] || echo spamassassin spamd
    [[ -n "$(compgen -G '/usr/lib/*/libidn.so.12')" ]] || echo libidn12
    command -v sqlite3 >/dev/null || echo sqlite3
    command -v php >/dev/null || echo php-cli
    [[ -r /usr/share/php/libphp-phpmailer/autoload.php ]] || echo libphp-phpmailer
    command -v swaks >/dev/null || echo swaks
    [[ -n "$(compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1')" ]] || echo libfaketime
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    command -v jq >/dev/null || echo jq
    command -v curl >/dev/null || echo curl
    command -v chromium >/dev/null || echo chromium
    command -v kubectl >/dev/null || echo kubernetes-client
    command -v docker-compose >/dev/null || echo docker-compose
}

# Debian installs no Exim beside a Postfix; unpacked, it runs there all the same. It insists on the user that its package would make.
install_exim() {
    getent passwd Debian-exim >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin Debian-exim
    [[ ! -x artifacts/exim/usr/sbin/exim4 ]] || return 0
    step "Unpacking Exim"
    mkdir -p artifacts/exim
    (cd artifacts/exim && apt-get download -qq exim4-daemon-light && dpkg -x exim4-daemon-light_*.deb .) >"$results/exim.log" 2>&1 ||
        { cat "$results/exim.log"; fail "exim4-daemon-light could not be downloaded."; }
}

install_servers() {
    local missing policy=/usr/sbin/policy-rc.d made_policy=
    mapfile -t missing < <(missing_packages | tr ' ' '\n')
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        fail "These packages are missing: ${missing[*]}. Install them, or run this as root on Debian."
    fi
    step "Installing ${missing[*]}"
    # The suites start their servers themselves: nothing is to run just because it was installed.
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        made_policy=1
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$results/apt.log" 2>&1 || true
    [[ -z $made_policy ]] || rm -f "$policy"
    mapfile -t missing < <(missing_packages)
    if [[ ${#missing[@]} -gt 0 ]]; then
        tail -20 "$results/apt.log"
        fail "These packages could not be installed: ${missing[*]}."
    fi
}

build() {
    step "Building $1"
    dotnet restore "$1" --locked-mode -v q --nologo || fail "$1 does not restore."
    # One compiler for all projects saves its start for each; it does not outlive the build.
    local code=0
    dotnet build "$@" -c Release --no-restore -v q --nologo -p:UseSharedCompilation=true || code=$?
    dotnet build-server shutdown --vbcscompiler >/dev/null || true
    [[ $code -eq 0 ]] || fail "$1 does not build."
}

publish() {
    step "Publishing src/MailApi"
    rm -rf artifacts/publish
    dotnet publish src/MailApi -c Release --no-build -o artifacts/publish -v q --nologo || fail "src/MailApi does not publish."
    list_packages
    [[ $run == --all ]] || return 0
    # The build that can kill itself at named places.
    rm -rf artifacts/crash-points
    dotnet publish src/MailApi -c CrashPoints -o artifacts/crash-points -v q --nologo -p:RunAnalyzers=false || fail "src/MailApi does not publish with its crash points."
}

# A bill of materials beside the program, in CycloneDX's form, from what the restore resolved.
list_packages() {
    local version
    version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
    { dotnet tool restore && dotnet dotnet-CycloneDX src/MailApi/MailApi.csproj --disable-package-restore --output-format Json \
        --output artifacts/publish --filename bom.json --set-version "$version"; } >"$results/bom.log" 2>&1 ||
        { cat "$results/bom.log"; fail "The packages cannot be listed."; }
}

# The build has run the analyzers and seen the style already; running them again for what can be mended takes longer than the build.
check_format() {
    local command=(dotnet format whitespace)
    [[ $run != --all ]] || command=(dotnet format)
    step "Checking the format"
    if ! "${command[@]}" MailApi.sln --verify-no-changes --no-restore -v q; then
        echo "The format is off: run 'dotnet format'."
        failed=$((failed + 1))
    fi
}

# Most suites take a minute or two; the limit is there for one that hangs.
limit_of() {
    case "$1" in
        MailApi.EndToEnd.Tests) echo 1800 ;;
        MailApi.Integration.Tests) echo 1200 ;;
        *) echo 300 ;;
    esac
}

run_suite() {
    local code=0
    step "Running $1"
    execute "$1" -reporter verbose || code=$?
    count "$1" "$code" "$results/$1.xml"
}

# The fast suites need no server and wait for timeouts now and then: together they keep the cores busy.
run_together() {
    local suite code running=()
    step "Running $*"
    for suite in "$@"; do
        execute "$suite" -reporter default -maxThreads 3 >"$results/$suite.log" 2>&1 &
        running+=($!)
    done
    for suite in "$@"; do
        code=0
        wait "${running[0]}" || code=$?
        running=("${running[@]:1}")
        cat "$results/$suite.log"
        count "$suite" "$code" "$results/$suite.xml"
    done
}

execute() {
    local suite=$1 code=0 mark="$$-$1-$RANDOM"
    shift
    # Code that runs once is not worth a profile.
    TMPDIR=$scratch MAILAPI_TEST_RUN=$mark DOTNET_TieredPGO=0 timeout --kill-after=30 "$(limit_of "$suite")" \
        "tests/$suite/bin/Release/net10.0/$suite" -noLogo -noColor -noAutoReporters "$@" "${options[@]}" -result-xml "$results/$suite.xml" || code=$?
    kill_leftovers "$mark"
    return "$code"
}

# Servers whose suite was killed before it could stop them carry its mark in their environment.
kill_leftovers() {
    local process
    for process in /proc/[0-9]*; do
        if grep -qzx "MAILAPI_TEST_RUN=$1" "$process/environ" 2>/dev/null; then kill -9 "${process#/proc/}" 2>/dev/null || true; fi
    done
}

count() {
    local suite=$1 code=$2 report=$3 totals="" p f s e why=""
    [[ -f $report ]] && totals=$(grep -o '<assembly [^>]*>' "$report" | head -1 || true)
    p=$(attribute passed "$totals") f=$(attribute failed "$totals") s=$(attribute skipped "$totals") e=$(attribute errors "$totals")
    f=$((f + e))
    if [[ $code -eq 124 || $code -eq 137 ]]; then why="it hung and was ended after $(limit_of "$suite") s"
    elif [[ -z $totals ]]; then why="it crashed with code $code"
    elif [[ $((p + f + s)) -eq 0 ]]; then why="it ran no test"
    elif [[ $code -ne 0 && $f -eq 0 ]]; then why="it ended with code $code"
    fi
    [[ -z $why ]] || f=$((f + 1))
    echo "    $suite: $p passed, $f failed, $s skipped${why:+ ($why)}"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [[ -z $why ]] || echo "  $suite: $why" >>"$results/failures.txt"
    [[ $f -eq 0 || ! -f $report ]] || failures "$report" >>"$results/failures.txt"
}

# Each failed test of a report, and each error beside them, with the first lines of its message and of its way there.
failures() {
    awk 'BEGIN { RS = "<(test|error) " } /^id=[^>]* result="Fail"/ || /^[^>]*type="/ && !/^id=/ {
        name = $0; sub(/^[^>]* name="/, "", name); sub(/".*/, "", name); print "  " name
        show("message", 12); show("stack-trace", 6)
    }
    function show(element, most,    text, lines, count, i) {
        text = $0
        if (!sub(".*<" element ">", "", text)) return
        sub("</" element ">.*", "", text); gsub(/<!\[CDATA\[|\]\]>/, "", text)
        count = split(text, lines, "\n"); for (i = 1; i <= count && i <= most; i++) print "      " substr(lines[i], 1, 400)
    }' "$1" | sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}

attribute() {
    local value
    value=$(sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$2")
    echo "${value:-0}"
}

step() { printf '\n==> %s\n' "$1"; }

fail() {
    echo "$1"
    failed=$((failed + 1))
    finish
}

finish() {
    if [[ -s $results/failures.txt ]]; then
        step "What failed"
        cat "$results/failures.txt"
    fi
    echo
    echo "$passed passed, $failed failed, $skipped skipped"
    [[ $failed -eq 0 ]] || exit 1
    exit 0
}

main "$@"
