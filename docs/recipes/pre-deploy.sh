#!/usr/bin/env bash
# Lets a deploy go on only where the database is well: ./pre-deploy.sh && ./deploy.sh
# DATABASE_URL or a config says which database; further arguments are those of dbdoctor check.
set -u

npx --yes dbdoctor check --wait 60s --deadline 2m -f pretty -f json=dbdoctor.json "$@"
code=$?

case $code in
  0) echo 'go' ;;
  1) echo 'no go: the database, or what stands in front of it, is ill' ;;
  2) echo 'no go: nothing was examined; mend the command or the config' ;;
  3) echo 'no go: not everything that was asked could be answered' ;;
  *) echo "no go: dbdoctor ended with $code" ;;
esac >&2
exit "$code"
