#!/bin/sh
# The subject of a commit is "area: what changes", in at most 72 characters. Looked at are the commits
# since the one that brought this check; where that history is not there, nothing is said.
#   tools/commits.sh [since]
set -u
since=${1:-$(git log --diff-filter=A --format=%H -- tools/commits.sh 2>/dev/null | tail -n 1)}
[ -n "$since" ] || exit 0
bad=$(git log --no-merges --format='%h %s' "$since..HEAD" 2>/dev/null |
    awk '{ hash = $1; sub(/^[^ ]+ /, "") }
        length($0) > 72 { print hash ": " length($0) " characters; 72 is the limit: " $0 }
        !/^[a-z0-9][a-zA-Z0-9 .,_\/-]*: ./ { print hash ": is not \"area: what changes\": " $0 }')
[ -z "$bad" ] && exit 0
echo "$bad"
exit 1
