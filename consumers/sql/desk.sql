-- name: take_lane(lane)^
-- Raise the lane's epoch: whoever held it before can no longer write.
update lanes set epoch = epoch + 1 where lane = :lane
returning epoch, next_offset, next_seq, last_hash, clock, domain_clock,
    directory_version, policy_version, calendar_version, recalculate_at, recalculate_case;

-- name: lock_lane(lane)^
-- The lane's row for the length of the transaction, and the database's clock.
select epoch, next_offset, next_seq, clock_timestamp() as now from lanes where lane = :lane for update;

-- name: advance_lane(next_offset, next_seq, last_hash, clock, domain_clock, directory_version, policy_version, calendar_version, recalculate_at, recalculate_case, lane, epoch, was_offset, was_seq)!
-- The lane's compare-and-set: one row, or the lane is another's.
update lanes set next_offset = :next_offset, next_seq = :next_seq, last_hash = :last_hash, clock = :clock, domain_clock = :domain_clock,
    directory_version = :directory_version, policy_version = :policy_version, calendar_version = :calendar_version,
    recalculate_at = :recalculate_at, recalculate_case = :recalculate_case
where lane = :lane and epoch = :epoch and next_offset = :was_offset and next_seq = :was_seq;

-- name: lane_sources(lane)
select topic, partition, next_offset, broker_time from sources where lane = :lane;

-- name: parked_until(lane)$
-- When the first parked command of the lane has waited long enough.
select min(until) from parked where lane = :lane;

-- name: load_cases(case_ids)
select case_id, state from cases where case_id = any(:case_ids::text[]);

-- name: due_cases(lane, until, most)
-- Cases of the lane with a timer due, in due order.
select case_id, state from cases where lane = :lane and next_timer_at <= :until order by next_timer_at, case_id limit :most;

-- name: cases_with_timers(lane, after_at, after_case, most)
-- Cases of the lane with any timer, in due order, after a place in it.
select state, case_id, next_timer_at from cases
where lane = :lane and next_timer_at is not null and (next_timer_at, case_id) > (:after_at, :after_case)
order by next_timer_at, case_id limit :most;

-- name: lanes_with_timers_due(lanes, until)
-- For each lane the earliest timer that is due; the index answers it.
select wanted.lane, due.next_timer_at
from unnest(:lanes::smallint[]) as wanted(lane)
cross join lateral (
    select next_timer_at from cases
    where cases.lane = wanted.lane and next_timer_at <= :until order by next_timer_at limit 1
) as due;

-- name: known_commands(parties, command_ids)
select commands.party, commands.command_id, commands.fingerprint, commands.source
from unnest(:parties::text[], :command_ids::text[]) as asked(party, command_id)
join commands using (party, command_id);

-- name: load_precedent_counts(task_codes, situations, ground_codes)
select precedents.task_code, precedents.situation, precedents.ground_code, outcome, sum(cases)::bigint as cases
from unnest(:task_codes::text[], :situations::text[], :ground_codes::text[]) as asked(task_code, situation, ground_code)
join precedents using (task_code, situation, ground_code)
group by 1, 2, 3, 4;

-- name: load_newest_precedents(task_codes, situations, ground_codes)
select asked.task_code, asked.situation, asked.ground_code, newest.case_id, newest.outcome, newest.closed_at
from unnest(:task_codes::text[], :situations::text[], :ground_codes::text[]) as asked(task_code, situation, ground_code)
cross join lateral (
    select case_id, outcome, closed_at from cases
    where cases.task_code = asked.task_code and cases.situation = asked.situation and cases.ground_code = asked.ground_code
      and outcome is not null and not headless
    order by closed_at desc limit 5
) as newest
order by newest.closed_at desc;

-- name: parked_for_cases(lane, case_ids)
select seq, case_id, command from parked where lane = :lane and case_id = any(:case_ids::text[]) order by seq;

-- name: parked_expired(lane, now, most)
select seq, case_id, command from parked where lane = :lane and until <= :now order by seq limit :most;

-- name: unpark(lane, seqs)!
delete from parked where lane = :lane and seq = any(:seqs::bigint[]);

-- name: quarantined_cases(case_ids)
select distinct case_id from quarantined where case_id = any(:case_ids::text[]);

-- name: held_commands(lane, case_ids)
select case_id, command from quarantined where lane = :lane and case_id = any(:case_ids::text[]) and command is not null order by seq;

-- name: unquarantine(lane, case_ids)!
delete from quarantined where lane = :lane and case_id = any(:case_ids::text[]);

