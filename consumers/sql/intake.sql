-- name: put_progress(topics, partitions, ago)!
-- By the database's own clock: a worker's may be wrong by an hour.
insert into intake_progress (topic, partition, until)
select t, p, clock_timestamp() - a
from unnest(:topics::text[], :partitions::integer[], :ago::interval[]) as u(t, p, a) order by t, p
on conflict (topic, partition) do update set until = greatest(intake_progress.until, excluded.until);

-- name: expect(topics, partitions)!
-- A row for each partition that exists: nothing is known of a new one. Those of topics deleted some time ago go.
with there as (select t, p from unnest(:topics::text[], :partitions::integer[]) as u(t, p)),
     gone as (
         delete from intake_progress
         where (topic, partition) not in (select t, p from there) and until < clock_timestamp() - interval '5 minutes'
     )
insert into intake_progress (topic, partition, until) select t, p, 'epoch' from there order by t, p
on conflict do nothing;
