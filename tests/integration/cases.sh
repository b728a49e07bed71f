# What drivers have in common that compare a program in the guest with one of the host, case by case. Sourced with the
# driver's arguments, HALFCELL [FILTER].
set -uo pipefail

halfcell=$(realpath "$1")
filter=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC
umask 022
passed=0
failed=0

# Whether a case is to be tried: FILTER is a part of its name.
wanted() { [[ -z $filter || $1 == *"$filter"* ]]; }

verdict() { # name, problem
    if [ -z "$2" ]; then
        passed=$((passed + 1))
        echo "OK   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        printf '%s\n' "$2" | sed 's/^/     /' | head -20
    fi
}

# What differs between $work/host.{out,err} and $work/guest.{out,err}: the output itself, and whether there is any error
# message. Arguments: the two statuses; a filter for both outputs, where not every difference counts.
differences() { # host's status, guest's status, [filter]
    local host_status=$1 guest_status=$2 side
    shift 2
    for side in host guest; do
        "${@:-cat}" <"$work/$side.out" >"$work/$side.compared"
    done
    cmp -s "$work/host.compared" "$work/guest.compared" ||
        printf 'output differs:\n%s\n' "$(diff -a "$work/host.compared" "$work/guest.compared" | head -8)"
    [ "$host_status" = "$guest_status" ] || echo "status $guest_status, the host has $host_status"
    if [ -s "$work/host.err" ] && [ ! -s "$work/guest.err" ]; then
        echo "only the host complains: $(head -3 "$work/host.err")"
    elif [ ! -s "$work/host.err" ] && [ -s "$work/guest.err" ]; then
        echo "only the guest complains: $(head -3 "$work/guest.err")"
    fi
}

# The last line, and the driver's status.
summary() {
    echo "$passed passed, $failed failed"
    [ $failed = 0 ] && [ $passed -gt 0 ]
}
