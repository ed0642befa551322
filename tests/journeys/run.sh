#!/bin/sh
# Every journey, by the pytest that is named. Those that kill, cut off or stop what they run on wait most of the time: they
# have a portal apart, side by side with the stories; but not on a broker that two portals would share.
set -u
pytest=$1
rough="tests/journeys/test_database_gone.py tests/journeys/test_killed_workers.py tests/journeys/test_start.py"
[ -z "${CELERY_BROKER_URL:-}" ] || exec "$pytest" tests/journeys

told=$(mktemp)
# what a shell puts in the background ignores Ctrl-C, and would go on without us
heeding="import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
"$(dirname "$pytest")/python" -c "$heeding" "$pytest" $rough >"$told" 2>&1 &
failed=0
"$pytest" tests/journeys $(printf ' --ignore=%s' $rough) || failed=1
wait $! || failed=1
echo "--- the journeys that kill, cut off and stop"
cat "$told"
rm "$told"
exit $failed
