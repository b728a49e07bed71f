#!/usr/bin/env bash
# Large inputs through the guest tools: a tree of 10,000 files copied and compared byte by byte, digests and searches of
# a whole tree, a gibibyte through dd. One line a case: OK or FAIL and the seconds it took; the last line counts them.
#
#   trees_test.sh HALFCELL [FILES] [MEBIBYTES]     10000 files and 1024 MiB unless said otherwise
#
# With TOOLS=DIRECTORY in the environment the tools there are tried instead of those HALFCELL carries.
set -uo pipefail

halfcell=$(realpath "$1")
files=${2:-10000}
mebibytes=${3:-1024}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC
passed=0
failed=0

verdict() { # name, status, seconds
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
        echo "OK   $1 ($3 s)"
    else
        failed=$((failed + 1))
        echo "FAIL $1 ($3 s)"
    fi
}
check() { # name, command…
    local name=$1 begin=$EPOCHREALTIME status
    shift
    "$@"
    status=$?
    verdict "$name" $status "$(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }")"
}
tools=${TOOLS:+$(realpath "$TOOLS")/}
guest() { timeout 600 "$halfcell" run --bind "$work:/w" --cwd /w "$tools$@"; }

make_tree() {
    awk -v files="$files" -v root="$work/tree" 'BEGIN {
        srand(11)
        for (i = 0; i < files; i++) {
            directory = root "/d" int(i / 100) "/s" (i % 5)
            if (!(directory in made)) { system("mkdir -p " directory); made[directory] = 1 }
            name = directory "/file" i
            lines = int(rand() * 40)
            for (j = 0; j < lines; j++) printf "%d some text number %d with %s\n", j, rand() * 1e6, (rand() < 0.01 ? "a needle" : "hay") > name
            printf "" > name
            close(name)
        }
    }'
    head -c 3000000 /dev/urandom >"$work/tree/random"
    ln -s random "$work/tree/link"
    ln -s nowhere "$work/tree/dangling"
    ln "$work/tree/random" "$work/tree/hard"
    chmod 640 "$work/tree/random"
}

copy_is_equal() {
    guest cp -a tree copy &&
        diff -r --no-dereference "$work/tree" "$work/copy" &&
        diff <(cd "$work/tree" && find . -printf '%p %y %m %n %l %T@ %s\n' | grep -v '^\S* d' | sort) \
            <(cd "$work/copy" && find . -printf '%p %y %m %n %l %T@ %s\n' | grep -v '^\S* d' | sort)
}
recursive_copy_is_equal() { guest cp -r tree copy2 && diff -r --no-dereference "$work/tree" "$work/copy2"; }
listing_is_equal() {
    diff <(guest find tree | sort) <(cd "$work" && find tree | sort) &&
        diff <(guest ls -R tree) <(cd "$work" && ls -R tree)
}
digests_are_equal() {
    (cd "$work" && find tree -type f -print0 | sort -z | xargs -0 sha256sum) >"$work/sums"
    guest sha256sum --quiet -c sums
}
search_is_equal() {
    diff <(guest grep -rn 'a needle' tree | sort) <(cd "$work" && grep -rn 'a needle' tree | sort) &&
        diff <(guest grep -rcE '[0-9]{6} with (hay|straw)' tree | sort) \
            <(cd "$work" && grep -rcE '[0-9]{6} with (hay|straw)' tree | sort)
}
usage_is_equal() { diff <(guest du -sb tree | cut -f1) <(cd "$work" && du -sb tree | cut -f1); }
sorting_is_equal() {
    (cd "$work" && find tree -name 'file*' -print0 | sort -z | xargs -0 cat) >"$work/all"
    diff <(guest sort all | sha256sum) <(cd "$work" && sort all | sha256sum) &&
        diff <(guest wc all) <(cd "$work" && wc all)
}
removal_is_complete() { guest rm -r copy copy2 && [ ! -e "$work/copy" ] && [ ! -e "$work/copy2" ]; }
large_copy_is_equal() {
    head -c "${mebibytes}M" /dev/urandom >"$work/large" &&
        guest dd if=large of=large2 bs=1M status=none &&
        cmp "$work/large" "$work/large2"
}
large_digest_is_equal() {
    diff <(guest sha256sum large | cut -c1-64) <(sha256sum "$work/large" | cut -c1-64)
}

make_tree
check "cp -a of $files files is equal, with modes, times and links" copy_is_equal
check "cp -r of $files files is equal" recursive_copy_is_equal
check "find and ls -R of the tree" listing_is_equal
check "sha256sum -c of the tree" digests_are_equal
check "grep -r of the tree" search_is_equal
check "du of the tree" usage_is_equal
check "sort and wc of all lines" sorting_is_equal
check "rm -r of the copies" removal_is_complete
check "dd of $mebibytes MiB" large_copy_is_equal
check "sha256sum of $mebibytes MiB" large_digest_is_equal
echo "$passed passed, $failed failed"
[ $failed = 0 ]
