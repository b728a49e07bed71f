#!/usr/bin/env bash
# Long pipelines in the guest's shell, again and again: each must be right and end. Prints OK or FAIL and how often.
#
#   pipelines_test.sh HALFCELL [COUNT]      COUNT is how often each is run, 3 unless said otherwise
set -uo pipefail

halfcell=$(realpath "$1")
count=${2:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

cat >"$work/sorted" <<'END'
seq 1000000 | sort -r | head
END
cat >"$work/stages" <<'END'
stages=cat
i=1
while [ $i -lt 200 ]; do
    stages="$stages | cat"
    i=$((i + 1))
done
eval "seq 20000 | $stages"
END
seq 1000000 | LC_ALL=C sort -r | head >"$work/sorted.expected" 2>/dev/null
seq 20000 >"$work/stages.expected"

for pipeline in sorted stages; do
    right=0
    for ((round = 0; round < count; round++)); do
        timeout 120 "$halfcell" run --bind "$work:/work:ro" sh "/work/$pipeline" >"$work/output" 2>"$work/errors" </dev/null
        status=$?
        if [ $status != 0 ] || ! cmp -s "$work/output" "$work/$pipeline.expected"; then
            echo "FAIL $pipeline in round $round: status $status, $(wc -c <"$work/output") bytes, $(head -3 "$work/errors")"
            failed=1
            break
        fi
        right=$((right + 1))
    done
    [ $right = "$count" ] && echo "OK   $pipeline, $count times"
done
exit $failed
