#!/usr/bin/env bash
# Sets up, builds and passes every test that this machine can run. Closes with
# a line "N passed, N failed".
source "$(dirname "$0")/setup.sh"
ninja -C build

log=build/check.log
status=0
ninja -C build check-tessera 2>&1 | tee "$log" || status=$?
count() { awk -v word="$1" '$1 == word && $2 == ":" { n += $3 } $1 == word":" { n += $2 } END { print n + 0 }' <(tr -s ' ' <"$log"); }

passed=$(count Passed)
failed=$(($(count Failed) + $(count Unresolved) + $(count Timed)))
unformatted=$(git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run -Werror 2>&1 | grep -c 'error:' || true)
if ((unformatted)); then
  echo "clang-format finds $unformatted places; run scripts/format.sh"
  failed=$((failed + 1))
else
  passed=$((passed + 1))
fi
if ((status != 0 && failed == 0)); then
  failed=1 # the runner itself failed
fi
echo "$passed passed, $failed failed"
((failed == 0 && passed > 1))
