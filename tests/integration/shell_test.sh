#!/usr/bin/env bash
# Runs scripts in the guest's shell and in the host's dash and compares what they print and their status. The scripts
# are in shell_*.cases, each begins at a line "### NAME". One line a case: OK or FAIL; the last line counts them.
#
#   shell_test.sh HALFCELL [FILTER]     FILTER keeps the cases whose name contains it
. "$(dirname "$0")/cases.sh"

fresh() {
    rm -rf "$work/host" "$work/guest"
    mkdir -p "$work/host/dir" "$work/guest/dir"
    for side in host guest; do
        (cd "$work/$side" && touch a.c b.c .hidden dir/one dir/two && printf 'one\ntwo\nthree\n' >lines && printf 'sub/file' >unfinished)
        cp "$work/script" "$work/$side/script"
    done
    mkdir "$work/guest/dev" "$work/guest/tmp"
    ln -s /scheme/null "$work/guest/dev/null"
}

run_case() { # name; the script is in $work/script
    local host_status
    wanted "$1" || return 0
    fresh
    (cd "$work/host" && env -i PATH=/usr/bin:/bin HOME=/home/me timeout 60 dash script first 'second word' 3 \
        >"$work/host.out" 2>"$work/host.err" <lines)
    host_status=$?
    timeout 60 "$halfcell" run --root "$work/guest" --cwd / --env HOME=/home/me --env PATH=/scheme/initfs/bin \
        sh script first 'second word' 3 >"$work/guest.out" 2>"$work/guest.err" <"$work/guest/lines"
    verdict "$1" "$(differences $host_status $?)"
}

# The guest alone, where dash is different: name, what it must print, a command for the host's shell to run in $work.
own() {
    local name=$1 expected=$2 output problem=
    shift 2
    wanted "$name" || return 0
    output=$(cd "$work" && "$@" 2>&1)
    [ "$output" = "$expected" ] || problem="printed: $output"$'\n'"not:     $expected"
    verdict "$name" "$problem"
}
guest() { timeout 60 "$halfcell" run "$@"; }

own "a script on standard input shares it with its commands" "[the line]" \
    guest sh <<<$'read x\nthe line\necho "[$x]"'
own "a script from a pipe, too" "[the line]" bash -c 'printf "read x\nthe line\necho \"[\$x]\"\n" | "$1" run sh' x "$halfcell"
own "nobody reading ends a script" "y
141" guest sh -c 'sh -c "while :; do echo y; done; echo not" | head -n 1; (while :; do echo y || exit; done; echo not) | true; sh -c "while :; do echo y; done; echo \$? >&2" 2>&1 | true; echo 141'
own "functions without end are an error" "2" \
    guest sh -c '(f() { f; }; f) 2>/dev/null; echo $?'
own "substitutions without end are an error" "2" \
    guest sh -c 'x=; i=0; while [ $i -lt 200 ]; do x="\$(echo $x)"; i=$((i + 1)); done; (eval "$x") 2>/dev/null; echo $?'

command -v dash >/dev/null || { echo "dash is not installed"; exit 77; }
for cases in "$here"/shell_*.cases; do
    name=
    while IFS= read -r line || [ -n "$line" ]; do
        if [[ $line == '### '* ]]; then
            [ -n "$name" ] && run_case "$name"
            name=${line#\#\#\# }
            : >"$work/script"
        elif [ -n "$name" ]; then
            printf '%s\n' "$line" >>"$work/script"
        fi
    done <"$cases"
    [ -n "$name" ] && run_case "$name"
done
summary
