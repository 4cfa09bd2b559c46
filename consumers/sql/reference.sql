-- name: content(kind, version)$
select content from reference_contents where kind = :kind and version = :version;

-- name: contents_of(kind)
-- Every version of a kind, newest first.
select version, content from reference_contents where kind = :kind order by stored_at desc;

-- name: put_content(kind, version, sha256, content)!
insert into reference_contents (kind, version, sha256, content) values (:kind, :version, :sha256, :content)
on conflict do nothing;

-- name: stored_sha256(kind, version)$
select sha256 from reference_contents where kind = :kind and version = :version;

-- name: one_load_at_a_time(space)!
select pg_advisory_xact_lock(:space::bigint);

-- name: last_load(kind)^
select id, version, loaded_at, announced_at from reference_loads where kind = :kind order by id desc limit 1;

-- name: put_load(kind, version)^
insert into reference_loads (kind, version) values (:kind, :version) returning id, version, loaded_at, announced_at;

-- name: announced(id)!
update reference_loads set announced_at = coalesce(announced_at, clock_timestamp()) where id = :id;

-- name: first_loads()
-- What a new lane begins with.
select distinct on (kind) kind, version, content from reference_loads join reference_contents using (kind, version)
order by kind, id;

-- name: newest_announced()
select distinct on (kind) kind, version from reference_loads where announced_at is not null order by kind, id desc;

-- name: loads(kind)
-- Newest first.
select id, version, loaded_at, announced_at from reference_loads where kind = :kind order by id desc;

-- name: versions_of_lanes()
select lane, directory_version, policy_version, calendar_version, recalculate_at is not null as recalculating
from lanes order by lane;

-- name: centres_with_cases()
select distinct centre from cases;

-- name: units_with_open_cases()
select distinct org_code from cases where stage <> 'closed' or next_timer_at is not null;

-- name: expect_inbound(topics, partitions)!
-- Partitions that have just been made: nothing was received there before now, and limits wait until intake has read them.
insert into intake_progress (topic, partition, until)
select t, p, clock_timestamp() from unnest(:topics::text[], :partitions::integer[]) as u(t, p) order by t, p
on conflict do nothing;

-- name: set_versions(lane, directory_version, policy_version, calendar_version)!
-- After a rebuild: its limits are looked at again from the beginning.
update lanes set directory_version = :directory_version, policy_version = :policy_version, calendar_version = :calendar_version,
    recalculate_at = case when :calendar_version::text is null then null else 'epoch'::timestamptz end,
    recalculate_case = case when :calendar_version::text is null then null else '' end
where lane = :lane;
