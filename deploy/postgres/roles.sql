-- Two roles for a Strongroom store in the database that psql is connected to. Run as a superuser, or
-- as a role that may create roles and owns the database:
--   psql -v owner_password=… -v service_password=… -d kms -f roles.sql
-- The owner runs `strongroom migrate` and owns the tables. The service's role can read and change
-- rows, and can neither make, change nor drop a table. It may be run again.
\set ON_ERROR_STOP on

SELECT 'CREATE ROLE strongroom_owner LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'strongroom_owner') \gexec
SELECT 'CREATE ROLE strongroom LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'strongroom') \gexec

ALTER ROLE strongroom_owner PASSWORD :'owner_password';
ALTER ROLE strongroom PASSWORD :'service_password';

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO strongroom_owner, strongroom', current_database()) \gexec

CREATE SCHEMA IF NOT EXISTS strongroom AUTHORIZATION strongroom_owner;
GRANT USAGE ON SCHEMA strongroom TO strongroom;

-- Tables that are there, and those that later migrations make. A node only reads `migration`.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA strongroom TO strongroom;
ALTER DEFAULT PRIVILEGES FOR ROLE strongroom_owner IN SCHEMA strongroom
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO strongroom;
SELECT 'REVOKE INSERT, UPDATE, DELETE ON strongroom.migration FROM strongroom'
WHERE to_regclass('strongroom.migration') IS NOT NULL \gexec
