-- What the roles that connect may do; `noveto database migrate` ends with it, so that it is always this schema's.
-- The roles are the cluster's: whoever migrates makes them where it may, else an administrator does and migrates again.
do $rights$
declare
    wanted text;
begin
    foreach wanted in array array['noveto_worker', 'noveto_reporting'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when insufficient_privilege or duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
    -- The worker: works with every table, but the journal only grows, and nobody's data are moved elsewhere.
    if exists (select from pg_roles where rolname = 'noveto_worker') then
        revoke all on all tables in schema public from noveto_worker;
        grant usage on schema public to noveto_worker;
        grant select, insert, update, delete on all tables in schema public to noveto_worker;
        revoke update, delete on journal, reference_contents from noveto_worker;
        revoke insert, delete on lanes from noveto_worker;
        revoke delete on applicants from noveto_worker;
        revoke insert, update, delete on alembic_version from noveto_worker;
    end if;
    -- Reporting: reads what became of cases; no applicants, and no messages as they were sent.
    if exists (select from pg_roles where rolname = 'noveto_reporting') then
        revoke all on all tables in schema public from noveto_reporting;
        grant usage on schema public to noveto_reporting;
        grant select on all tables in schema public to noveto_reporting;
        revoke select on applicants, parked, quarantined, outbox from noveto_reporting;
    end if;
end
$rights$;
