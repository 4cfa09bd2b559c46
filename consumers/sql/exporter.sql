-- name: try_hold(space, key)$
-- One exporter counts; the lock goes with its session.
select pg_try_advisory_lock(:space::integer, :key::integer);

-- name: add_lanes()!
insert into counted_lanes (lane) select lane from lanes on conflict do nothing;

-- name: positions()
select lane, next_seq from counted_lanes;

-- name: behind()
-- How much of each lane's journal is not counted yet.
select lane, lanes.next_seq - counted_lanes.next_seq as entries from lanes join counted_lanes using (lane);

-- name: entries(lanes, seqs, most)
select found.lane, found.seq, found.case_id, found.body
from unnest(:lanes::smallint[], :seqs::bigint[]) as wanted(lane, seq)
cross join lateral (
    select journal.lane, journal.seq, journal.case_id, journal.body from journal
    where journal.lane = wanted.lane and journal.seq >= wanted.seq order by journal.seq limit :most
) as found
order by found.lane, found.seq;

-- name: tracked(case_ids)
select case_id, tracked from counted_cases where case_id = any(:case_ids::text[]);

-- name: cases(case_ids)
select case_id, state from cases where case_id = any(:case_ids::text[]);

-- name: quarantined()$
select count(distinct case_id) from quarantined;

-- name: now()$
select clock_timestamp();

-- name: began()$
-- When the first entry was recorded.
select min(first.recorded_at) from lanes
cross join lateral (select recorded_at from journal where journal.lane = lanes.lane order by seq limit 1) as first;

-- name: move_on(lanes, was, next)!
-- The compare-and-set of what is counted: as many rows as lanes, or another exporter has counted them.
update counted_lanes set next_seq = moved.next
from unnest(:lanes::smallint[], :was::bigint[], :next::bigint[]) as moved(lane, was, next)
where counted_lanes.lane = moved.lane and counted_lanes.next_seq = moved.was;

-- name: put_tracked(case_ids, tracked)!
insert into counted_cases (case_id, tracked) select * from unnest(:case_ids::text[], :tracked::bytea[])
on conflict (case_id) do update set tracked = excluded.tracked;

-- name: add_values(names, labels, amounts)!
-- Labels come as JSON arrays: unnest would take an array of arrays apart.
insert into counted_values (name, labels, value)
select n, array(select jsonb_array_elements_text(l::jsonb)), a from unnest(:names::text[], :labels::text[], :amounts::double precision[]) as u(n, l, a)
on conflict (name, labels) do update set value = counted_values.value + excluded.value;

-- name: add_limits(units, kinds, dues, amounts)!
insert into counted_limits (unit, kind, due_at, running)
select * from unnest(:units::text[], :kinds::text[], :dues::timestamptz[], :amounts::bigint[])
on conflict (unit, kind, due_at) do update set running = counted_limits.running + excluded.running;

-- name: drop_empty_limits()!
delete from counted_limits where running = 0;

-- name: add_answers(centres, ats, results, amounts)!
insert into counted_answers (centre, at, result, answers)
select * from unnest(:centres::text[], :ats::timestamptz[], :results::text[], :amounts::bigint[])
on conflict (centre, at, result) do update set answers = counted_answers.answers + excluded.answers;

-- name: drop_answers(centre, before)!
delete from counted_answers where centre = :centre and at < :before;

-- name: put_heard(units, ats)!
insert into counted_units (unit, heard_at) select * from unnest(:units::text[], :ats::timestamptz[])
on conflict (unit) do update set heard_at = greatest(counted_units.heard_at, excluded.heard_at);

-- name: values()
select name, labels, value from counted_values;

-- name: limits()
select unit, kind, due_at, running from counted_limits where running <> 0;

-- name: answers()
select centre, at, result, answers from counted_answers;

-- name: heard()
select unit, heard_at from counted_units;
