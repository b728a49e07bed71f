#!/usr/bin/env bash
# Runs the guest tools and the host's own on the same files and compares what they print, their status and what they
# leave behind. One line a case: OK or FAIL; the last line counts them.
#
#   tools_test.sh HALFCELL [FILTER]     HALFCELL is the program; FILTER keeps the cases that contain it
#
# With TOOLS=DIRECTORY in the environment the tools there are tried instead of those HALFCELL carries.
. "$(dirname "$0")/cases.sh"

input=/dev/null
fixture=$work/fixture
host=$work/host
guest=$work/guest

host_run() { (cd "$host" && env -- "$@" <"$input"); }
tools=${TOOLS:+$(realpath "$TOOLS")/}
guest_run() { timeout 60 "$halfcell" run --root "$guest" --cwd / "$tools$@" <"$input"; }

fresh() {
    chmod -R u+rwx "$host" "$guest" 2>/dev/null
    rm -rf "$host" "$guest"
    cp -a "$fixture" "$host"
    cp -a "$fixture" "$guest"
}

# What a tree looks like: names, types, modes, sizes, link targets, number of names, and what is in the files.
shape() {
    (cd "$1" && find . -mindepth 1 -printf '%P %y %m %l %n ' \( -type f -printf '%s' , -printf '\n' \) | sort
     find . -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

order=cat # what both outputs go through before they are compared

compare() { # "changes" or "reads", words of the command
    local kind=$1 problem host_status
    shift
    wanted "$*" || return 0
    [ "$kind" = changes ] && fresh
    host_run "$@" >"$work/host.out" 2>"$work/host.err"
    host_status=$?
    guest_run "$@" >"$work/guest.out" 2>"$work/guest.err"
    problem=$(differences $host_status $? $order)
    if [ "$kind" = changes ]; then
        shape "$host" >"$work/host.shape"
        shape "$guest" >"$work/guest.shape"
        cmp -s "$work/host.shape" "$work/guest.shape" ||
            problem+=$'\n'"trees differ:"$'\n'"$(diff "$work/host.shape" "$work/guest.shape" | head -8)"
    fi
    verdict "$*" "$problem"
}

same() { compare reads "$@"; }
changes() { compare changes "$@"; }
from() { # file, then a case that reads it
    local saved=$input
    input=$fixture/$1
    shift
    "$@"
    input=$saved
}

by_words() { tr ' ' '\n' | sort; }
unordered() { # "sort" or "by_words", then a case: what it prints may come in another order
    order=$1
    shift
    "$@"
    order=cat
}

# The guest alone: text on standard error, then status, then the command.
says() {
    local text=$1 status=$2 problem=
    shift 2
    wanted "$*" || return 0
    guest_run "$@" >"$work/guest.out" 2>"$work/guest.err"
    local guest_status=$?
    grep -qF -- "$text" "$work/guest.err" || problem+="stderr: $(head -3 "$work/guest.err")"$'\n'
    [ $guest_status = "$status" ] || problem+="status $guest_status instead of $status"$'\n'
    verdict "$* (message)" "$problem"
}

make_fixture() {
    mkdir -p "$fixture"/{dir/sub/deep,empty,many}
    cd "$fixture" || exit 1
    printf 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve\n' >lines
    printf 'pear 10\napple 9\nfig 100\napple 9\nPlum 1\n  fig 20\nzoo -5\napple 10\n\n' >words
    printf 'a:1:x\nb:22:y\nc:3:\nno delimiter\n::\n' >table
    printf 'no newline at the end' >unfinished
    printf 'tab\there\x01\x7f\xc3\xa9\n\n\n\nend\n' >odd
    printf '10K\n2M\n1G\n512\n3K\n' >sizes
    printf 'Jan\nDec\nmar\nfoo\n' >months
    printf 'v1.10\nv1.9\nv1.2\n' >versions
    : >nothing
    head -c 100000 /dev/zero | tr '\0' 'z' >zeds
    awk 'BEGIN { srand(5); for (i = 0; i < 20000; i++) printf "%d line %d of some text %s\n", rand() * 1000000, i, (i % 7 ? "alpha" : "beta Gamma") }' >big
    head -c 300000 big >bigger_than_a_buffer
    awk 'BEGIN { srand(9); for (i = 0; i < 5000; i++) printf "%c", 1 + rand() * 254 }' >binary
    printf 'text\0binary text\n' >with_nul
    cp lines dir/copy
    printf 'alpha\nneedle here\n' >dir/sub/a.txt
    printf 'needle\n' >dir/sub/deep/b.c
    printf 'nothing\n' >dir/sub/deep/c.c
    ln -s lines link
    ln -s dir link_to_dir
    ln -s nowhere dangling
    ln lines hard
    for i in $(seq 30); do echo "$i" >many/file$i; done
    chmod 600 words
    chmod 755 table
    chmod 1777 empty
    sha256sum lines words big >sums
    printf '%s  lines\n%s  missing\n' "$(printf %064d 0)" "$(printf %064d 1)" >bad_sums
    touch -d '2020-02-02 02:02:02' lines dir/sub/a.txt
    touch -d '2021-03-03 03:03:03.5' words
    touch -d '2019-01-01 00:00:00' table odd
    cd "$here" || exit 1
}

make_fixture
fresh
for cases in "$here"/tools_*.cases; do
    # shellcheck disable=SC1090
    . "$cases"
done
summary
