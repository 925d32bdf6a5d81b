# The stages of scripts/test. Each runs in a subshell with `set -e` and leaves its counts in build/results:
# STAGE.xml is what ctest wrote (JUnit), STAGE.counts holds "passed failed skipped" of what is counted otherwise.

# `(set -e; f) || …` does not end f at its first error, so each step says `|| return`.
step() {
  printf '+ %s\n' "$*"
  "$@"
}

build_preset() {  # CONFIGURE-PRESET [BUILD-PRESET, if another name]
  step cmake --preset "$1" >build/results/"$1".configure.log 2>&1 || { cat build/results/"$1".configure.log; return 1; }
  step cmake --build --preset "${2:-$1}" -j "$jobs" || return
}

# ctest's own exit code is not looked at: its counts are, and a run that wrote none has failed.
run_ctest() {  # STAGE PRESET
  step ctest --preset "$2" -j "$jobs" --output-junit "$PWD/build/results/$1.xml" 2>&1 | grep --line-buffered -v '^ *Start ' || true
  [ -s "build/results/$1.xml" ]
}

build_and_test() {  # STAGE PRESET
  build_preset "$2" || return
  run_ctest "$1" "$2"
}

stage_setup() { scripts/setup test; }
stage_release() { build_and_test release release; }
stage_tsan() { build_and_test tsan tsan; }

# --- asan: the build that also says which lines its tests ran -------------------------------------------------------

# PROFDATA is what all processes of one run counted, together.
profdata=build/asan-ubsan/coverage.profdata

# The profiles of another run would be counted too: away with them, and with each as soon as it is part of the whole.
test_and_count_lines() {  # STAGE
  local profiles=build/asan-ubsan/profiles
  rm -rf "$profiles" "$profdata" && mkdir -p "$profiles" || return
  chmod 1777 "$profiles" || return  # processes of other users, which the tests start, write theirs too
  run_ctest "$1" asan-ubsan || return
  find "$profiles" -name '*.profraw' -size +0 >"$profiles/list.txt"
  # A process that was killed half-way through writing leaves a profile that cannot be read: that one is left out.
  step llvm-profdata-19 merge -sparse -failure-mode=all -f "$profiles/list.txt" -o "$profdata" || return
  rm -rf "$profiles"
}

stage_asan() {
  build_preset asan-ubsan || return
  test_and_count_lines asan
}

# --- windows: cross-built, run under Wine ---------------------------------------------------------------------------

# This is also the stage without the second provider (PENSTOCK_OPENSSL is off for Windows): libsodium makes every record there,
# and tests/crypto/aead_sodium_only_test.cpp takes the place of aead_provider_test.cpp.
stage_windows() {
  export PENSTOCK_WINEPREFIX=$PWD/build/windows/wine  # its own: ending it ends nobody else's programs
  step scripts/windows-libraries || return
  build_preset windows || return
  rm -rf build/windows/gtest || return
  # One Windows for all tests, made before they start and ended with this stage, however it ends.
  trap 'scripts/wine --end' EXIT
  step scripts/wine --keep || return
  step ctest --preset windows -j "$jobs" --output-junit "$PWD/build/results/windows.ctest.xml" 2>&1 |
    grep --line-buffered -v '^ *Start ' || true
  # ctest knows the programs; the single tests are in what GoogleTest wrote.
  step /usr/bin/python3 scripts/gtest_counts.py count build/windows build/results/windows.ctest.xml \
    build/results/windows.counts build/results/windows.names
}

# Prints how many test bodies ran on Linux and on Windows, if both stages ran.
on_both_platforms() {
  [ -s build/results/windows.names ] && [ -s build/results/release.xml ] || return 0
  echo "$(/usr/bin/python3 scripts/gtest_counts.py both build/results/release.xml build/results/windows.names)" \
    "test bodies ran on both platforms"
}

# --- fuzz: a bounded smoke of every target, two side by side ------------------------------------------------------

