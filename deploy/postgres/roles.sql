-- Two roles for a Strongroom store in the database that one is connected to. Run as a superuser, or as
-- a role that may create roles and owns the database; it may be run again:
--   psql -d kms -f roles.sql
--   psql -d kms -c '\password strongroom_owner' -c '\password strongroom'
-- The owner runs `strongroom migrate` and owns the tables. The service's role can read and change
-- rows, and can neither make, change nor drop a table.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'strongroom_owner') THEN
    CREATE ROLE strongroom_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'strongroom') THEN
    CREATE ROLE strongroom LOGIN;
  END IF;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO strongroom_owner, strongroom', current_database());
END
$$;

CREATE SCHEMA IF NOT EXISTS strongroom AUTHORIZATION strongroom_owner;
GRANT USAGE ON SCHEMA strongroom TO strongroom;

-- Tables that are there, and those that later migrations make.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA strongroom TO strongroom;
ALTER DEFAULT PRIVILEGES FOR ROLE strongroom_owner IN SCHEMA strongroom
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO strongroom;

-- The list of migrations is only read. Run this file again after the first migration, so that it finds it.
DO $$
BEGIN
  IF to_regclass('strongroom.migration') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE ON strongroom.migration FROM strongroom;
  END IF;
END
$$;
