#!/usr/bin/env bash
# Runs the test guests (tests/guests): each must end with the line PASS and status 0. One line a guest.
#
#   guests_test.sh HALFCELL DIRECTORY      DIRECTORY holds the built guests, test_*
#
# SELF in a guest's environment is where the guest finds its own image.
set -uo pipefail

halfcell=$(realpath "$1")
directory=$(realpath "$2")
passed=0
failed=0
for program in "$directory"/test_*; do
    output=$(timeout 120 "$halfcell" run --bind "$directory:/self:ro" --env "SELF=/self/$(basename "$program")" \
        "$program" 2>&1)
    status=$?
    if [ $status = 0 ] && [ "$(tail -n 1 <<<"$output")" = PASS ]; then
        passed=$((passed + 1))
        echo "OK   $(basename "$program")"
    else
        failed=$((failed + 1))
        echo "FAIL $(basename "$program"): status $status"
        tail -n 5 <<<"$output" | sed 's/^/     /'
        echo "     again: $halfcell run $program"
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