fuzz_one() {  # PROGRAM
  local program=$1 name target work dictionary=() seeds=()
  name=$(basename "$program") target=${1##*/fuzz_}
  work=build/fuzz/work/$name
  rm -rf "$work" && mkdir -p "$work/corpus" || return
  for place in "fuzz/seeds/$target" "fuzz/seeds/$name"; do [ -d "$place" ] && seeds+=("$place"); done
  for place in "fuzz/dict/$target.dict" "fuzz/dict/$name.dict"; do [ -f "$place" ] && dictionary=("-dict=$place"); done
  # New inputs go to the first directory only, so the seeds in the tree stay as they are.
  "$program" -max_total_time="${PENSTOCK_FUZZ_SECONDS:-20}" -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/" "${dictionary[@]}" "$work/corpus" "${seeds[@]}" >"$work/log" 2>&1
}

stage_fuzz() {
  build_preset asan-ubsan fuzz || return
  export LLVM_PROFILE_FILE=/dev/null  # what lines a fuzzer ran is not in the report, which is about the tests
  export ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  local programs=() program name good=0 bad=0
  for program in build/asan-ubsan/fuzz/fuzz_*; do
    [ -f "$program" ] && [ -x "$program" ] && programs+=("$program")
  done
  echo "${#programs[@]} targets, ${PENSTOCK_FUZZ_SECONDS:-20} s each"
  for program in "${programs[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    { fuzz_one "$program" && : >"build/fuzz/work/${program##*/}/passed"; } &
  done
  wait || true
  for program in "${programs[@]}"; do
    name=${program##*/}
    if [ -e "build/fuzz/work/$name/passed" ]; then
      good=$((good + 1))
      echo "passed  $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/work/$name/log") inputs"
    else
      bad=$((bad + 1))
      echo "FAILED  $name: the end of build/fuzz/work/$name/log:"
      tail -n 40 "build/fuzz/work/$name/log"
    fi
  done
  echo "$good $bad 0" >build/results/fuzz.counts
}

# --- coverage: the report of what the tests of stage asan ran -------------------------------------------------------

# Whether the tests were run by the programs that are there now.
lines_are_counted() {  # PROGRAM...
  local program
  [ -s "$profdata" ] || return
  for program; do [ "$profdata" -nt "$program" ] || return; done
}

stage_coverage() {
  build_preset asan-ubsan || return
  local report=build/coverage/report programs=() objects=() program
  rm -rf "$report" && mkdir -p "$report" || return
  while IFS= read -r program; do [ -x "$program" ] && programs+=("$program"); done <build/asan-ubsan/executables.txt
  [ ${#programs[@]} -gt 0 ] || { echo "no instrumented program was built"; return 1; }
  lines_are_counted "${programs[@]}" || test_and_count_lines coverage || return

  objects=("${programs[0]}")
  for program in "${programs[@]:1}"; do objects+=(-object "$program"); done
  local sources=(crypto transports protocol)
  llvm-cov-19 report -use-color=0 "${objects[@]}" -instr-profile="$profdata" "${sources[@]}" >"$report/summary.txt" || return
  llvm-cov-19 show -use-color=0 "${objects[@]}" -instr-profile="$profdata" -format=html -show-branches=count \
    -output-dir="$report/html" "${sources[@]}" || return
  llvm-cov-19 export "${objects[@]}" -instr-profile="$profdata" -format=lcov "${sources[@]}" \
    >"$report/coverage.lcov" || return
  cat "$report/summary.txt"
  echo "page by page: $report/html/index.html"
  if [ -e scripts/check_coverage.py ]; then
    if step /usr/bin/python3 scripts/check_coverage.py "$report/coverage.lcov" --strict; then
      echo "1 0 0" >build/results/coverage.counts
    else
      echo "0 1 0" >build/results/coverage.counts
    fi
  fi
}

# --- counting -------------------------------------------------------------------------------------------------------

# Reads what ctest wrote: prints "passed failed skipped". A test whose program is missing did not skip itself: it failed.
count_junit() {  # FILE
  awk '
    /^\t<testcase / { total++; if (/status="fail"/) failed++; else if (/status="disabled"/) skipped++ }
    /^\t\t<skipped message="SKIP_/ { skipped++; next }
    /^\t\t<skipped / { failed++ }
    END { printf "%d %d %d\n", total - failed - skipped, failed, skipped }' "$1"
}

# Prints `name: reason` of each test that skipped itself (GoogleTest writes the reason below `file:line: Skipped`).
list_skipped() {  # FILE
  awk '
    /^\t<testcase / { split($0, part, "\""); name = part[2]; reason = ""; mine = 0 }
    /^\t\t<skipped message="SKIP_/ { mine = 1 }
    take { reason = $0; take = 0 }
    mine && /: Skipped$/ { take = 1 }
    /^\t<\/testcase>/ && mine { print "  skipped " name ": " reason }' "$1"
}

# Prints what failed in a stage. Of windows it is ctest's own file that tells: the other has the counts only.
list_failed() {  # STAGE
  local junit=build/results/$1.xml
  [ "$1" != windows ] || junit=build/results/windows.ctest.xml
  /usr/bin/python3 scripts/failed_tests.py "$1" "$junit" "build/results/$1.log"
}

# Sets stage_passed, stage_failed, stage_skipped, stage_result, and adds them to the totals.
tally() {  # STAGE STATUS
  local more
  stage_passed=0 stage_failed=0 stage_skipped=0
  if [ -s "build/results/$1.xml" ]; then
    read -r stage_passed stage_failed stage_skipped < <(count_junit "build/results/$1.xml")
    list_skipped "build/results/$1.xml"
  fi
  if [ -s "build/results/$1.counts" ]; then
    read -r -a more <"build/results/$1.counts"
    stage_passed=$((stage_passed + more[0])) stage_failed=$((stage_failed + more[1])) stage_skipped=$((stage_skipped + more[2]))
  fi
  # What broke before it could count, and a stage that tested nothing, is one failure.
  if [ "$2" -ne 0 ] && [ "$stage_failed" -eq 0 ]; then stage_failed=1; fi
  if [ "$1" != setup ] && [ "$stage_passed" -eq 0 ] && [ "$stage_failed" -eq 0 ]; then stage_failed=1; fi
  stage_result=ok
  [ "$stage_failed" -eq 0 ] || stage_result=FAILED
  passed=$((passed + stage_passed)) failed=$((failed + stage_failed)) skipped=$((skipped + stage_skipped))
}
