#!/bin/sh
# The role the portal works as may sign in, and owns nothing; its rights come with the first migration.
set -e
psql -v ON_ERROR_STOP=1 -v password="$WEB_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role assay_web login nobypassrls password :'password';
create role assay_broker nologin nobypassrls;
SQL