-- name: quarantine(lane, seqs, case_ids, errors, at, commands)!
insert into quarantined (lane, seq, case_id, error, at, command)
select :lane, * from unnest(:seqs::bigint[], :case_ids::text[], :errors::text[], :at::timestamptz[], :commands::bytea[]);

-- name: hold_timers(case_ids)!
-- A quarantined case's timers wait with it.
update cases set next_timer_at = null where case_id = any(:case_ids::text[]);

-- name: append_journal(lane, seqs, kinds, case_ids, versions, recorded_at, bodies, hashes)!
insert into journal (lane, seq, kind, case_id, version, recorded_at, body, hash)
select :lane, * from unnest(
    :seqs::bigint[], :kinds::text[], :case_ids::text[], :versions::integer[], :recorded_at::timestamptz[], :bodies::bytea[], :hashes::bytea[]
);

-- name: put_cases(lane, case_ids, versions, org_codes, centres, stages, outcomes, headless, task_codes, situations, ground_codes, opened_at, closed_at, next_timer_at, states)!
insert into cases (
    lane, case_id, version, org_code, centre, stage, outcome, headless, task_code, situation, ground_code,
    opened_at, closed_at, next_timer_at, state
)
select :lane, * from unnest(
    :case_ids::text[], :versions::integer[], :org_codes::text[], :centres::text[], :stages::text[], :outcomes::text[],
    :headless::boolean[], :task_codes::text[], :situations::text[], :ground_codes::text[],
    :opened_at::timestamptz[], :closed_at::timestamptz[], :next_timer_at::timestamptz[], :states::bytea[]
)
on conflict (case_id) do update set
    version = excluded.version, stage = excluded.stage, outcome = excluded.outcome, situation = excluded.situation,
    ground_code = excluded.ground_code, closed_at = excluded.closed_at, next_timer_at = excluded.next_timer_at, state = excluded.state;

-- name: put_commands(lane, parties, command_ids, fingerprints, sources, seqs)!
-- In the order of the key, so that two lanes never wait for each other in a circle.
insert into commands (lane, party, command_id, fingerprint, source, seq)
select :lane, * from unnest(:parties::text[], :command_ids::text[], :fingerprints::text[], :sources::text[], :seqs::bigint[]) as u(p, i, f, s, q)
order by p, i;

-- name: put_sources(lane, topics, partitions, next_offsets, broker_times)!
insert into sources (lane, topic, partition, next_offset, broker_time)
select :lane, * from unnest(:topics::text[], :partitions::integer[], :next_offsets::bigint[], :broker_times::timestamptz[])
on conflict (lane, topic, partition) do update set next_offset = excluded.next_offset, broker_time = excluded.broker_time;

-- name: park(lane, seqs, case_ids, untils, commands)!
insert into parked (lane, seq, case_id, until, command)
select :lane, * from unnest(:seqs::bigint[], :case_ids::text[], :untils::timestamptz[], :commands::bytea[]);

-- name: put_outbox(lane, seqs, ns, topics, keys, ce_ids, ce_types, extras, values_)!
insert into outbox (lane, seq, n, topic, key, ce_id, ce_type, extra, value)
select :lane, * from unnest(
    :seqs::bigint[], :ns::smallint[], :topics::text[], :keys::bytea[], :ce_ids::text[], :ce_types::text[], :extras::text[], :values_::bytea[]
);

-- name: put_applicants(refs, case_ids, sealed, received_at)!
insert into applicants (applicant_ref, case_id, sealed, received_at)
select * from unnest(:refs::text[], :case_ids::text[], :sealed::bytea[], :received_at::timestamptz[])
on conflict (applicant_ref) do nothing;

-- name: erase_applicants(refs, erased_at)!
-- The ciphertext goes; that there was something, and when it went, stays.
update applicants set sealed = null, erased_at = coalesce(applicants.erased_at, u.erased_at)
from unnest(:refs::text[], :erased_at::timestamptz[]) as u(applicant_ref, erased_at)
where applicants.applicant_ref = u.applicant_ref;

-- name: count_precedents(lane, task_codes, situations, ground_codes, outcomes, counts)!
insert into precedents (lane, task_code, situation, ground_code, outcome, cases)
select :lane, * from unnest(:task_codes::text[], :situations::text[], :ground_codes::text[], :outcomes::text[], :counts::bigint[])
on conflict (task_code, situation, ground_code, lane, outcome) do update set cases = precedents.cases + excluded.cases;

-- name: intake_until()$
-- Until when each inbound partition has been forwarded; nothing is due before all of them have come so far.
select min(until) from intake_progress;
