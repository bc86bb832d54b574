#!/bin/sh
# Run once by the image of PostgreSQL on an empty volume: a database per service, and a role that may enter no other.
set -eu
for service in user concert payment partner orchestrator waiting_room; do
  password=$(eval "printf '%s' \"\${POSTGRES_PASSWORD_$(printf '%s' "$service" | tr '[:lower:]' '[:upper:]')}\"")
  psql --set ON_ERROR_STOP=1 --set service="$service" --set role="tutti_$service" --set password="$password" <<'SQL'
create role :"role" login nosuperuser nocreatedb nocreaterole password :'password';
create database :"service" owner :"role";
revoke all on database :"service" from public;
SQL
done
