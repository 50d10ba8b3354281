#!/bin/bash
# Runs once, in a new database directory. MailApi owns its database and is no superuser: a superuser is not held by row level
# security, the second wall between tenants. The superuser itself can then only come in through the server's own socket.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" --username=postgres --dbname=postgres <<'SQL'
create role mailapi login password :'password';
create database mailapi owner mailapi;
alter role postgres password null;
SQL
