#!/usr/bin/env bash
# The part of the official image's entrypoint that the reference stack needs: initialises an empty data directory with
# POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, then runs the server as the user postgres.
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
mkdir -p "$PGDATA" /run/postgresql
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" | install -o postgres -m 600 /dev/stdin /run/postgresql/password
  "${as_postgres[@]}" "$bin/initdb" -D "$PGDATA" -U "$POSTGRES_USER" --no-sync --auth-local=trust --auth-host=scram-sha-256 \
    --pwfile=/run/postgresql/password >/dev/null
  rm /run/postgresql/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | "${as_postgres[@]}" "$bin/postgres" --single -j -D "$PGDATA" postgres >/dev/null
  fi
fi
exec "${as_postgres[@]}" "$bin/postgres" -D "$PGDATA" -c listen_addresses='*' -c max_connections=40 -c jit=off "$@"
